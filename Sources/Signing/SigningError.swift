import COpenSSL
import SystemPackage

/// Why something was not signed, not made or not accepted, and what to do about it: one sentence each.
package struct SigningError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// There is no key where one is needed.
        case missing
        /// There is a key already where one was to be made.
        case present
        /// The passphrase is missing or wrong.
        case passphrase
        /// A key, a certificate or a signature cannot be read.
        case malformed
        /// The signature is not of these bytes, or not by a trusted certificate.
        case refused
        /// Reading or writing failed, or permissions are too wide.
        case files
        /// OpenSSL itself failed.
        case library
    }

    package var kind: Kind
    package var message: String
    package var remedy: String

    package init(_ kind: Kind, _ message: String, remedy: String) {
        (self.kind, self.message, self.remedy) = (kind, message, remedy)
    }

    /// What OpenSSL says while `doing` something, from its queue of errors, which is empty afterwards.
    static func library(_ operation: String) -> SigningError {
        SigningError(
            .library,
            "could not \(operation): \(queuedReason())",
            remedy: "see whether openssl works on this machine (openssl version -a), and try again"
        )
    }

    static func malformed(_ what: String, remedy: String) -> SigningError {
        SigningError(.malformed, "\(what) cannot be read: \(queuedReason())", remedy: remedy)
    }

    static func files(_ operation: String, _ error: any Error) -> SigningError {
        SigningError(
            .files,
            "could not \(operation): \((error as? Errno)?.description ?? "\(error)")",
            remedy: "check the folder, its permissions and the space there"
        )
    }

    /// The first reason in the queue is the cause; those after it only say who passed it on.
    static func queuedReason() -> String {
        let first = ERR_get_error()
        ERR_clear_error()
        guard first != 0 else { return "no reason was given" }
        return ERR_reason_error_string(first).map { String(cString: $0) } ?? "error \(first)"
    }
}

extension SigningError: CustomStringConvertible {
    package var description: String { message }
}
