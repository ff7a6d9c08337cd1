import Glibc
import HostModel
import NIOCore
import Synchronization

/// Who may be connected: strangers in the middle of their handshake in one pool, engines that have shown their certificate
/// in another, so that the one cannot crowd out the other.
final class Admission: Sendable {
    /// Handshakes at once, of everybody and of one address.
    static let handshakesMax = 64
    static let handshakesPerSourceMax = 8
    /// Authenticated connections at once; an engine needs one or two, and a second one while the first dies.
    static let enginesMax = 16

    private struct State {
        var next = 0
        var channels: [Int: any Channel] = [:]
        var handshakes = ConnectionPool<String>(limit: handshakesMax, perSource: handshakesPerSourceMax)
        var engines = ConnectionPool<String>(limit: enginesMax, perSource: enginesMax)
    }

    private let state = Mutex(State())

    /// Takes a new connection; the oldest of its source, or of all, is closed for it when there are too many.
    func arrive(_ channel: any Channel) -> Int {
        let (id, evicted) = state.withLock { state in
            state.next += 1
            state.channels[state.next] = channel
            let oldest = state.handshakes.admit(state.next, from: Self.source(channel.remoteAddress))
            return (state.next, oldest.flatMap { state.channels.removeValue(forKey: $0) })
        }
        evicted?.close(promise: nil)
        channel.closeFuture.whenComplete { [self] _ in leave(id) }
        return id
    }

    /// The peer has said something: it gives way after those that have not.
    func spoke(_ id: Int) { state.withLock { $0.handshakes.spoke(id) } }

    /// The peer has shown the engine's certificate, or the agent's own. `false` when its connection was closed meanwhile.
    func authenticate(_ id: Int) -> Bool {
        let (isHere, evicted) = state.withLock { state -> (Bool, (any Channel)?) in
            guard state.handshakes.remove(id) else { return (false, nil) }
            let oldest = state.engines.admit(id, from: "")
            return (true, oldest.flatMap { state.channels.removeValue(forKey: $0) })
        }
        evicted?.close(promise: nil)
        return isHere
    }

    /// An IPv4 address; of IPv6 the network of 64 bits, in which one machine may have any number of addresses.
    static func source(_ address: SocketAddress?) -> String {
        guard let text = address?.ipAddress else { return "" }
        var bytes = [UInt8](repeating: 0, count: 16)
        guard !text.hasPrefix("::ffff:"), inet_pton(AF_INET6, text, &bytes) == 1 else { return text }
        return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }

    private func leave(_ id: Int) {
        state.withLock { state in
            state.channels[id] = nil
            state.handshakes.remove(id)
            state.engines.remove(id)
        }
    }
}
