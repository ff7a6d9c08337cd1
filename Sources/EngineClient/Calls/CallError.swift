package import HostModel

/// Why a call to the engine did not do what it should.
package enum CallError: Error, Sendable {
    /// No answer came.
    case transport(TransportError)
    /// The engine does not know the session, or no longer (401).
    case signedOut(FaultResource)
    /// The engine refuses, with its reasons.
    case refused(status: Int, FaultResource)
    /// The answer is not what the protocol says.
    case unexpected(status: Int, reason: String)
    /// A local file that is to be sent cannot be read.
    case unreadable(reason: String)
}

extension CallError: CustomStringConvertible {
    /// One sentence of cause, without a full stop. The engine's words are escaped: they may quote a machine's.
    package var description: String {
        switch self {
        case .transport(let error): terminalEscaped(error.description)
        case .signedOut(let fault), .refused(_, let fault): Self.sentence(fault.detail)
        case .unexpected(let status, let reason): "the engine answered \(status), but \(Self.sentence(reason))"
        case .unreadable(let reason): Self.sentence(reason)
        }
    }

    /// What to do about it, where the engine or the transport knows.
    package var remedy: String? {
        switch self {
        case .transport(let error): error.remedy
        case .signedOut: "muster login"
        case .refused(_, let fault): fault.remedy.map(Self.sentence)
        case .unexpected: "check that the engine and this program are of the same version"
        case .unreadable: nil
        }
    }

    /// True where the same call may succeed a little later.
    package var isTransient: Bool {
        switch self {
        case .transport(.timedOut), .transport(.closed), .transport(.refused), .transport(.unreachable): true
        case .refused(let status, _): status == 429 || status == 502 || status == 503 || status == 504
        case .transport, .signedOut, .unexpected, .unreadable: false
        }
    }

    private static func sentence(_ text: String) -> String {
        let escaped = terminalEscaped(text)
        return escaped.hasSuffix(".") ? String(escaped.dropLast()) : escaped
    }
}
