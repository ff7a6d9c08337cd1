import AgentWire
import HostModel

/// Why an agent gave no answer. Each case carries a sentence, escaped.
enum AgentFailure: Error, Hashable, Sendable {
    /// No connection: nobody there, no route, no TLS, no STOMP.
    case unreachable(String)
    /// Somebody is there, but not the host that was dialled.
    case wrongPeer(String)
    /// The connection ended with the call under way.
    case closed(String)
    /// No answer in time.
    case timedOut(String)
    /// The agent's own refusal.
    case refused(RPCError)
    /// An answer that cannot be read.
    case malformed(String)

    /// Time alone may cure it: nobody was heard, or the agent is at something that ends by itself (code 40), or it
    /// recovers (code 99).
    var isPassing: Bool {
        switch self {
        case .unreachable, .closed, .timedOut: true
        case .refused(let error): error.code == .resourceUnavailable || error.code == .recovering
        case .wrongPeer, .malformed: false
        }
    }

    /// A sentence of cause.
    var sentence: String {
        switch self {
        case .unreachable(let text), .wrongPeer(let text), .closed(let text), .timedOut(let text),
            .malformed(let text):
            text
        case .refused(let error):
            "The agent answers: \(terminalEscaped(error.message.prefix(500))) (code \(error.code.rawValue))."
        }
    }
}
