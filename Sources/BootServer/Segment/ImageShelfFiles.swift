import Crypto
import Glibc
import HostModel

/// The files of a boot server's images on its disk: `NAME/VERSION/FILE` is whole and was verified once, `.partial/…` is on its
/// way. Every call may block on the disk.
struct ImageShelfFiles: Sendable {
    let root: String

    typealias Failure = CacheDirectory.Failure

    /// What tells one state of a file from another.
    struct Identity: Hashable, Sendable {
        var size: Int64
        var written: Int64
        var node: UInt64
    }

    /// A version of an image on the disk.
    struct Version: Hashable, Sendable {
        var name: String
        var version: String
    }

    private static let readBytes = 1 << 20
    private static let partial = ".partial"

    init(_ root: String) { self.root = root }

    /// Called at the start only. Parts that nothing was added to since `oldest`, in seconds since 1970, are taken away: nobody
    /// goes on with them. Younger ones are gone on with.
    func prepare(oldest: Int64) throws(Failure) {
        try CacheDirectory(root).make()
        let parts = CacheDirectory("\(root)/\(Self.partial)")
        try parts.make()
        for name in parts.names() where parts.facts(name).map({ $0.written < oldest }) ?? false { parts.remove(name) }
        for name in CacheDirectory(root).names() {
            for version in CacheDirectory("\(root)/\(name)").names() {
                CacheDirectory("\(root)/\(name)/\(version)").dropLeftovers()
            }
        }
    }

    func path(_ image: BootRoute.ImageFile) -> String { "\(root)/\(image.name)/\(image.version)/\(image.file)" }

    /// Of the part of a file that is on its way.
    func partialName(_ image: BootRoute.ImageFile) -> String { "\(image.name)@\(image.version)@\(image.file)" }

    private func partialPath(_ image: BootRoute.ImageFile) -> String {
        "\(root)/\(Self.partial)/\(partialName(image))"
    }

    func identity(_ image: BootRoute.ImageFile) -> Identity? {
        var status = stat()
        guard lstat(path(image), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let written = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        return Identity(size: Int64(status.st_size), written: written, node: UInt64(status.st_ino))
    }

    /// The digest and the length of a file; `nil` where it is not there.
    func digest(_ image: BootRoute.ImageFile) -> (Nonce, Int64)? { Self.digest(path(image)) }

    private static func digest(_ path: String) -> (Nonce, Int64)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var (digest, size) = (SHA256(), Int64(0))
        var chunk = [UInt8](repeating: 0, count: readBytes)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            chunk.withUnsafeBytes { digest.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            size += Int64(count)
        }
        return Nonce(bytes: Array(digest.finalize())).map { ($0, size) }
    }

    /// Bytes that an earlier try has brought.
    func received(_ image: BootRoute.ImageFile) -> Int64 {
        var status = stat()
        return lstat(partialPath(image), &status) == 0 ? Int64(status.st_size) : 0
    }

    func append(_ bytes: [UInt8], at offset: Int64, to image: BootRoute.ImageFile) throws(Failure) {
        let path = partialPath(image)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw CacheDirectory.failure("open \(path)") }
        defer { close(descriptor) }
        try CacheDirectory.writeAll(bytes, to: descriptor, at: offset, path: path)
    }

    func dropPartial(_ image: BootRoute.ImageFile) { unlink(partialPath(image)) }

    /// Puts what arrived in its place if it is what the manifest says; false when it is not, and then it is gone.
    func publish(_ image: BootRoute.ImageFile, _ file: ImageManifest.File) throws(Failure) -> Bool {
        let path = partialPath(image)
        guard let (digest, size) = Self.digest(path), digest == file.sha256, size == file.size else {
            unlink(path)
            return false
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw CacheDirectory.failure("open \(path)") }
        defer { close(descriptor) }
        guard fdatasync(descriptor) == 0 else { throw CacheDirectory.failure("flush \(path)") }
        try makeFolder(image)
        guard rename(path, self.path(image)) == 0 else {
            throw CacheDirectory.failure("put \(image.file) in its place")
        }
        return true
    }

    /// A manifest or a signature, whole or not at all.
    func put(_ bytes: [UInt8], as image: BootRoute.ImageFile) throws(Failure) {
        try makeFolder(image)
        try CacheDirectory("\(root)/\(image.name)/\(image.version)").write(bytes, as: image.file, mode: 0o644)
    }

    private func makeFolder(_ image: BootRoute.ImageFile) throws(Failure) {
        try CacheDirectory("\(root)/\(image.name)").makeIfMissing()
        try CacheDirectory("\(root)/\(image.name)/\(image.version)").makeIfMissing()
    }

    func remove(_ image: BootRoute.ImageFile) { unlink(path(image)) }

    /// Says that the version is in use: the least recently used one gives way first, also after a restart.
    func touch(_ version: Version) { utimes("\(root)/\(version.name)/\(version.version)", nil) }

    /// Every version with its bytes and when it was used last, in seconds since 1970; and the bytes of each part on its
    /// way.
    func inventory() -> (versions: [Version: (bytes: Int64, used: Int64)], partials: [String: Int64]) {
        var versions: [Version: (bytes: Int64, used: Int64)] = [:]
        for name in CacheDirectory(root).names() where ImageReference.isComponent(name) {
            let folder = CacheDirectory("\(root)/\(name)")
            for version in folder.names() where ImageReference.isComponent(version) {
                let files = CacheDirectory("\(root)/\(name)/\(version)")
                let bytes = files.names().reduce(Int64(0)) { $0 + (files.facts($1)?.size ?? 0) }
                versions[Version(name: name, version: version)] = (bytes, folder.facts(version)?.written ?? 0)
            }
        }
        let folder = CacheDirectory("\(root)/\(Self.partial)")
        var partials: [String: Int64] = [:]
        for name in folder.names() { partials[name] = folder.facts(name)?.size ?? 0 }
        return (versions, partials)
    }

    /// Takes a version away. Who reads one of its files reads on: an open file stays until it is closed.
    func remove(_ version: Version) {
        let path = "\(root)/\(version.name)/\(version.version)"
        CacheDirectory(path).empty()
        rmdir(path)
        rmdir("\(root)/\(version.name)")
    }

    /// Takes away what nobody fetches any more: parts that were given up, or are from before a restart.
    func dropPartials(except wanted: Set<String>) {
        let folder = CacheDirectory("\(root)/\(Self.partial)")
        for name in folder.names() where !wanted.contains(name) { folder.remove(name) }
    }
}
