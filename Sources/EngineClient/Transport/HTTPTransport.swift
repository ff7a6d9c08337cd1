package import NIOCore
import NIOPosix
import Synchronization

/// An HTTP/1.1 client for one server: over TLS, clear TCP, or a Unix socket. Any number of calls at once, each on a
/// connection of its own; a few finished connections are kept for later calls.
///
/// ```swift
/// let engine = try HTTPTransport(.https(host: "192.0.2.1", port: 443), trust: .any)
/// let answer = try await engine.send(.post("/ovirt-engine/services/muster-claim", body))
/// // answer.status, answer.body, answer.peer.fingerprints
/// engine.close()
/// ```
package final class HTTPTransport: Sendable {
    package let endpoint: Endpoint
    private let connector: Connector
    private let idle = Mutex<[Connection]>([])
    /// The engine shows browsers a certificate that is not trusted here, and this client one that is.
    private let asksForOwn: Mutex<Bool>

    /// Opens nothing yet. Throws `misconfigured` when the client identity does not parse.
    package init(
        _ endpoint: Endpoint,
        trust: ServerTrust,
        identity: ClientIdentity? = nil,
        limits: TransportLimits = TransportLimits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws(TransportError) {
        self.endpoint = endpoint
        if case .engine = trust { asksForOwn = Mutex(true) } else { asksForOwn = Mutex(false) }
        connector = try Connector(endpoint, trust: trust, identity: identity, limits: limits, group: group)
    }

    /// Does one call and returns its answer, whatever its status. Redirects are not followed.
    ///
    /// An idempotent call may go over a kept connection, and is done once more over a new one when the server had closed
    /// that; every other call gets a new connection, because nobody can know whether a server that hung up had acted.
    package func send(_ call: HTTPCall) async throws(TransportError) -> HTTPAnswer {
        if call.isIdempotent, let kept = takeIdle() {
            do {
                return try await perform(call, on: kept)
            } catch {
                guard case .closed(_, answerStarted: false) = error else { throw error }
            }
        }
        let isSpecial = asksForOwn.withLock(\.self)
        do {
            return try await perform(call, on: try await connector.connect(asksForOwn: isSpecial))
        } catch {
            guard case .untrusted = error, !isSpecial, connector.mayAskForOwnCertificate, !call.isStream else {
                throw error
            }
            // Nothing was sent yet. Where this fails, too, the first refusal says more.
            guard let connection = try? await connector.connect(asksForOwn: true) else { throw error }
            let answer: HTTPAnswer
            do { answer = try await perform(call, on: connection) } catch let second {
                if case .untrusted = second { throw error }
                throw second
            }
            asksForOwn.withLock { $0 = true }
            return answer
        }
    }

    /// Closes the kept connections. Calls under way go on; later calls open new ones.
    package func close() {
        let connections = idle.withLock { connections in
            defer { connections = [] }
            return connections
        }
        for connection in connections { connection.close() }
    }

    deinit { close() }

    private func perform(_ call: HTTPCall, on connection: Connection) async throws(TransportError) -> HTTPAnswer {
        let (answer, isReusable) = try await connection.perform(call, limits: connector.limits)
        if !isReusable || !keep(connection) { connection.close() }
        return answer
    }

    private func takeIdle() -> Connection? {
        idle.withLock { connections in
            connections.removeAll { !$0.isOpen }
            return connections.popLast()
        }
    }

    private func keep(_ connection: Connection) -> Bool {
        idle.withLock { connections in
            connections.removeAll { !$0.isOpen }
            guard connection.isOpen, connections.count < connector.limits.idleConnectionsMax else { return false }
            connections.append(connection)
            return true
        }
    }
}
