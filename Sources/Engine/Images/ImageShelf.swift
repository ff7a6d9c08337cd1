import Crypto
import Glibc
import HostModel
package import NIOCore
import NIOPosix
import Synchronization

/// The images on disk: published versions in `<root>/NAME/VERSION/`, uploads in `<root>/.uploads/NAME/VERSION/`. What
/// was received is the file's length, so an upload goes on after any crash; a version appears by one rename.
struct ImageShelf: Sendable {
    let root: String
    private let busy = BusyFiles()

    /// Bytes of a file that are hashed at one time.
    private static let readBytes = 1 << 20

    init(root: String) { self.root = root }

    func prepare() throws(EngineError) {
        try DurableFile.makeDirectory(root, mode: 0o755)
        try DurableFile.makeDirectory("\(root)/.uploads", mode: 0o700)
    }

    func openUpload(_ manifest: ImageManifest) throws(EngineError) {
        try DurableFile.makeDirectory("\(root)/.uploads/\(manifest.name)", mode: 0o700)
        try DurableFile.makeDirectory(uploadPath(manifest), mode: 0o755)
    }

    /// Bytes of a file that are there, 0 before the first.
    func receivedBytes(_ file: ImageManifest.File, of image: ImageRecord) -> Int64 {
        let directory = image.state == .published ? path(image.manifest) : uploadPath(image.manifest)
        let descriptor = open("\(directory)/\(file.name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        return Int64(lseek(descriptor, 0, SEEK_END))
    }

    func append(
        _ bytes: ByteBuffer,
        at offset: Int64,
        to file: ImageManifest.File,
        of image: ImageRecord
    ) async throws(EngineError) {
        let path = "\(uploadPath(image.manifest))/\(file.name)"
        guard busy.take(path) else {
            throw EngineError(.conflict, "Another upload writes \(file.name) of image \(image.name) now.")
        }
        defer { busy.release(path) }
        let received = receivedBytes(file, of: image)
        guard received == offset else {
            throw EngineError(
                .conflict,
                "\(received) bytes of \(file.name) are there, the upload goes on at \(offset).",
                remedy: "Ask for the bytes received and go on from there."
            )
        }
        try await onThread { () throws(EngineError) in try Self.append(bytes, at: offset, to: path) }
    }

    /// Verifies every file and moves the upload to its place. Does nothing where it was moved before.
    func publish(_ manifest: ImageManifest) async throws(EngineError) {
        let (upload, final) = (uploadPath(manifest), path(manifest))
        try await onThread { () throws(EngineError) in
            let isMoved = access(upload, F_OK) != 0 && access(final, F_OK) == 0
            let directory = isMoved ? final : upload
            for file in manifest.files { try Self.verify(file, in: directory) }
            guard !isMoved else { return }
            // The builder's own bytes, where they were sent: a signature is over them.
            if access("\(upload)/\(LiveImageSource.manifestName)", F_OK) != 0 {
                let text = (try? ColumnJSON.encode(manifest)) ?? ""
                try DurableFile.write(text.utf8, to: "\(upload)/\(LiveImageSource.manifestName)", mode: 0o644)
            }
            try DurableFile.makeDirectory("\(root)/\(manifest.name)", mode: 0o755)
            guard rename(upload, final) == 0 else { throw DurableFile.failure("put the image in \(final)") }
            try DurableFile.syncDirectory(of: final)
        }
    }

    /// Puts a manifest or a signature, whole or not at all, beside the files of an image, published or not.
    func putDescription(_ bytes: [UInt8], as name: String, of image: ImageRecord) async throws(EngineError) {
        let directory = image.state == .published ? path(image.manifest) : uploadPath(image.manifest)
        let path = "\(directory)/\(name)"
        guard busy.take(path) else { throw EngineError(.conflict, "Another upload writes \(name) now.") }
        defer { busy.release(path) }
        try await onThread { () throws(EngineError) in try DurableFile.write(bytes, to: path, mode: 0o644) }
    }

    /// At most `pieceMax` bytes of a file, and its size. Only what the manifest names, and what describes the image.
    func piece(
        of file: String,
        _ manifest: ImageManifest,
        from offset: Int64,
        upTo end: Int64
    ) async throws(EngineError) -> ImagePiece {
        let path = "\(path(manifest))/\(file)"
        return try await onThread { () throws(EngineError) in try Self.piece(path, offset, end) }
    }

    private static func piece(_ path: String, _ offset: Int64, _ end: Int64) throws(EngineError) -> ImagePiece {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw EngineError(.notFound, "The image has no such file.") }
        defer { close(descriptor) }
        let size = Int64(lseek(descriptor, 0, SEEK_END))
        let count = Int(max(0, min(end, size) - offset))
        var bytes = ByteBuffer()
        guard count > 0 else { return ImagePiece(bytes: bytes, size: size) }
        let wanted = min(count, ImagePiece.bytesMax)
        let got = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { target in
            max(0, pread(descriptor, target.baseAddress, wanted, off_t(offset)))
        }
        guard got > 0 else { throw DurableFile.failure("read \(path)") }
        return ImagePiece(bytes: bytes, size: size)
    }

    private func path(_ manifest: ImageManifest) -> String { "\(root)/\(manifest.name)/\(manifest.version)" }

    private func uploadPath(_ manifest: ImageManifest) -> String {
        "\(root)/.uploads/\(manifest.name)/\(manifest.version)"
    }

    /// Files block; NIO's pool of threads is there for that.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body() }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.unavailable, "The engine is shutting down.")
        }
    }

    private static func append(_ bytes: ByteBuffer, at offset: Int64, to path: String) throws(EngineError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw DurableFile.failure("open \(path)") }
        defer { close(descriptor) }
        var bytes = bytes
        var position = offset
        while bytes.readableBytes > 0 {
            let count = bytes.withUnsafeReadableBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(position)) }
            guard count > 0 else { throw DurableFile.failure("write \(path)") }
            bytes.moveReaderIndex(forwardBy: count)
            position += Int64(count)
        }
    }

    private static func verify(_ file: ImageManifest.File, in directory: String) throws(EngineError) {
        let path = "\(directory)/\(file.name)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw EngineError(.conflict, "\(file.name) was not uploaded.", remedy: "Upload it, then publish.")
        }
        defer { close(descriptor) }
        var digest = SHA256()
        var size: Int64 = 0
        var chunk = [UInt8](repeating: 0, count: readBytes)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw DurableFile.failure("read \(path)") }
            if count == 0 { break }
            digest.update(data: chunk[..<count])
            size += Int64(count)
        }
        guard size == file.size else {
            throw EngineError(
                .conflict,
                "\(size) of \(file.size) bytes of \(file.name) are there.",
                remedy: "Upload the rest."
            )
        }
        guard digest.finalize() == file.sha256.bytes else {
            unlink(path)
            throw EngineError(
                .conflict,
                "\(file.name) is not what the manifest says: its SHA-256 differs.",
                remedy: "It was discarded; upload it again."
            )
        }
        guard fsync(descriptor) == 0 else { throw DurableFile.failure("flush \(path)") }
    }
}

/// A part of an image's file.
package struct ImagePiece: Sendable {
    package var bytes: ByteBuffer
    /// Of the whole file.
    package var size: Int64

    /// Bytes of one piece: it is in memory as a whole.
    package static let bytesMax = 4 << 20
}

/// The files that somebody writes just now.
private final class BusyFiles: Sendable {
    private let paths = Mutex<Set<String>>([])

    func take(_ path: String) -> Bool { paths.withLock { $0.insert(path).inserted } }
    func release(_ path: String) { paths.withLock { _ = $0.remove(path) } }
}
