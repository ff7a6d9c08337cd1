internal import CNetlink
internal import Glibc

/// Listens to what the kernel says of its network: links and addresses that come, go and change.
///
/// What it says is not read: it may be lost (ENOBUFS) when the reader is slow, and then only a dump tells the truth. So every
/// message, and every loss, means the same: look again. Messages that come together are one call to look.
package final class NetlinkMonitor: Sendable {
    private let descriptor: CInt
    private let waker: CInt

    /// Quiet for this long means that a change is over; a change without end is looked at this often all the same.
    private static let quietMilliseconds: CInt = 100
    private static let loudMilliseconds = 1000
    /// Octets that the kernel keeps for us. Few: what is lost costs nothing.
    private static let bufferBytes: CInt = 64 * 1024

    /// Of this process's network namespace. Needs no privilege.
    package init() throws(NetlinkError) {
        let descriptor = socket(
            AF_NETLINK,
            Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
            NETLINK_ROUTE
        )
        guard descriptor >= 0 else { throw NetlinkError("listen to the kernel", errno: errno) }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = UInt32(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        let waker = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard bound == 0, waker >= 0 else {
            let code = errno
            close(descriptor)
            if waker >= 0 { close(waker) }
            throw NetlinkError("listen to the kernel", errno: code)
        }
        var size = Self.bufferBytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        (self.descriptor, self.waker) = (descriptor, waker)
    }

    deinit {
        close(descriptor)
        close(waker)
    }

    /// Waits, on the thread of the caller, until something may have changed and it is quiet again; `false` when the wait was
    /// ended by `stop` or by a fault of the socket.
    package func awaitChange() -> Bool {
        var heard: ContinuousClock.Instant?
        while true {
            var waited = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
            waited.append(pollfd(fd: waker, events: Int16(POLLIN), revents: 0))
            let count = poll(&waited, 2, heard == nil ? -1 : Self.quietMilliseconds)
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            if waited[1].revents != 0 { return false }
            if count == 0 { return true }
            guard drain() else { return false }
            let now = ContinuousClock.now
            let first = heard ?? now
            heard = first
            if first.duration(to: now) > .milliseconds(Self.loudMilliseconds) { return true }
        }
    }

    /// Ends every wait, now and later.
    package func stop() {
        var one: UInt64 = 1
        _ = write(waker, &one, MemoryLayout<UInt64>.size)
    }

    /// Reads until nothing is there. A loss is news too.
    private func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 15)
        while true {
            if recv(descriptor, &buffer, buffer.count, 0) >= 0 { continue }
            switch errno {
            case EINTR, ENOBUFS: continue
            case EAGAIN: return true
            default: return false
            }
        }
    }
}

extension NetlinkMonitor {
    /// A value for each change until the reader's task ends. One waits at most: news of news is no news. Waits on a thread of
    /// its own, because the kernel may be silent for days.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.onTermination = { _ in self.stop() }
        let body: @Sendable () -> Void = { [self] in
            while awaitChange() { continuation.yield() }
            continuation.finish()
        }
        if !startThread(body) { continuation.finish() }
        return stream
    }
}

private final class ThreadBody {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// `false` when the system has no thread left.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let context = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread,
        nil,
        { context in
            if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body() }
            return nil
        },
        context.toOpaque()
    )
    guard code == 0 else {
        context.release()
        return false
    }
    pthread_detach(thread)
    return true
}
