import Glibc
import NIOCore

/// An open regular file with what its HTTP headers need. Whoever gets one closes it.
struct ServedFile: Sendable {
    let handle: NIOFileHandle
    /// Bytes.
    let size: Int64
    let validators: Validators

    /// Bytes that the file has now; 0 when nobody can say.
    var currentSize: Int64 {
        var status = stat()
        let result = try? handle.withUnsafeFileDescriptor { fstat($0, &status) }
        return result == 0 ? Int64(status.st_size) : 0
    }

    /// Reads exactly so many bytes. Blocks: call it on a thread that may. Throws when the file has become shorter.
    func read(at offset: Int64, count: Int) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let from = off_t(offset) + off_t(buffer.readableBytes)
            let left = count - buffer.readableBytes
            let got = try handle.withUnsafeFileDescriptor { descriptor in
                buffer.withUnsafeMutableWritableBytes { pread(descriptor, $0.baseAddress, min($0.count, left), from) }
            }
            guard got > 0 else { throw ServedDirectory.Failure.unreadable(errno: got < 0 ? errno : EIO) }
            buffer.moveWriterIndex(forwardBy: got)
        }
        return buffer
    }

    func close() {
        // An error of close(2) on a file that was only read has no consequence.
        try? handle.close()
    }
}

/// A directory whose files are served: names are resolved below it, one component at a time.
struct ServedDirectory: Sendable {
    enum Failure: Error, Hashable, Sendable {
        /// No such file, or not a regular one, or a link where none is followed.
        case notFound
        case unreadable(errno: CInt)
    }

    let path: String
    /// Debian's ipxe package installs `/usr/lib/ipxe/ipxe.efi` as a link; an image directory holds plain files.
    let followsLinks: Bool

    /// Opens a file for reading. Blocks: call it on a thread that may. Every component is a safe name
    /// (`ImageReference.isComponent`).
    func open(_ components: [String]) throws(Failure) -> ServedFile {
        guard let name = components.last else { throw .notFound }
        let noFollow = followsLinks ? 0 : O_NOFOLLOW
        var directory = try Self.openDescriptor(AT_FDCWD, path, O_RDONLY | O_DIRECTORY)
        for component in components.dropLast() {
            let parent = directory
            defer { _ = Glibc.close(parent) }
            directory = try Self.openDescriptor(parent, component, O_RDONLY | O_DIRECTORY | noFollow)
        }
        let parent = directory
        defer { _ = Glibc.close(parent) }
        // O_NONBLOCK: opening a named pipe must not wait for a writer.
        let descriptor = try Self.openDescriptor(parent, name, O_RDONLY | O_NONBLOCK | noFollow)
        do throws(Failure) {
            return try Self.describe(descriptor)
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    private static func openDescriptor(_ directory: CInt, _ name: String, _ flags: CInt) throws(Failure) -> CInt {
        let descriptor = openat(directory, name, flags | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            switch code {
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: throw .notFound
            default: throw .unreadable(errno: code)
            }
        }
        return descriptor
    }

    private static func describe(_ descriptor: CInt) throws(Failure) -> ServedFile {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notFound }
        let written =
            UInt64(bitPattern: Int64(status.st_mtim.tv_sec)) &* 1_000_000_000 &+ UInt64(status.st_mtim.tv_nsec)
        let tag = [UInt64(status.st_size), written, UInt64(status.st_ino)].map { String($0, radix: 16) }
        return ServedFile(
            handle: NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor),
            size: Int64(status.st_size),
            validators: Validators(
                entityTag: "\"" + tag.joined(separator: "-") + "\"",
                lastModified: HTTPDate(seconds: Int64(status.st_mtim.tv_sec))
            )
        )
    }
}
