import AgentWire
import NIOCore
import Synchronization

/// The STOMP connections of the agent: who subscribed to what, and what waits to be written to whom.
final class StompHub: Sendable {
    typealias Outbox = AsyncStream<ByteBuffer>.Continuation

    fileprivate struct Member {
        var session = StompServerSession()
        var timers: HeartBeatTimers?
        let outbox: Outbox
    }

    /// Frames that wait for one peer; a peer that reads so slowly is cut off.
    static let outboxMax = 64

    fileprivate struct State {
        var members: [Int: Member] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// The number of the new connection.
    func join(_ outbox: Outbox) -> Int {
        state.withLock { state in
            state.next += 1
            state.members[state.next] = Member(outbox: outbox)
            return state.next
        }
    }

    func leave(_ id: Int) { state.withLock { state in state.members[id] = nil } }

    /// Bytes came from the connection, whole frames or not.
    func heard(_ id: Int) { state.withLock { $0.members[id]?.timers?.received(at: .now) } }

    /// Takes a frame: writes what it asks to be written, and gives the requests for the agent. `isOpen` is false when the
    /// connection is to be closed after what was written.
    func receive(_ frame: StompFrame, from id: Int) -> (requests: [StompRequest], isOpen: Bool) {
        state.withLock { state in
            var requests: [StompRequest] = []
            var isOpen = true
            for action in state.members[id]?.session.receive(frame) ?? [] {
                switch action {
                case .send(let frame): state.write(frame, to: id)
                case .agree(let beats): state.members[id]?.timers = HeartBeatTimers(agreed: beats, at: .now)
                case .request(let request): requests.append(request)
                case .publish(let request):
                    let isReceived = state.publish(request.body, to: request.destination)
                    if !isReceived, !request.destination.isRequestQueue {
                        state.write(StompServerSession.unavailable, to: id)
                    }
                case .close: isOpen = false
                }
            }
            return (requests, isOpen)
        }
    }

    /// Sends a message to every subscriber of the destination; `false` when there is none.
    @discardableResult
    func publish(_ body: ByteBuffer, to destination: StompDestination) -> Bool {
        state.withLock { $0.publish(body, to: destination) }
    }

    /// Tells whoever listens to events.
    func publish(_ notification: RPCNotification) {
        guard let body = try? notification.encoded() else { return }
        publish(body, to: .events)
    }

    func send(_ frame: StompFrame, to id: Int) { state.withLock { $0.write(frame, to: id) } }

    /// What the connection owes its peer now; a heart-beat that is due is written.
    func beat(_ id: Int) -> HeartBeatTimers.Due {
        state.withLock { state in
            let due = state.members[id]?.timers?.due(at: .now) ?? .never
            if due == .beat { state.write(ByteBuffer(string: "\n"), to: id) }
            return due
        }
    }
}

extension StompHub.State {
    fileprivate mutating func publish(_ body: ByteBuffer, to destination: StompDestination) -> Bool {
        var isReceived = false
        for (id, member) in members {
            for frame in member.session.messages(to: destination, body: body) {
                write(frame, to: id)
                isReceived = true
            }
        }
        return isReceived
    }

    fileprivate mutating func write(_ frame: StompFrame, to id: Int) {
        var bytes = ByteBuffer()
        bytes.writeStompFrame(frame)
        write(bytes, to: id)
    }

    fileprivate mutating func write(_ bytes: ByteBuffer, to id: Int) {
        guard let member = members[id] else { return }
        members[id]?.timers?.sent(at: .now)
        if case .dropped = member.outbox.yield(bytes) {
            // Ends the connection's writer, and with it the connection.
            member.outbox.finish()
            members[id] = nil
        }
    }
}
