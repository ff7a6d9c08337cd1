/// One network as it is wanted on this host: VDSM's attributes, parsed.
package struct WantedNetwork: Hashable, Sendable {
    package enum Addressing: Hashable, Sendable {
        case none
        case dhcp
        case fixed(IPv4Network, gateway: IPv4Address?)
    }

    /// What the network stands on.
    package enum Southbound: Hashable, Sendable {
        case nic(String)
        /// A bond that is there already.
        case bonding(String)

        package var link: String {
            switch self {
            case .nic(let name), .bonding(let name): name
            }
        }
    }

    package var name: String
    /// `nil` for a bridge without ports.
    package var southbound: Southbound?
    /// 0 to 4094; `nil` for untagged.
    package var vlan: Int?
    package var bridged: Bool
    package var mtu: Int
    package var addressing: Addressing
    /// Whether the host's default route goes through this network.
    package var defaultRoute: Bool
    package var stp: Bool
    package var nameservers: [String]

    /// In bytes, of the name of a network without a bridge; a bridge's is a link's.
    package static let nameLengthMax = 200
    package static let mtuDefault = 1500
    package static let mtuRange = 68...65535
    package static let vlanRange = 0...4094

    package init(
        name: String,
        southbound: Southbound?,
        vlan: Int? = nil,
        bridged: Bool = true,
        mtu: Int = WantedNetwork.mtuDefault,
        addressing: Addressing = .none,
        defaultRoute: Bool = false,
        stp: Bool = false,
        nameservers: [String] = []
    ) {
        (self.name, self.southbound, self.vlan, self.bridged) = (name, southbound, vlan, bridged)
        (self.mtu, self.addressing, self.defaultRoute) = (mtu, addressing, defaultRoute)
        (self.stp, self.nameservers) = (stp, nameservers)
    }

    /// The link that is the bridge's port, or that carries a bridgeless network: `eth0` or `eth0.12`.
    package var device: String? {
        guard let base = southbound?.link else { return nil }
        return vlan.map { "\(base).\($0)" } ?? base
    }

    /// The link that carries the addresses: the bridge, else the device.
    package var carrier: String { bridged ? name : device ?? name }
}
