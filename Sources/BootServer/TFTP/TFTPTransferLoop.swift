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
        /// Without a word: the client has begun another one.
        case stop
    }

    private struct Inbox {
        var orders: [(Readiness.Key, Order)] = []
        var lastKey: Readiness.Key = 0
        var isEnding = false
    }

    private let readiness: Readiness
    private let inbox = Mutex(Inbox())

    init() throws(DatagramSocketError) { readiness = try Readiness() }

    /// Sends one file; comes back when the transfer has ended, however. `began` gets what ends it without a word.
    func run(
        _ start: TFTPTransfer.Start,
        on socket: consuming DatagramSocket,
        began: (@escaping @Sendable () -> Void) -> Void
    ) async {
        let socket = socket.taken()
        await withCheckedContinuation { ended in
            let key = inbox.withLock { inbox in
                inbox.lastKey += 1
                inbox.orders.append((inbox.lastKey, .begin(start, socket, ended: ended)))
                return inbox.lastKey
            }
            readiness.interrupt()
            began { self.post(key, .stop) }
        }
    }

    /// Ends every transfer with an error on its client's screen, also those that are yet to begin; then `serve` comes back.
    func end() {
        inbox.withLock { $0.isEnding = true }
        readiness.interrupt()
    }

    private func post(_ key: Readiness.Key, _ order: Order) {
        inbox.withLock { $0.orders.append((key, order)) }
        readiness.interrupt()
    }

    // MARK: - The thread

    /// What the thread of the loop knows.
    private struct Running {
        var transfers: [Readiness.Key: (transfer: TFTPTransfer, ended: CheckedContinuation<Void, Never>)] = [:]
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
        var running = Running()
        while true {
            let (orders, isEnding) = inbox.withLock { inbox in
                defer { inbox.orders = [] }
                return (inbox.orders, inbox.isEnding)
            }
            running.now = Self.now
            for (key, order) in orders { follow(order, for: key, &running) }
            if isEnding { return endAll(&running) }
            readiness.wait(milliseconds: running.milliseconds) { key in
                running.now = Self.now
                receive(key, &running)
            }
            tellTime(&running)
        }
    }

    /// Nanoseconds.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func follow(_ order: Order, for key: Readiness.Key, _ running: inout Running) {
        switch order {
        case .begin(let start, let socket, let ended):
            let transfer = TFTPTransfer(start, on: socket)
            running.transfers[key] = (transfer, ended)
            guard readiness.add(transfer.descriptor, as: key) else {
                transfer.fail("the server is out of memory")
                return settle(nil, transfer, key, &running)
            }
            settle(transfer.begin(at: running.now), transfer, key, &running)
        case .resume(let errand, let wire):
            guard let transfer = running.transfers[key]?.transfer else { return }
            transfer.resume(errand, with: wire, at: running.now)
            settle(nil, transfer, key, &running)
        case .stop: running.transfers.removeValue(forKey: key)?.ended.resume()
        }
    }

    private func receive(_ key: Readiness.Key, _ running: inout Running) {
        guard let transfer = running.transfers[key]?.transfer else { return }
        let errand = transfer.receive(into: &running.buffer, at: running.now)
        settle(errand, transfer, key, &running)
    }

    private func tellTime(_ running: inout Running) {
        running.now = Self.now
        guard running.now >= running.nextDeadline else { return }
        running.nextDeadline = .max
        for (key, entry) in running.transfers {
            let isDue = entry.transfer.deadline <= running.now
            settle(isDue ? entry.transfer.timeOut(at: running.now) : nil, entry.transfer, key, &running)
        }
    }

    /// What follows from every step of a transfer.
    private func settle(
        _ errand: TFTPTransfer.Errand?,
        _ transfer: TFTPTransfer,
        _ key: Readiness.Key,
        _ running: inout Running
    ) {
        if transfer.isFinished { running.transfers.removeValue(forKey: key)?.ended.resume() }
        running.nextDeadline = min(running.nextDeadline, transfer.deadline)
        guard let errand else { return }
        NIOThreadPool.singleton.submit { state in
            var wire = WireBlocks(for: errand.machine)
            let isLoaded =
                state == .active
                && wire.load(from: errand.first, of: errand.machine, errand.content, mayWait: true) == .loaded
            self.post(key, .resume(errand: errand.number, isLoaded ? wire : nil))
        }
    }

    private func endAll(_ running: inout Running) {
        for entry in running.transfers.values {
            entry.transfer.fail("the server stops")
            entry.ended.resume()
        }
        running.transfers = [:]
    }
}
