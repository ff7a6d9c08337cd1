import AgentWire
import Glibc
import HostModel
import Logging
import Netlink

/// Tells the engine when a link, an address or a bond's active slave has changed: `|net|host_conn|no_id`, upon which it asks
/// for the capabilities (ovirt.md 5.3). What only counts (traffic, timers) is no change.
struct NetworkMonitor: Sendable {
    private let logger: Logger
    private let publish: @Sendable (RPCNotification) -> Void

    static let method = "|net|host_conn|no_id"
    /// After an event the next one waits this long, whatever happens: an engine asks for everything each time.
    private static let pause = Duration.seconds(1)

    init(logger: Logger, publish: @escaping @Sendable (RPCNotification) -> Void) {
        (self.logger, self.publish) = (logger, publish)
    }

    /// Until it is cancelled. Without the kernel's word there are no events, and the engine's own polls remain.
    func run() async {
        do {
            let monitor = try NetlinkMonitor()
            // First listen, then look: what happens in between is not missed.
            var known = try Look()
            for await _ in monitor.changes() {
                guard let now = try? Look() else { continue }
                guard now != known else { continue }
                known = now
                publish(Self.notification)
                try await Task.sleep(for: Self.pause)
            }
        } catch is CancellationError {
            return
        } catch {
            logger.error("changes of the network are not told to the engine: \(terminalEscaped("\(error)"))")
        }
    }

    private static var notification: RPCNotification {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let milliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        return RPCNotification(method: method, params: .object(["notify_time": .integer(milliseconds)]))
    }

    /// What an engine would see.
    private struct Look: Equatable {
        var links: [String: LinkState]
        var bonds: [String: BondStatus]

        init() throws(NetlinkError) {
            let snapshot = try KernelSnapshot.readLinks()
            (links, bonds) = (snapshot.state.links, snapshot.bonds)
        }
    }
}
