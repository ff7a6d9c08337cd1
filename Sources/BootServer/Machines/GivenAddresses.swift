package import HostModel
import Synchronization

/// Which machine was given which address by DHCPv6 since the start. The addresses themselves are computed: what is forgotten
/// here only loses the name of a machine in an event.
package final class GivenAddresses: Sendable {
    private let machines = Mutex<[IPv6Address: MACAddress]>([:])

    /// More machines than one link has.
    private static let machinesMax = 65_536

    package init() {}

    package func machine(at address: IPv6Address) -> MACAddress? { machines.withLock { $0[address] } }

    func note(_ address: IPv6Address, of mac: MACAddress) {
        machines.withLock { machines in
            if machines.count < Self.machinesMax || machines[address] != nil { machines[address] = mac }
        }
    }

    /// How many there are.
    package var count: Int { machines.withLock(\.count) }
}
