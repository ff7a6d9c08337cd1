import CSockets
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Transfers of a server, on one thread.
///
/// Not on NIO's loops: for a packet that is answered with a packet, its buffers, envelopes and timers cost more than the
/// system calls do (`make bench-boot`). A read that would wait for a disk is done on NIO's thread pool, so that no transfer
/// holds up another.
final class TFTPTransferLoop: Sendable {
    private enum Order: Sendable {
        case begin(TFTPTransfer.Start, DatagramSocket.Taken, ended: CheckedContinuation<Void, Never>)
        case resume(errand: Int, WireBlocks?)
        /// What came for it on a socket that it shares.
        case take(ByteBuffer)
        /// Without a word: the client has begun another one.
        case stop
    }

    /// A transfer that runs.
    struct Running: Sendable {
        /// Ends it without a word: the client has begun another one.
        let stop: @Sendable () -> Void
        /// Brings it a datagram of its client, where it shares its socket.
        let take: @Sendable (ByteBuffer) -> Void
    }

    private struct Inbox {
        var orders: [(Readiness.Key, Order)] = []
        var lastKey: Readiness.Key = 0
        var isEnding = false
    }

    private let readiness: Readiness
    private let inbox = Mutex(Inbox())
    /// Whether there may be something in the inbox.
    private let hasMail = Atomic(false)

    init() throws(DatagramSocketError) { readiness = try Readiness() }

    /// Sends one file; comes back when the transfer has ended, however. `willBegin` is called before the first packet goes
    /// out: the answer to it may come at once.
    func run(_ start: TFTPTransfer.Start, on socket: DatagramSocket.Taken, willBegin: (Running) -> Void) async {
        let key = inbox.withLock { inbox in
            inbox.lastKey += 1
            return inbox.lastKey
        }
        willBegin(Running(stop: { self.post(key, .stop) }, take: { self.post(key, .take($0)) }))
        await withCheckedContinuation { ended in
            let isTaken = inbox.withLock { inbox in
                guard !inbox.isEnding else { return false }
                inbox.orders.append((key, .begin(start, socket, ended: ended)))
                return true
            }
            guard isTaken else { return Self.refuse(start, socket, ended) }
            interrupt()
        }
    }

    /// Ends every transfer with an error on its client's screen, also those that are yet to begin; then `serve` comes back.
    func end() {
        inbox.withLock { $0.isEnding = true }
        interrupt()
    }

    private static func refuse(
        _ start: TFTPTransfer.Start,
        _ socket: DatagramSocket.Taken,
        _ ended: CheckedContinuation<Void, Never>
    ) {
        TFTPTransfer(start, on: socket).fail(stopping)
        ended.resume()
    }

    private static let stoppedMax = 1000
    private static let stopping = "the server stops"

    private func post(_ key: Readiness.Key, _ order: Order) {
        inbox.withLock { $0.orders.append((key, order)) }
        interrupt()
    }

    private func interrupt() {
        hasMail.store(true, ordering: .releasing)
        readiness.interrupt()
    }

    // MARK: - The thread

    /// What the thread of the loop knows.
    private struct State {
        var transfers: [Readiness.Key: (transfer: TFTPTransfer, ended: CheckedContinuation<Void, Never>)] = [:]
        /// Those that were stopped before they began, and a few that had ended.
        var stopped: Set<Readiness.Key> = []
        /// No deadline is before this one: transfers move theirs with every packet, and are looked through only then.
        var nextDeadline = UInt64.max
        var now = UInt64(0)
        var buffer = ByteBufferAllocator().buffer(capacity: 4096)

        /// How long to wait for packets; rounded up, so that the deadline has passed then.
        var milliseconds: CInt {
            guard nextDeadline != .max else { return -1 }
            return nextDeadline <= now ? 0 : CInt(clamping: (nextDeadline - now) / 1_000_000 + 1)
        }
    }

    /// Holds the thread until `end`.
    func serve() {
        var state = State()
        while true {
            let (orders, isEnding) = inbox.withLock { inbox in
                // Within the lock: what is posted after this raises it again.
                hasMail.store(false, ordering: .relaxed)
                defer { inbox.orders = [] }
                return (inbox.orders, inbox.isEnding)
            }
            state.now = Self.now
            for (key, order) in orders { follow(order, for: key, &state) }
            if isEnding { return endAll(&state) }
            readiness.wait(milliseconds: state.milliseconds) { key in
                state.now = Self.now
                receive(key, &state)
            }
            if let (key, entry) = state.transfers.first, state.transfers.count == 1 {
                stay(with: entry.transfer, key, &state)
            }
            tellTime(&state)
        }
    }

    /// While there is one transfer only, and its client answers at once, its socket is waited for and nothing else: that is one
    /// system call for each packet instead of two, and the kernel wakes the thread on the processor that the answer came to,
    /// which it does not for epoll. Without windows (RFC 7440) this is most of the time of a transfer. What is ordered
    /// meanwhile waits for the next packet, `TransferSocket.patience` at most.
    private func stay(with transfer: TFTPTransfer, _ key: Readiness.Key, _ state: inout State) {
        guard transfer.descriptor != nil else { return }
        while !transfer.isFinished, !transfer.isFetching, state.now < transfer.deadline,
            !hasMail.load(ordering: .acquiring),
            transfer.receive(into: &state.buffer, waits: true)
        {
            state.now = Self.now
            settle(transfer.take(state.buffer, at: state.now), transfer, key, &state)
        }
    }

    /// Nanoseconds.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func follow(_ order: Order, for key: Readiness.Key, _ state: inout State) {
        switch order {
        case .begin(let start, let socket, let ended):
            let transfer = TFTPTransfer(start, on: socket)
            guard state.stopped.remove(key) == nil else { return ended.resume() }
            state.transfers[key] = (transfer, ended)
            guard transfer.descriptor.map({ readiness.add($0, as: key) }) ?? true else {
                transfer.fail("the server is out of memory")
                return settle(nil, transfer, key, &state)
            }
            settle(transfer.begin(at: state.now), transfer, key, &state)
        case .resume(let errand, let wire):
            guard let transfer = state.transfers[key]?.transfer else { return }
            transfer.resume(errand, with: wire, at: state.now)
            settle(nil, transfer, key, &state)
        case .take(let datagram):
            guard let transfer = state.transfers[key]?.transfer else { return }
            settle(transfer.take(datagram, at: state.now), transfer, key, &state)
        case .stop:
            if let entry = state.transfers.removeValue(forKey: key) { return entry.ended.resume() }
            // What is forgotten here ends by itself: nobody acknowledges it.
            if state.stopped.count >= Self.stoppedMax { state.stopped = [] }
            state.stopped.insert(key)
        }
    }

    private func receive(_ key: Readiness.Key, _ state: inout State) {
        guard let transfer = state.transfers[key]?.transfer else { return }
        guard transfer.receive(into: &state.buffer, waits: false) else { return }
        settle(transfer.take(state.buffer, at: state.now), transfer, key, &state)
    }

    private func tellTime(_ state: inout State) {
        state.now = Self.now
        guard state.now >= state.nextDeadline else { return }
        state.nextDeadline = .max
        for (key, entry) in state.transfers {
            let isDue = entry.transfer.deadline <= state.now
            settle(isDue ? entry.transfer.timeOut(at: state.now) : nil, entry.transfer, key, &state)
        }
    }

    /// What follows from every step of a transfer.
    private func settle(
        _ errand: TFTPTransfer.Errand?,
        _ transfer: TFTPTransfer,
        _ key: Readiness.Key,
        _ state: inout State
    ) {
        if transfer.isFinished { state.transfers.removeValue(forKey: key)?.ended.resume() }
        state.nextDeadline = min(state.nextDeadline, transfer.deadline)
        guard let errand else { return }
        NIOThreadPool.singleton.submit { work in
            var wire = WireBlocks(for: errand.machine)
            let isLoaded =
                work == .active
                && wire.load(from: errand.first, of: errand.machine, errand.content, mayWait: true) == .loaded
            self.post(key, .resume(errand: errand.number, isLoaded ? wire : nil))
        }
    }

    private func endAll(_ state: inout State) {
        for entry in state.transfers.values {
            entry.transfer.fail(Self.stopping)
            entry.ended.resume()
        }
        state.transfers = [:]
    }
}
