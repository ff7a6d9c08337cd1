import AgentWire
import HostModel

/// The networks and bonds that a simulated host was ordered after its installation. No kernel has them; the host reports them
/// as one that has, so that an engine finds what it ordered.
struct SimulatedNetworks: Sendable {
    private var networks: [String: WantedNetwork] = [:]
    private var bonds: [String: WantedBond] = [:]

    /// The one that every host has since its installation: of it only the MTU is taken over.
    private static let management = "ovirtmgmt"

    /// What is wrong with an order is said as a host says it; what only a kernel knows is not looked at.
    mutating func take(_ change: SetupNetworksParameters) throws(RPCError) {
        var next = self
        do throws(NetworkRefusal) {
            for (name, attributes) in change.bondings {
                let isGone = attributes["remove"]?.boolean == true
                next.bonds[name] = isGone ? nil : try WantedBond(name: name, attributes: attributes)
            }
            for (name, attributes) in change.networks {
                let isGone = attributes["remove"]?.boolean == true
                next.networks[name] = isGone ? nil : try WantedNetwork(name: name, attributes: attributes)
            }
        } catch {
            throw RPCError(.init(rawValue: error.code.rawValue), "\(error)")
        }
        let cards = Set((0..<HostReplies.cards).map { "eth\($0)" })
        for bond in next.bonds.values {
            guard let strange = bond.nics.first(where: { !cards.contains($0) }) else { continue }
            throw RPCError(.badNIC, "unknown nic \(strange)")
        }
        for network in next.networks.values {
            guard let base = network.southbound?.link, !cards.contains(base), next.bonds[base] == nil else { continue }
            throw RPCError(.badNIC, "unknown nic \(base)")
        }
        self = next
    }

    func add(to host: inout HostCapabilities) {
        for (name, bond) in bonds {
            host.bondings[name] = BondReport(
                hwaddr: bond.nics.first.flatMap { host.nics[$0]?.hwaddr } ?? "",
                slaves: bond.nics,
                opts: bond.options.report,
                speed: 10_000 * bond.nics.count,
                address: AddressReport()
            )
        }
        for (name, network) in networks {
            guard name != Self.management else {
                host.networks[name]?.address.mtu = String(network.mtu)
                continue
            }
            host.networks[name] = NetworkReport(network)
            guard let vlan = network.vlan, let device = network.device, let base = network.southbound?.link else {
                continue
            }
            host.vlans[device] = VLANReport(iface: base, vlanid: vlan, address: AddressReport())
        }
    }
}

extension NetworkReport {
    /// What the network looks like once it stands. A lease is never given.
    fileprivate init(_ wanted: WantedNetwork) {
        var address = AddressReport()
        address.mtu = String(wanted.mtu)
        address.dhcpv4 = wanted.addressing == .dhcp
        if case .fixed(let network, let gateway) = wanted.addressing {
            (address.addr, address.netmask) = (network.address.description, network.netmask.description)
            (address.ipv4addrs, address.gateway) = ([network.description], gateway?.description ?? "")
            address.ipv4defaultroute = wanted.defaultRoute && gateway != nil
        }
        address.ipv6addrs = wanted.addressing6.address.map { [$0.description] } ?? []
        address.ipv6gateway = wanted.addressing6.gateway?.description ?? "::"
        (address.dhcpv6, address.ipv6autoconf) = (wanted.addressing6.dhcp, wanted.addressing6.autoconf)
        self.init(
            iface: wanted.carrier,
            bridged: wanted.bridged,
            southbound: wanted.device,
            ports: wanted.bridged ? wanted.device.map { [$0] } ?? [] : [],
            address: address
        )
        vlanid = wanted.vlan
        stp = wanted.bridged ? (wanted.stp ? "on" : "off") : nil
        interface = wanted.bridged ? nil : wanted.device
    }
}
