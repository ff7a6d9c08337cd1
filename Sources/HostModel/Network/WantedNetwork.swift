/// One network as it is wanted on this host: VDSM's attributes, parsed.
package struct WantedNetwork: Hashable, Sendable {
    package enum Addressing: Hashable, Sendable {
        case none
        case dhcp
        case fixed(IPv4Network, gateway: IPv4Address?)
    }

    /// The IPv6 part; none of it: the carrier takes no part in IPv6.
    package struct Addressing6: Hashable, Sendable {
        package var address: IPv6Network?
        package var gateway: IPv6Address?
        package var autoconf: Bool
        package var dhcp: Bool

        package init(
            address: IPv6Network? = nil,
            gateway: IPv6Address? = nil,
            autoconf: Bool = false,
            dhcp: Bool = false
        ) {
            (self.address, self.gateway, self.autoconf, self.dhcp) = (address, gateway, autoconf, dhcp)
        }

        package var isAny: Bool { address != nil || autoconf || dhcp }

        /// DHCPv6 needs advertisements, which say that there is a server.
        var settings: IPv6Settings {
            isAny ? IPv6Settings(isEnabled: true, acceptRA: autoconf || dhcp ? 1 : 0, autoconf: autoconf) : .off
        }
    }

    /// What the network stands on.
    package enum Southbound: Hashable, Sendable {
        case nic(String)
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
    package var addressing6: Addressing6
    /// Whether the host's default route goes through this network.
    package var defaultRoute: Bool
    package var stp: Bool
    /// `custom.bridge_opts`: options of the bridge by sysfs's names.
    package var bridgeOptions: [String: Int]
    package var nameservers: [String]
    /// `hostQos`: its share of the link below.
    package var hostQoS: TrafficShare?

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
        addressing6: Addressing6 = Addressing6(),
        defaultRoute: Bool = false,
        stp: Bool = false,
        bridgeOptions: [String: Int] = [:],
        nameservers: [String] = [],
        hostQoS: TrafficShare? = nil
    ) {
        (self.name, self.southbound, self.vlan, self.bridged) = (name, southbound, vlan, bridged)
        (self.mtu, self.addressing, self.addressing6) = (mtu, addressing, addressing6)
        (self.defaultRoute, self.stp, self.bridgeOptions) = (defaultRoute, stp, bridgeOptions)
        (self.nameservers, self.hostQoS) = (nameservers, hostQoS)
    }

    /// The link that is the bridge's port, or that carries a bridgeless network: `eth0` or `eth0.12`.
    package var device: String? {
        guard let base = southbound?.link else { return nil }
        return vlan.map { "\(base).\($0)" } ?? base
    }

    /// The link that carries the addresses: the bridge, else the device.
    package var carrier: String { bridged ? name : device ?? name }

    /// Whether the links of both are the same; only addresses, MTU and options may differ.
    func hasForm(of other: WantedNetwork) -> Bool { bridged == other.bridged && device == other.device }

    /// What the bridge is to have: no delay, as there is no loop without spanning tree, and what `bridge_opts` says.
    var bridge: BridgeOptions {
        var options = BridgeOptions(stp: stp, forwardDelay: bridgeOptions["forward_delay"] ?? 0)
        for (name, value) in bridgeOptions { options[name] = value }
        if options.stp { options.forwardDelay = max(options.forwardDelay, BridgeOptions.forwardDelayMin) }
        return options
    }
}
