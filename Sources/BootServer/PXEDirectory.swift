import Glibc

/// The directory of boot scripts and templates (`pxe/` in a checkout, /usr/share/muster/pxe when installed), or that of
/// kickstart templates beside it.
package struct PXEDirectory: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        /// One sentence of cause and what to do.
        package var description: String
    }

    package let path: String
    private let option: String

    /// The longest script read, in bytes.
    package static let scriptBytesMax = 64 * 1024

    /// `option` is the flag that names another directory, for errors.
    package init(path: String, option: String = "--pxe-directory") { (self.path, self.option) = (path, option) }

    /// The text of one file.
    package func text(_ name: String) throws(Failure) -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "re") else {
            let reason = String(cString: strerror(errno))
            throw Failure(
                description:
                    "\(file) cannot be read: \(reason); name the directory of boot scripts with \(option)"
            )
        }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: Self.scriptBytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, stream)
        guard count <= Self.scriptBytesMax, let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw Failure(
                description:
                    "\(file) is not a boot script: expected at most \(Self.scriptBytesMax) bytes of UTF-8; put the installed one back"
            )
        }
        return text
    }
}
