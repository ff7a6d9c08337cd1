import AgentWire
import HostModel

/// A network on its way to a host, in VDSM's attributes: begun with what stands there or was ordered before, then changed
/// word by word. What nobody speaks of stays as it is.
struct AttachedNetwork {
    let network: NetworkRecord
    let host: HostCapabilities
    private(set) var values: [String: AttributeValue]

    private static let addressing4 = ["bootproto", "ipaddr", "netmask", "prefix", "gateway"]
    private static let addressing6 = ["ipv6addr", "ipv6gateway", "ipv6autoconf", "dhcpv6"]
    /// What an order of before gives beside addresses; the rest is the data center's.
    private static let others = ["defaultRoute", "nameservers", "hostQos", "custom"]

    /// `ordered`: how the engine ordered it last; without that, what the host reports is kept.
    init(_ network: NetworkRecord, ordered: NetworkAttributes?, on host: HostCapabilities) {
        (self.network, self.host) = (network, host)
        let report = host.networks[network.name]
        values = [
            "bridged": network.isVM ? "true" : "false", "switch": "legacy",
            "mtu": .text(String(network.mtu == 0 ? WantedNetwork.mtuDefault : network.mtu)),
        ]
        if network.isVM { values["STP"] = ordered?["STP"] ?? (report?.stp == "on" ? "yes" : "no") }
        if let vlan = network.vlan { values["vlan"] = .text(String(vlan)) }
        if let ordered {
            for key in Self.addressing4 + Self.addressing6 + Self.others { values[key] = ordered[key] }
        } else if let report {
            take(report)
        }
        if values["ipaddr"] == nil, values["bootproto"] == nil { values["bootproto"] = "none" }
        // Which nic it is the host knows better: cards change their names.
        if let report {
            stand(on: report.device(on: host) ?? "")
        } else {
            for key in ["nic", "bonding"] { values[key] = ordered?[key] }
        }
    }

    private mutating func take(_ report: NetworkReport) {
        let address = report.address
        values["hostQos"] = report.hostQos.flatMap(AttributeValue.init)
        if address.ipv4defaultroute { values["defaultRoute"] = "true" }
        if address.dhcpv4 {
            values["bootproto"] = "dhcp"
        } else if !address.addr.isEmpty, !address.netmask.isEmpty {
            (values["ipaddr"], values["netmask"]) = (.text(address.addr), .text(address.netmask))
            if !address.gateway.isEmpty { values["gateway"] = .text(address.gateway) }
        }
        if address.dhcpv6 { values["dhcpv6"] = "true" }
        if address.ipv6autoconf { values["ipv6autoconf"] = "true" }
        let fixed = address.ipv6addrs.first { !$0.lowercased().hasPrefix("fe80:") }
        guard let fixed, !address.dhcpv6, !address.ipv6autoconf else { return }
        values["ipv6addr"] = .text(fixed)
        if address.ipv6gateway != "::" { values["ipv6gateway"] = .text(address.ipv6gateway) }
    }

    /// On a nic or bond of the host; on none with an empty name.
    mutating func stand(on device: String, isBond: Bool? = nil) {
        (values["nic"], values["bonding"]) = (nil, nil)
        guard !device.isEmpty else { return }
        values[isBond ?? (host.bondings[device] != nil) ? "bonding" : "nic"] = .text(device)
    }

    /// The gateway stays where the address is still in its subnet.
    mutating func setAddress(_ address: IPv4Network?, isDHCP: Bool = false) {
        let gateway = values["gateway"]?.text.flatMap { IPv4Address($0) }
        for key in Self.addressing4 { values[key] = nil }
        guard let address else {
            values["bootproto"] = isDHCP ? "dhcp" : "none"
            return
        }
        (values["ipaddr"], values["netmask"]) =
            (.text(address.address.description), .text(address.netmask.description))
        if let gateway, address.contains(gateway), gateway != address.address {
            values["gateway"] = .text(gateway.description)
        }
    }

    /// Empty for none.
    mutating func setGateway(_ gateway: String) { values["gateway"] = gateway.isEmpty ? nil : .text(gateway) }

    mutating func setAddress6(_ address: IPv6Network?, gateway: String?, isDHCP: Bool, isAutomatic: Bool) {
        for key in Self.addressing6 { values[key] = nil }
        if isDHCP { values["dhcpv6"] = "true" }
        if isAutomatic { values["ipv6autoconf"] = "true" }
        guard let address else { return }
        values["ipv6addr"] = .text(address.description)
        if let gateway, !gateway.isEmpty { values["ipv6gateway"] = .text(gateway) }
    }

    /// Resolvers go with it.
    mutating func setDefaultRoute(_ isDefault: Bool) {
        values["defaultRoute"] = isDefault ? "true" : nil
        if !isDefault { values["nameservers"] = nil }
    }

    mutating func setNameservers(_ servers: [String]) {
        values["nameservers"] = servers.isEmpty ? nil : .list(servers.map(AttributeValue.text))
    }

    mutating func setCustom(_ properties: [String: String]) {
        values["custom"] = properties.isEmpty ? nil : .map(properties.mapValues(AttributeValue.text))
    }

    var attributes: NetworkAttributes { NetworkAttributes(values) }
}

extension NetworkAttachmentOrder {
    /// VDSM's attributes of a network on this host: what the order leaves out stays as it stands there.
    func attributes(
        of network: NetworkRecord,
        ordered: NetworkAttributes?,
        on host: HostCapabilities
    ) throws(EngineError) -> NetworkAttributes {
        var attached = AttachedNetwork(network, ordered: ordered, on: host)
        if let host_nic { attached.stand(on: host_nic) }
        switch address {
        case nil: break
        case "none": attached.setAddress(nil)
        case "dhcp": attached.setAddress(nil, isDHCP: true)
        case let text?:
            guard let address = IPv4Network(text) else {
                throw EngineError(
                    .invalid,
                    "\(terminalEscaped(text.prefix(64))) is no address.",
                    remedy: "Give dhcp, none, or one like 192.0.2.5/24."
                )
            }
            attached.setAddress(address)
        }
        if let gateway { attached.setGateway(gateway == "none" ? "" : gateway) }
        if let default_route { attached.setDefaultRoute(default_route) }
        return attached.attributes
    }
}
