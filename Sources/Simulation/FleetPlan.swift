package import HostModel

/// How many hosts are simulated, where they are, and what is wrong with some of them.
package struct FleetPlan: Hashable, Sendable {
    package var count: Int
    /// Host `i` is the address `i + 1` of it, and claims from there.
    package var network: IPv4Network
    /// Where every agent listens.
    package var port: UInt16 = 54321
    /// Hosts are `PREFIX-00001` and so on.
    package var namePrefix = "sim"
    /// Another seed is another fleet: other keys and other hardware ids.
    package var seed = 1
    /// Hosts that enrol at the same time.
    package var parallel = 200
    /// Hosts that may wait for approval at the same time; the others are switched on later. An engine keeps 2000 claims open.
    package var waiting = 1000
    package var faults: [FaultOrder] = []

    package static let hostsMax = 100_000

    /// `nil` for no host, for more than `hostsMax`, and where the network has too few addresses.
    package init?(count: Int, network: IPv4Network) {
        let addresses = 1 << (32 - network.prefixLength)
        guard network.prefixLength > 0, (1...Self.hostsMax).contains(count), count <= addresses - 2 else { return nil }
        (self.count, self.network) = (count, network)
    }

    func address(of host: Int) -> IPv4Address { IPv4Address(rawValue: first + UInt32(host)) }

    /// The host at an address of the fleet.
    func host(at address: IPv4Address) -> Int? {
        guard address.rawValue >= first, Int(address.rawValue - first) < count else { return nil }
        return Int(address.rawValue - first)
    }

    private var first: UInt32 {
        let hostBits = UInt32(32 - network.prefixLength)
        let base = (network.address.rawValue >> hostBits) << hostBits
        return base + 1
    }

    func name(of host: Int) -> String { Self.name(host, namePrefix) }

    /// What the first host would be called.
    package func firstName(_ prefix: String) -> String { Self.name(0, prefix) }

    private static func name(_ host: Int, _ prefix: String) -> String {
        let digits = String(host + 1)
        return "\(prefix)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)"
    }
}
