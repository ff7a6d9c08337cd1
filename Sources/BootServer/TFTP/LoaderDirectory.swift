import BootWire
import CSockets
import Glibc
import NIOCore

/// The directory whose files are served to firmware, and nothing else.
///
/// What may be served is judged on the opened file, by where it really lies, so that no race between looking and opening
/// remains. Nothing is opened for reading before it is known to be a regular file: a FIFO would block, a device would act.
package struct LoaderDirectory: Sendable {
    private let root: String
    private let linkTargets: Set<String>

    /// `O_PATH` (open(2)), which Glibc's module does not show: names a file without opening it.
    private static let pathOnly: CInt = 0o10_000_000

    /// What Debian's ipxe package puts elsewhere and links to from /usr/lib/ipxe.
    package static let debianLinkTargets: Set<String> = ["/boot/ipxe.efi", "/boot/ipxe.lkrn"]

    /// `linkTargets` are files outside the directory that a link in it may lead to.
    package init(path: String, linkTargets: Set<String> = debianLinkTargets) throws(LoaderDirectoryError) {
        guard let resolved = realpath(path, nil) else { throw LoaderDirectoryError(path: path, code: errno) }
        defer { free(resolved) }
        (root, self.linkTargets) = (String(cString: resolved), linkTargets)
    }

    /// Opens a file. May block on the disk.
    func open(_ path: TFTPPath) throws(LoaderRefusal) -> OpenLoader {
        let handle = Glibc.open("\(root)/\(path)", Self.pathOnly | O_CLOEXEC)
        guard handle >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .notFound : .notServed
        }
        defer { close(handle) }
        var status = stat()
        guard fstat(handle, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & S_IROTH != 0,
            let place = place(of: handle), isServed(place)
        else { throw .notServed }
        let descriptor = Glibc.open("/proc/self/fd/\(handle)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .notServed }
        return OpenLoader(owning: descriptor, size: UInt64(max(0, status.st_size)))
    }

    private func isServed(_ place: String) -> Bool { place.hasPrefix(root + "/") || linkTargets.contains(place) }

    /// Where an open file really lies, every link resolved.
    private func place(of descriptor: CInt) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { buffer in
            let space = buffer.assumingMemoryBound(to: CChar.self)
            return space.baseAddress.map { readlink("/proc/self/fd/\(descriptor)", $0, space.count) } ?? -1
        }
        guard count > 0, count < bytes.count else { return nil }
        return String(validating: bytes.prefix(count), as: UTF8.self)
    }
}

/// Why a client does not get a file.
enum LoaderRefusal: Error, Hashable {
    case notFound
    /// A directory, a device, not for everybody's eyes, or outside the directory.
    case notServed
}

/// Why there is nothing to serve.
package struct LoaderDirectoryError: Error, Hashable, CustomStringConvertible {
    package var path: String
    package var code: CInt

    package var description: String {
        "could not open the loader directory \(path): \(String(cString: strerror(code))); install Debian's ipxe package, "
            + "or give another directory"
    }
}

/// One open file, as it was when the transfer began: a new file of the same name does not change it.
final class OpenLoader: Sendable {
    let size: UInt64
    private let descriptor: CInt

    fileprivate init(owning descriptor: CInt, size: UInt64) { (self.descriptor, self.size) = (descriptor, size) }

    deinit { close(descriptor) }

    /// Fills the parts with `count` bytes, which is their sum. Waits for the disk only where it may.
    func read(_ parts: UnsafeBufferPointer<iovec>, at offset: UInt64, count: Int, mayWait: Bool) -> WireBlocks.Loading {
        let (list, length) = (parts.baseAddress, CInt(parts.count))
        guard mayWait else {
            return csockets_read_cached(descriptor, list, length, off_t(offset)) == count ? .loaded : .wouldWait
        }
        // A regular file gives all that there is at once: what is less is its end.
        return preadv(descriptor, list, length, off_t(offset)) == count ? .loaded : .failed
    }

    /// The whole file, where it is short enough; `nil` where it is not, or cannot be read. May block on the disk.
    func contents(lengthMax: UInt64) -> ByteBuffer? {
        guard size <= lengthMax else { return nil }
        var buffer = ByteBuffer()
        let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(size)) { space in
            max(0, pread(descriptor, space.baseAddress, Int(size), 0))
        }
        return got == Int(size) ? buffer : nil
    }
}
