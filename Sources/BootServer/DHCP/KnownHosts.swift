import HostModel
import Synchronization

/// The machines that the directory has named as hosts since the start: they are let through when strangers are too many.
final class KnownHosts: Sendable {
    private let hosts = Mutex<Set<MACAddress>>([])

    /// More hosts than one segment has.
    private static let hostsMax = 65_536

    func contain(_ mac: MACAddress) -> Bool { hosts.withLock { $0.contains(mac) } }

    func insert(_ mac: MACAddress) {
        hosts.withLock { hosts in
            if hosts.count < Self.hostsMax { hosts.insert(mac) }
        }
    }
}
