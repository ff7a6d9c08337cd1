import Glibc

/// A call to the kernel about a block device or a mount that failed.
package struct BlockDeviceError: Error, Hashable, Sendable {
    /// What was tried, as a verb and its object: `mount /dev/loop0 on /run/root`.
    package var operation: String
    /// `errno`.
    package var code: Int32

    package init(_ operation: String, code: Int32 = errno) { (self.operation, self.code) = (operation, code) }
}

extension BlockDeviceError: CustomStringConvertible {
    /// One sentence of cause, without a full stop.
    package var description: String {
        let reason =
            switch code {
            case ENODEV: "this kernel has no driver for it"
            default: String(cString: strerror(code))
            }
        return "could not \(operation): \(reason)"
    }
}
