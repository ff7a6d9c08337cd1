import BlockDevices
import Crypto
import Glibc
package import HostModel
package import SystemPackage

/// Where an image is taken from: `--image`, `muster.install-image=`, else what the node was started from.
package enum InstallSource: Hashable, Sendable {
    case server(LiveImageFolder)
    case medium(VolumeID)
    /// A folder of this system.
    case folder(FilePath)

    /// Kernel argument: the image to install where it is not the one of `muster.image=`.
    package static let argumentName = "muster.install-image"

    package init(parsing value: String) throws(InstallFailure) {
        if value.hasPrefix("/") {
            self = .folder(FilePath(value))
            return
        }
        do throws(KernelArgumentError) {
            switch try LiveImageSource(parsing: value) {
            case .server(let folder): self = .server(folder)
            case .medium(let volumeID): self = .medium(volumeID)
            case .slot: throw LiveImageSource.error(value, "the image of a slot is installed already")
            }
        } catch {
            throw InstallFailure(
                .refused,
                "\(terminalEscaped(value)) is no image: \(error.reason)",
                remedy: "name http://SERVER/images/NAME/VERSION, medium:VOLUMEID, or a folder by its whole path"
            )
        }
    }

    /// What the running system was started from.
    package init(_ arguments: KernelArguments) throws(InstallFailure) {
        guard let value = arguments[Self.argumentName] ?? arguments[LiveImageSource.argumentName] else {
            throw InstallFailure(
                .refused,
                "this system does not know which image it was started from",
                remedy: "name one with --image (or \(Self.argumentName)= on the kernel command line)"
            )
        }
        try self.init(parsing: value)
    }
}

/// The files of one image.
protocol ImageFiles: Sendable {
    func small(_ name: String, limit: Int) async throws -> [UInt8]
    /// The whole file into an empty one; what differs from the manifest is an error.
    func copy(_ file: ImageManifest.File, to target: FileDescriptor, progress: @escaping @Sendable (Int64) -> Void)
        async throws
}

/// Of a published image.
struct ServerFiles: ImageFiles {
    let folder: LiveImageFolder
    let query: String
    let say: @Sendable (String) -> Void

    func small(_ name: String, limit: Int) async throws -> [UInt8] {
        try await fetch { _ in }.bytes(of: name, limit: limit)
    }

    func copy(
        _ file: ImageManifest.File,
        to target: FileDescriptor,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws {
        var download = ResumingDownload(expectedSize: file.size, sizeMax: LiveImage.rootBytesMax)
        var sink = FileSink(target)
        try await fetch(progress).root(file, &download, into: &sink)
    }

    private func fetch(_ progress: @escaping @Sendable (Int64) -> Void) -> ImageFetch {
        ImageFetch(folder: folder, query: query) { [say] step in
            switch step {
            case .waiting(let seconds, let reason): say("\(reason); trying again in \(seconds) s")
            case .received(let bytes, _): progress(bytes)
            }
        }
    }
}

/// Of a folder on a medium or of this system. No link is followed.
final class FolderFiles: ImageFiles {
    private let directory: FileDescriptor
    private let mount: TransientMount?
    /// For sentences.
    private let place: String

    /// `parent` is the folder's own parent, which stays mounted as long as this value lives.
    init(_ name: String, in mount: TransientMount, place: String) throws(InstallFailure) {
        let descriptor = openat(mount.directory.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.missing(name, place) }
        (directory, self.mount, self.place) = (FileDescriptor(rawValue: descriptor), mount, place)
    }

    init(_ path: FilePath) throws(InstallFailure) {
        let descriptor = Glibc.open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.missing("the folder", path.string) }
        (directory, mount, place) = (FileDescriptor(rawValue: descriptor), nil, path.string)
    }

    deinit { try? directory.close() }

    func small(_ name: String, limit: Int) throws -> [UInt8] {
        let file = try open(name)
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= limit else {
                throw InstallFailure(
                    .refused,
                    "\(name) in \(place) is over \(limit) bytes",
                    remedy: "build the image again"
                )
            }
        }
    }

    func copy(
        _ file: ImageManifest.File,
        to target: FileDescriptor,
        progress: @escaping @Sendable (Int64) -> Void
    ) throws {
        try read(file) { bytes, offset in
            _ = try target.writeAll(toAbsoluteOffset: offset, bytes)
            progress(offset + Int64(bytes.count))
        }
    }

    private static let chunk = 1 << 20

    /// All of a file, in order; what it hashes to must be what the manifest says.
    func read(
        _ file: ImageManifest.File,
        _ body: (UnsafeRawBufferPointer, Int64) throws -> Void
    ) throws {
        let source = try open(file.name)
        defer { try? source.close() }
        var hash = SHA256()
        var offset: Int64 = 0
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        while offset <= file.size {
            let count = try chunk.withUnsafeMutableBytes { try source.read(into: $0) }
            guard count > 0 else { break }
            try chunk.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                hash.update(bufferPointer: part)
                try body(part, offset)
            }
            offset += Int64(count)
        }
        guard offset == file.size, Array(hash.finalize()) == file.sha256.bytes else {
            throw InstallFailure(
                .refused,
                "\(file.name) in \(place) has other content than the signed manifest says",
                remedy: "write the medium or publish the image again"
            )
        }
    }

    private func open(_ name: String) throws -> FileDescriptor {
        let descriptor = openat(directory.rawValue, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.missing(name, place) }
        guard FileStatus(descriptor)?.isRegular == true else {
            close(descriptor)
            throw InstallFailure(.refused, "\(name) in \(place) is no file", remedy: "build the image again")
        }
        return FileDescriptor(rawValue: descriptor)
    }

    private static func missing(_ name: String, _ place: String) -> InstallFailure {
        InstallFailure(
            .refused,
            "\(name) in \(place) cannot be read: \(String(cString: strerror(errno)))",
            remedy: "name an image's folder"
        )
    }
}
