import AgentWire
import Glibc
import HostModel

/// Tells the engine when a guest begins, ends or changes its status: `|virt|VM_status|ID` (ovirt.md 5.3), so that it need not
/// wait for its next poll.
struct GuestMonitor: Sendable {
    private let guests: GuestWatch
    private let publish: @Sendable (RPCNotification) -> Void

    static let method = "|virt|VM_status|"

    init(_ guests: GuestWatch, publish: @escaping @Sendable (RPCNotification) -> Void) {
        (self.guests, self.publish) = (guests, publish)
    }

    /// Until it is cancelled.
    func run() async {
        let looks = guests.looks()
        var known = guests.statuses
        for await _ in looks {
            // Where libvirt is gone nothing is known of guests: they may run on.
            guard let now = guests.statuses else { continue }
            if let known { Self.changes(from: known, to: now).forEach(publish) }
            known = now
        }
    }

    /// One for each guest whose status is another one, by id; a guest that is no longer there is `Down`.
    static func changes(from known: [String: String], to now: [String: String]) -> [RPCNotification] {
        let gone = known.filter { now[$0.key] == nil && $0.value != "Down" }.mapValues { _ in "Down" }
        let changed = now.filter { known[$0.key] != $0.value }.merging(gone) { first, _ in first }
        return changed.sorted { $0.key < $1.key }.map { id, status in
            let report: [String: JSONValue] = ["status": .string(status)]
            let params: [String: JSONValue] = [id: .object(report), "notify_time": .integer(milliseconds)]
            return RPCNotification(method: method + id, params: .object(params))
        }
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
