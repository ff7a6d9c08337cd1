package import HostModel
import Synchronization

/// Which machine was given which address by DHCPv6 since the start. The addresses themselves are computed: what is forgotten
/// here only loses the name of a machine in an event.
package final class GivenAddresses: Sendable {
    private typealias Machines = [IPv6Address: MACAddress]

    /// The last ones, and those before them: when there are too many, the oldest half is forgotten.
    private let machines = Mutex<(young: Machines, old: Machines)>(([:], [:]))

    /// More machines than one link has.
    private static let machinesMax = 65_536

    package init() {}

    package func machine(at address: IPv6Address) -> MACAddress? {
        machines.withLock { $0.young[address] ?? $0.old[address] }
    }

    func note(_ address: IPv6Address, of mac: MACAddress) {
        machines.withLock { machines in
            if machines.young.count >= Self.machinesMax / 2 { machines = ([:], machines.young) }
            machines.old[address] = nil
            machines.young[address] = mac
        }
    }

    /// How many there are.
    package var count: Int { machines.withLock { $0.young.count + $0.old.count } }
}
