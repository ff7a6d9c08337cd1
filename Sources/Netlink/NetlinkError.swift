internal import CNetlink
internal import Glibc

/// Why the kernel did not do or tell something.
package struct NetlinkError: Error, Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// There is one already.
        case exists
        /// There is no such link, address or route.
        case missing
        case notPermitted
        /// The kernel's answer was cut or disturbed; a new try may succeed.
        case interrupted
        /// The kernel's answer can not be read.
        case malformed
        case other
    }

    /// What was to be done, as in "could not …".
    package var operation: String
    package var cause: Cause
    package var detail: String

    package init(_ operation: String, _ cause: Cause, _ detail: String) {
        (self.operation, self.cause, self.detail) = (operation, cause, detail)
    }

    /// `code` is libnl's, positive.
    init(_ operation: String, code: CInt) {
        let text = nl_geterror(-code).map { String(cString: $0) } ?? "libnl code \(code)"
        self.init(operation, Self.cause(code), text)
    }

    /// `number` is the kernel's, positive; `explanation` is what it adds in words (extended acknowledgement).
    init(_ operation: String, errno number: CInt, explanation: String? = nil) {
        let cause: Cause =
            switch number {
            case EEXIST: .exists
            case ENODEV, ENOENT, ESRCH, EADDRNOTAVAIL, ENXIO: .missing
            case EPERM: .notPermitted
            case ENOBUFS: .interrupted
            default: .other
            }
        let text = String(cString: strerror(number))
        self.init(operation, cause, explanation.map { "\(text) (\($0))" } ?? text)
    }

    private static func cause(_ code: CInt) -> Cause {
        switch code {
        case NLE_EXIST: .exists
        case NLE_OBJ_NOTFOUND, NLE_NODEV, NLE_NOADDR: .missing
        case NLE_PERM: .notPermitted
        // libnl reports ENOBUFS, an overrun of the socket's buffer, as NLE_NOMEM.
        case NLE_DUMP_INTR, NLE_NOMEM, NLE_SEQ_MISMATCH: .interrupted
        default: .other
        }
    }
}

extension NetlinkError: CustomStringConvertible {
    package var description: String { "could not \(operation): \(detail)" }
}
