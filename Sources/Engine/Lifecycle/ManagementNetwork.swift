import AgentWire
import HostModel

/// What must be done so that a host's management address sits on `ovirtmgmt` (ovirt.md 2.6, end). Pure.
enum ManagementNetworkPlan: Hashable, Sendable {
    case alreadyThere
    /// The agent is at it, for this engine or for one that was killed: look again later. Should it never end, this is
    /// the failure; `nil`: the network is there, only not kept for the next start yet.
    case underWay(InstallFailure?)
    case setUp(SetupNetworksParameters, over: String)

    /// Reads the plan off the capabilities: the interface over which the engine reached the agent becomes the network's
    /// port, and its address configuration moves onto the bridge.
    init(
        for network: NetworkRecord,
        on host: HostCapabilities,
        connectivityTimeout seconds: Int
    ) throws(InstallFailure) {
        let interface = host.lastClientIface
        if let present = host.networks[network.name] {
            guard present.iface == interface || host.lastClientIface.isEmpty else {
                throw InstallFailure(
                    .managementNetwork,
                    "\(network.name) is there, but the engine reaches the host over \(terminalEscaped(interface)).",
                    remedy: "Remove \(network.name) from the host, or let the engine reach it there.",
                    code: .managementNetworkFailed
                )
            }
            self = host.netConfigDirty == "True" ? .underWay(nil) : .alreadyThere
            return
        }
        if host.bridges[network.name] != nil {
            // Between the bridge and its owner's record, or until a killed agent has taken the bridge back.
            self = .underWay(
                InstallFailure(
                    .managementNetwork,
                    "\(network.name) is there as a bridge that no network of ours owns.",
                    remedy: "Take that bridge apart, so that the engine reaches the host over a NIC, a bond or a VLAN.",
                    code: .managementNetworkFailed
                )
            )
            return
        }
        let base = try SouthBound(interface, on: host, for: network)
        var values = try Self.address(of: base, named: interface)
        values[base.isBond ? "bonding" : "nic"] = .text(base.device)
        if let tag = network.vlan, tag > 0 { values["vlan"] = .text(String(tag)) }
        values["bridged"] = .text(network.isVM ? "true" : "false")
        if network.isVM { values["STP"] = .text("no") }
        values["mtu"] = .text(String(network.mtu == 0 ? 1500 : network.mtu))
        values["defaultRoute"] = .text("true")
        values["switch"] = .text("legacy")
        var options = SetupNetworksParameters.Options()
        (options.connectivityCheck, options.commitOnSuccess) = (true, true)
        options.connectivityTimeout = seconds
        self = .setUp(
            SetupNetworksParameters(networks: [network.name: NetworkAttributes(values)], options: options),
            over: base.device
        )
    }

    private static func address(
        of base: SouthBound,
        named interface: String
    ) throws(InstallFailure) -> [String: AttributeValue] {
        let report = base.address
        if report.dhcpv4 { return ["bootproto": .text("dhcp")] }
        guard !report.addr.isEmpty, !report.netmask.isEmpty else {
            throw InstallFailure(
                .managementNetwork,
                "The interface \(terminalEscaped(interface)) has no IPv4 address that could move onto the bridge.",
                remedy: "Give it one by DHCP or by ip=.",
                code: .managementNetworkFailed
            )
        }
        var values: [String: AttributeValue] = [
            "bootproto": .text("none"), "ipaddr": .text(report.addr), "netmask": .text(report.netmask),
        ]
        if !report.gateway.isEmpty { values["gateway"] = .text(report.gateway) }
        return values
    }
}

/// The NIC or bond below the interface over which the engine reached the agent.
private struct SouthBound {
    var device: String
    var isBond: Bool
    /// The address configuration of the interface itself, which may be a VLAN on the device.
    var address: AddressReport

    init(_ interface: String, on host: HostCapabilities, for network: NetworkRecord) throws(InstallFailure) {
        let shown = terminalEscaped(interface)
        func failure(_ reason: String, _ remedy: String, _ code: EventCode? = .managementNetworkFailed)
            -> InstallFailure
        {
            InstallFailure(.managementNetwork, reason, remedy: remedy, code: code)
        }
        guard !interface.isEmpty else {
            throw failure("The agent does not know over which interface the engine reaches it.", "Look at its log.")
        }
        let vlan = host.vlans[interface]
        let (wanted, found) = (network.vlan ?? 0, vlan?.vlanid ?? 0)
        device = vlan?.iface ?? interface
        guard host.nics[device] != nil || host.bondings[device] != nil else {
            let what = host.bridges[interface] == nil ? "unknown" : "a bridge that is not ours"
            throw failure(
                "The engine reaches the host over \(shown), which is \(what).",
                "Take that interface apart, so that the engine reaches the host over a NIC, a bond or a VLAN."
            )
        }
        guard wanted == found else {
            throw failure(
                "\(network.name) has VLAN \(wanted), the interface \(shown) has VLAN \(found) (0: none).",
                "Give the network or the interface the other's VLAN.",
                .managementVLANDiffers
            )
        }
        if let bond = host.bondings[device], bond.slaves.count < 2 {
            throw failure(
                "The bond \(terminalEscaped(device)) has fewer than two slaves.",
                "Add one, or use the NIC itself.",
                .managementBondInvalid
            )
        }
        isBond = host.bondings[device] != nil
        let own = vlan?.address ?? host.bondings[device]?.address ?? host.nics[device]?.address
        address = own ?? AddressReport()
    }
}
