import CSockets
import Glibc

/// Waits for descriptors that can be read (epoll(7)); a wait is ended early from any thread by `interrupt`.
final class Readiness: Sendable {
    private let descriptor: CInt
    private let wake: CInt

    /// What a ready descriptor is known by.
    typealias Key = UInt64
    private static let wakeKey: Key = 0
    /// Told at once; more are told by the next wait.
    private static let readyMax = 64

    init() throws(DatagramSocketError) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw DatagramSocketError("make an epoll descriptor") }
        wake = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0, add(wake, as: Self.wakeKey) else {
            // Everything is set: `deinit` closes.
            throw DatagramSocketError("make an eventfd")
        }
    }

    deinit {
        close(descriptor)
        close(wake)
    }

    /// Keys begin at 1. Closing the descriptor takes it away again. False when the kernel refuses, for want of memory.
    func add(_ descriptor: CInt, as key: Key) -> Bool {
        var event = epoll_event(events: csockets_readable, data: epoll_data_t(u64: key))
        return epoll_ctl(self.descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    func interrupt() {
        var one: UInt64 = 1
        write(wake, &one, 8)
    }

    /// The keys of what can be read, after at most so many milliseconds; -1 waits for ever.
    func wait(milliseconds: CInt, _ body: (Key) -> Void) {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.readyMax) { events in
            let count = epoll_wait(descriptor, events.baseAddress, CInt(Self.readyMax), milliseconds)
            for event in events.prefix(Int(max(0, count))) {
                guard event.data.u64 == Self.wakeKey else {
                    body(event.data.u64)
                    continue
                }
                var count: UInt64 = 0
                read(wake, &count, 8)
            }
        }
    }
}
