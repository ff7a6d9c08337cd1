package import AgentWire
package import HostModel
package import Netlink

/// The network block of the capabilities: the kernel's links as VDSM groups them (ovirt.md 5.5). Pure.
package struct NetworkInventory: Sendable {
    package var state: NetworkState
    package let ownership: NetworkOwnership
    /// Megabits per second by link; absent when the driver does not say.
    package var speeds: [String: Int]
    /// What bonds are doing, by link.
    package var bonds: [String: BondStatus]
    /// Virtual functions by link; absent where a card can have none.
    package var functions: [String: VirtualFunctionsReport] = [:]
    /// The NIC that a virtual function belongs to, by link.
    package var physical: [String: String] = [:]
    private let ports: [String: [String]]
    private let networks: [WantedNetwork]
    private let byCarrier: [String: WantedNetwork]

    package init(
        state: NetworkState,
        owned: OwnedHere,
        speeds: [String: Int] = [:],
        bonds: [String: BondStatus] = [:]
    ) {
        (self.state, self.speeds, self.bonds) = (state, speeds, bonds)
        (ownership, networks) = (owned.ownership, owned.networks)
        ports = state.portsByMaster()
        byCarrier = Dictionary(networks.map { ($0.carrier, $0) }) { $1 }
    }

    /// VDSM's placeholder for guests' NICs without a network; no engine sees it.
    private static let hiddenBridge = ";vdsmdummy;"

    package func fill(_ capabilities: inout HostCapabilities) {
        for link in state.links.values { fill(link, &capabilities) }
        fillShares(&capabilities)
        capabilities.networks = networkReports()
        capabilities.nameservers = ownership.nameservers
        capabilities.musterNetworkDrift = ownership.drift.differences
        capabilities.netConfigDirty = ownership.isDirty ? "True" : "False"
        capabilities.musterNetworkChanging = ownership.isChanging
        capabilities.supportsIPv6 = state.links.values.contains { $0.takesIPv6 }
    }

    /// Whether a link is one of the host's NICs for an engine: VDSM hides wireless and USB ones, and shows links made by
    /// software only under the names that its tests give them.
    package static func isVisible(_ link: LinkState) -> Bool {
        switch link.kind {
        case .device: !link.name.hasPrefix("w") && !link.name.hasPrefix("usb")
        case .other(let kind):
            ["dummy", "veth", "macvlan"].contains(kind)
                && (link.name.hasPrefix("dummy_") || link.name.hasPrefix("veth_"))
        case .bridge, .vlan, .bond, .loopback: false
        }
    }

    private func fill(_ link: LinkState, _ capabilities: inout HostCapabilities) {
        let address = address(link)
        let mac = link.mac?.description ?? ""
        switch link.kind {
        case .bridge(let bridge):
            guard link.name != Self.hiddenBridge else { return }
            capabilities.bridges[link.name] = BridgeReport(
                ports: ports[link.name] ?? [],
                stp: bridge.stp ? "on" : "off",
                opts: bridge.report,
                address: address
            )
        case .vlan(let base, let id):
            capabilities.vlans[link.name] = VLANReport(iface: base, vlanid: id, address: address)
        case .bond(let options):
            var report = BondReport(
                hwaddr: mac,
                slaves: ports[link.name] ?? [],
                opts: options.report,
                speed: speeds[link.name] ?? 0,
                address: address
            )
            let status = bonds[link.name]
            report.active_slave = status?.activeSlave ?? ""
            report.ad_aggregator_id = status?.aggregator.map(String.init)
            report.ad_partner_mac = status?.partner?.description
            capabilities.bondings[link.name] = report
        case .device, .other:
            guard Self.isVisible(link) else { return }
            var report = NICReport(
                hwaddr: mac,
                speed: speeds[link.name] ?? 0,
                operstate: link.isUp && link.hasCarrier ? "up" : "down",
                address: address
            )
            report.musterVirtualFunctions = functions[link.name]
            report.musterPhysicalFunction = physical[link.name]
            capabilities.nics[link.name] = report
        case .loopback: return
        }
    }

    /// The shares of networks, on the link that they share; the untagged one comes first.
    private func fillShares(_ capabilities: inout HostCapabilities) {
        for network in networks.sorted(by: { ($0.vlan ?? -1) < ($1.vlan ?? -1) }) {
            guard let share = network.hostQoS, let base = network.southbound?.link else { continue }
            let report = LinkShareReport(hostQos: share.attribute, vlan: network.vlan)
            if let nic = capabilities.nics[base] { capabilities.nics[base]?.qos = (nic.qos ?? []) + [report] }
            if let bond = capabilities.bondings[base] { capabilities.bondings[base]?.qos = (bond.qos ?? []) + [report] }
        }
    }

    private func address(_ link: LinkState) -> AddressReport {
        var report = AddressReport()
        let gateway = state.gateway(of: link.name)
        // The primary address is the one in the gateway's subnet, else the first.
        let primary = link.addresses.first { network in gateway.map(network.contains) ?? false } ?? link.addresses.first
        report.addr = primary?.address.description ?? ""
        report.netmask = primary?.netmask.description ?? ""
        report.ipv4addrs = link.addresses.map(\.description)
        report.ipv6addrs = (link.ipv6Addresses + link.automaticAddresses).map(\.description)
        report.ipv6gateway = state.gateway6(of: link.name)?.description ?? "::"
        report.gateway = gateway?.description ?? ""
        report.ipv4defaultroute = state.routes(via: link.name).contains {
            $0.isDefault && $0.table == RouteState.mainTable
        }
        // Also while a client that fell is not started yet.
        report.dhcpv4 =
            ownership.dhcpClients.contains(link.name) || byCarrier[link.name]?.addressing == .dhcp
        report.dhcpv6 = byCarrier[link.name]?.addressing6.dhcp ?? false
        report.ipv6autoconf = byCarrier[link.name]?.addressing6.autoconf ?? false
        report.mtu = String(link.mtu)
        return report
    }

    /// The owned networks whose links are there.
    private func networkReports() -> [String: NetworkReport] {
        var reports: [String: NetworkReport] = [:]
        for network in networks {
            guard let link = state.links[network.carrier] else { continue }
            var report = NetworkReport(
                iface: network.carrier,
                bridged: network.bridged,
                southbound: network.device,
                ports: network.bridged ? ports[network.name] ?? [] : [],
                address: address(link)
            )
            report.vlanid = network.vlan
            report.hostQos = network.hostQoS?.attribute
            if case .bridge(let bridge) = link.kind { report.stp = bridge.stp ? "on" : "off" }
            if !network.bridged { report.interface = network.carrier }
            reports[network.name] = report
        }
        return reports
    }
}

extension BridgeOptions {
    /// The options that engines look at, by sysfs's names.
    fileprivate var report: [String: String] {
        var report = Self.usual
        // Few differ from a new one.
        for name in ["forward_delay"] + values.keys { report[name] = self[name].map { BridgeOption.text(name, $0) } }
        return report
    }

    /// Those of a new bridge.
    private static let usual: [String: String] = {
        let names = [
            "hello_time", "max_age", "ageing_time", "priority", "multicast_snooping", "multicast_router",
            "group_fwd_mask", "vlan_filtering",
        ]
        let new = BridgeOptions()
        let texts = names.compactMap { name in new[name].map { (name, BridgeOption.text(name, $0)) } }
        return Dictionary(uniqueKeysWithValues: texts)
    }()
}
