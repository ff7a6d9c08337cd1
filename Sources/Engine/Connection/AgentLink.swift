import AgentWire
import HostModel
import NIOCore
import Synchronization

/// The engine's line to one agent: dials when somebody calls, keeps the connection, dials anew when it is gone.
actor AgentLink {
    private let dialer: AgentDialer
    private let target: AgentAddress
    /// Goes with every call, so that the agent's log names the person's action.
    private let correlation: String?
    private let news = LinkNews()
    private var connection: AgentConnection?

    init(_ dialer: AgentDialer, _ target: AgentAddress, correlation: String? = nil) {
        (self.dialer, self.target, self.correlation) = (dialer, target, correlation)
    }

    func call(
        _ verb: HostVerb,
        _ params: JSONValue = .object([:]),
        timeout milliseconds: Int64? = nil
    ) async throws(AgentFailure) -> JSONValue {
        let text = try await ask(verb, params, timeout: milliseconds)
        do { return try JSONText.decode(JSONValue.self, from: text) } catch {
            throw .malformed("The agent's answer to \(verb.rawValue) is not JSON.")
        }
    }

    /// The answer as the agent wrote it.
    func ask(
        _ verb: HostVerb,
        _ params: JSONValue = .object([:]),
        timeout milliseconds: Int64? = nil
    ) async throws(AgentFailure) -> ByteBuffer {
        do throws(AgentFailure) {
            let connection = try await open()
            let answer = try await connection.ask(
                verb,
                params,
                timeout: milliseconds ?? dialer.times.call,
                correlation: correlation
            )
            dialer.tally.answered()
            return answer
        } catch {
            dialer.tally.ended(error)
            throw error
        }
    }

    func capabilities() async throws(AgentFailure) -> ReportedCapabilities {
        try ReportedCapabilities(text: try await ask(.getCapabilities))
    }

    /// Closes the connection; the next call dials again.
    func close() {
        connection?.close()
        connection = nil
    }

    /// True once after the agent told that an address or a bond changed.
    nonisolated func takeNetworkNews() -> Bool { news.take() }

    private func open() async throws(AgentFailure) -> AgentConnection {
        if let connection, connection.isOpen { return connection }
        let (dialer, target, news) = (dialer, target, news)
        let fresh = try await dialer.connect(to: target) { notification in
            if notification.method.hasPrefix("|net|") { news.mark() }
        }
        connection = fresh
        return fresh
    }
}

/// Whether the agent sent `|net|host_conn|no_id` since somebody asked.
private final class LinkNews: Sendable {
    private let isMarked = Mutex(false)

    func mark() { isMarked.withLock { $0 = true } }

    func take() -> Bool {
        isMarked.withLock { isMarked in
            defer { isMarked = false }
            return isMarked
        }
    }
}

/// Capabilities as the agent wrote them, and as we read them.
struct ReportedCapabilities: Sendable {
    /// The agent's own text.
    let json: String
    let values: HostCapabilities

    init(text: ByteBuffer) throws(AgentFailure) {
        let value: JSONValue
        do { value = try JSONText.decode(JSONValue.self, from: text) } catch {
            throw .malformed("The agent's capabilities are not JSON.")
        }
        do {
            (json, values) = (String(buffer: text), try HostCapabilities(result: value))
        } catch {
            throw .malformed("The agent's capabilities cannot be read: \(terminalEscaped(error.message.prefix(300))).")
        }
    }

    var fitness: HostFitness { HostFitness(values) }
}
