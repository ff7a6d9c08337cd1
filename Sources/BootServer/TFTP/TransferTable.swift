import HostModel
import NIOCore
import Synchronization

/// Who fetches what now, so that no client and no source can take more than its share.
final class TransferTable: Sendable {
    /// A client's transfer id: its address and port (RFC 1350, section 4).
    struct Client: Hashable, Sendable {
        var address: HostModel.IPAddress
        var port: Int
    }

    enum Admission: Sendable {
        case admitted(id: UInt64)
        /// The same request again, before the client can have seen our first answer.
        case duplicate
        case full
    }

    private struct Entry {
        var id: UInt64
        var request: ByteBuffer
        var isAcknowledged = false
        var running: TFTPTransferLoop.Running?
    }

    private struct State {
        var entries: [Client: Entry] = [:]
        var perSource: [HostModel.IPAddress: Int] = [:]
        var lastID: UInt64 = 0

        /// What a new client must wait for.
        enum Obstacle {
            /// Never acknowledged, and so to be ended for the new one.
            case client(Client)
            case transfersUnderWay
        }

        /// `nil` where there is room.
        func obstacle(to client: Client, _ limit: Int, _ limitPerSource: Int) -> Obstacle? {
            let isOwnShareTaken = perSource[client.address, default: 0] >= limitPerSource
            guard isOwnShareTaken || entries.count >= limit else { return nil }
            let idle = entries.filter { other, entry in
                !entry.isAcknowledged && (!isOwnShareTaken || other.address == client.address)
            }
            return idle.min { $0.value.id < $1.value.id }.map { .client($0.key) } ?? .transfersUnderWay
        }

        @discardableResult
        mutating func remove(_ client: Client) -> Entry? {
            guard let entry = entries.removeValue(forKey: client) else { return nil }
            let left = perSource[client.address, default: 1] - 1
            perSource[client.address] = left > 0 ? left : nil
            return entry
        }
    }

    private let state = Mutex(State())
    private let limit: Int
    private let limitPerSource: Int

    init(limit: Int, limitPerSource: Int) { (self.limit, self.limitPerSource) = (limit, limitPerSource) }

    /// A new request from a client in progress takes the old transfer's place: firmware uses a port again for its next
    /// file. The same request repeated does not, because the client may be about to acknowledge the first answer.
    ///
    /// Where there is no room, the oldest transfer that nobody ever acknowledged makes some: a machine acknowledges within
    /// milliseconds, and whoever sends requests in the names of others never does.
    func admit(_ client: Client, request: ByteBuffer) -> Admission {
        let (admission, victim) = state.withLock { state -> (Admission, TFTPTransferLoop.Running?) in
            var replaced = state.entries[client]
            if let replaced, !replaced.isAcknowledged, replaced.request == request { return (.duplicate, nil) }
            if replaced == nil, let victim = state.obstacle(to: client, limit, limitPerSource) {
                guard case .client(let victim) = victim else { return (.full, nil) }
                replaced = state.remove(victim)
            }
            state.lastID += 1
            if state.entries[client] == nil { state.perSource[client.address, default: 0] += 1 }
            state.entries[client] = Entry(id: state.lastID, request: request)
            return (.admitted(id: state.lastID), replaced?.running)
        }
        victim?.stop()
        return admission
    }

    /// A transfer runs; it is ended at once when its place was taken meanwhile.
    func began(_ client: Client, id: UInt64, _ running: TFTPTransferLoop.Running) {
        let isReplaced = state.withLock { state in
            guard state.entries[client]?.id == id else { return true }
            state.entries[client]?.running = running
            return false
        }
        if isReplaced { running.stop() }
    }

    /// The client's transfer that runs.
    func running(_ client: Client) -> TFTPTransferLoop.Running? { state.withLock { $0.entries[client]?.running } }

    func acknowledged(_ client: Client, id: UInt64) {
        state.withLock { state in
            if state.entries[client]?.id == id { state.entries[client]?.isAcknowledged = true }
        }
    }

    func ended(_ client: Client, id: UInt64) {
        state.withLock { state in
            guard state.entries[client]?.id == id else { return }
            state.remove(client)
        }
    }

    var count: Int { state.withLock { $0.entries.count } }
}
