import AgentWire
import HostModel

/// One attribute of a network on a host, wanted and found.
package struct NetworkAttribute: Hashable, Sendable {
    /// oVirt's name (ReportedConfigurationType), or `default_route`.
    package var name: String
    package var expected: String
    package var actual: String

    package var isInSync: Bool { expected == actual }

    init(_ name: String, expected: String?, actual: String?) {
        (self.name, self.expected, self.actual) = (name, expected ?? Self.none, actual ?? Self.none)
    }

    static let none = "none"
}

/// A network as it was ordered, held against what the host reports of it. What oVirt compares, by its names.
struct NetworkComparison {
    let wanted: WantedNetwork
    let report: NetworkReport
    let host: HostCapabilities

    private var address: AddressReport { report.address }

    /// Whether there is a bridge, the tag, and the MTU.
    static func link(bridged: Bool, vlan: Int?, mtu: Int, in report: NetworkReport) -> [NetworkAttribute] {
        [
            NetworkAttribute("bridged", expected: "\(bridged)", actual: "\(report.bridged)"),
            NetworkAttribute("vlan", expected: vlan.map { "\($0)" }, actual: report.vlanid.map { "\($0)" }),
            NetworkAttribute("mtu", expected: "\(mtu)", actual: report.address.mtu),
        ]
    }

    /// Everything that the host reports.
    var all: [NetworkAttribute] {
        var attributes = Self.link(bridged: wanted.bridged, vlan: wanted.vlan, mtu: wanted.mtu, in: report)
        attributes.append(
            NetworkAttribute("host_nic", expected: wanted.southbound?.link, actual: report.device(on: host))
        )
        // A nic itself has the largest MTU of all that stands on it.
        if !wanted.bridged, wanted.vlan == nil, let mtu = Int(address.mtu), mtu > wanted.mtu {
            attributes.removeAll { $0.name == "mtu" }
        }
        if wanted.bridged {
            let isOn = wanted.bridgeOptions["stp_state"].map { $0 != 0 } ?? wanted.stp
            attributes.append(NetworkAttribute("stp", expected: isOn ? "on" : "off", actual: report.stp ?? "off"))
        }
        let (share, found) = (wanted.hostQoS, Self.share(report))
        attributes.append(
            NetworkAttribute("hostQos", expected: share.map { "\($0)" }, actual: found.map { "\($0)" })
        )
        return attributes + addressing
    }

    /// The addresses: a lease that is on its way is as good as one that is there.
    var addressing: [NetworkAttribute] {
        let isAwaited = wanted.addressing == .dhcp && address.dhcpv4 && address.addr.isEmpty
        return addressing4 + (isAwaited ? [] : [defaultRoute]) + addressing6
    }

    private var addressing4: [NetworkAttribute] {
        let (protocolName, fixed, gateway): (String, IPv4Network?, IPv4Address?) =
            switch wanted.addressing {
            case .none: (NetworkAttribute.none, nil, nil)
            case .dhcp: ("dhcp", nil, nil)
            case .fixed(let address, let gateway): ("static", address, gateway)
            }
        let found = address.dhcpv4 ? "dhcp" : address.addr.isEmpty ? NetworkAttribute.none : "static"
        var attributes = [NetworkAttribute("ipv4_boot_protocol", expected: protocolName, actual: found)]
        guard let fixed else { return attributes }
        // One beside others of somebody else counts all the same.
        let isThere = address.ipv4addrs.contains(fixed.description)
        attributes += [
            NetworkAttribute(
                "ipv4_address",
                expected: fixed.address.description,
                actual: isThere ? fixed.address.description : Self.text(address.addr)
            ),
            NetworkAttribute(
                "ipv4_netmask",
                expected: fixed.netmask.description,
                actual: isThere ? fixed.netmask.description : Self.text(address.netmask)
            ),
            NetworkAttribute("ipv4_gateway", expected: gateway?.description, actual: Self.text(address.gateway)),
        ]
        return attributes
    }

    private var defaultRoute: NetworkAttribute {
        let hasWay =
            switch wanted.addressing {
            case .dhcp: true
            case .fixed(_, let gateway): gateway != nil
            case .none: false
            }
        return NetworkAttribute(
            "default_route",
            expected: "\(wanted.defaultRoute && hasWay)",
            actual: "\(address.ipv4defaultroute)"
        )
    }

    private var addressing6: [NetworkAttribute] {
        let six = wanted.addressing6
        // Those that the link itself makes are no configuration.
        let found = address.ipv6addrs.filter { !$0.lowercased().hasPrefix("fe80:") }
        var attributes = [
            NetworkAttribute(
                "ipv6_boot_protocol",
                expected: Self.protocol6(dhcp: six.dhcp, autoconf: six.autoconf, isFixed: six.address != nil),
                actual: Self.protocol6(dhcp: address.dhcpv6, autoconf: address.ipv6autoconf, isFixed: !found.isEmpty)
            )
        ]
        guard let fixed = six.address else { return attributes }
        let actual = found.contains(fixed.description) ? fixed : found.lazy.compactMap { IPv6Network($0) }.first
        attributes += [
            NetworkAttribute(
                "ipv6_address",
                expected: fixed.address.description,
                actual: actual?.address.description
            ),
            NetworkAttribute(
                "ipv6_prefix",
                expected: "\(fixed.prefixLength)",
                actual: actual.map { "\($0.prefixLength)" }
            ),
        ]
        // The host has a way out by IPv6 only where its default route is.
        if wanted.defaultRoute {
            let gateway = address.ipv6gateway == "::" ? nil : address.ipv6gateway
            attributes.append(
                NetworkAttribute("ipv6_gateway", expected: six.gateway?.description, actual: gateway)
            )
        }
        return attributes
    }

    /// oVirt's assignments of IPv4 and IPv6.
    static func assignments(_ address: AddressReport) -> [WantedAttachmentResource.Assignment] {
        let method = address.dhcpv4 ? "dhcp" : address.addr.isEmpty ? NetworkAttribute.none : "static"
        let six = address.ipv6addrs.lazy.compactMap { IPv6Network($0) }.first { !$0.address.isLinkLocal }
        let method6 = protocol6(dhcp: address.dhcpv6, autoconf: address.ipv6autoconf, isFixed: six != nil)
        return [
            .init(method, .init(address.addr, netmask: address.netmask, gateway: address.gateway, version: "v4")),
            .init(
                method6,
                .init(
                    six?.address.description,
                    netmask: six.map { "\($0.prefixLength)" },
                    gateway: address.ipv6gateway == "::" ? nil : address.ipv6gateway,
                    version: "v6"
                )
            ),
        ]
    }

    private static func protocol6(dhcp: Bool, autoconf: Bool, isFixed: Bool) -> String {
        switch (dhcp, autoconf) {
        case (true, true): "poly_dhcp_autoconf"
        case (true, false): "dhcp"
        case (false, true): "autoconf"
        case (false, false): isFixed ? "static" : NetworkAttribute.none
        }
    }

    private static func text(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// The share in the report, which is as it was in a request.
    private static func share(_ report: NetworkReport) -> TrafficShare? {
        guard let value = report.hostQos.flatMap(AttributeValue.init) else { return nil }
        return (try? WantedNetwork(name: "q", attributes: NetworkAttributes(["nic": "q", "hostQos": value])))?.hostQoS
    }
}

extension NetworkReport {
    /// The nic or bond below; `nil` for a bridge without ports.
    func device(on host: HostCapabilities) -> String? { southbound.map { host.vlans[$0]?.iface ?? $0 } }
}

extension SetupNetworksParameters {
    /// Whether the host carries what is asked for, and no longer what is to go. What its report does not show (custom
    /// properties, resolvers) is taken as done with the rest.
    func stands(on host: HostCapabilities) -> Bool { deviation(on: host) == nil }

    /// What the host reports otherwise than it was ordered: the first such thing, in words; `nil` when all is as ordered.
    func deviation(on host: HostCapabilities) -> String? {
        for (name, attributes) in networks.sorted(by: { $0.key < $1.key }) {
            if let found = Self.deviation(of: name, attributes, on: host) { return terminalEscaped(found) }
        }
        for (name, attributes) in bondings.sorted(by: { $0.key < $1.key }) {
            if let found = Self.deviation(ofBond: name, attributes, on: host) { return terminalEscaped(found) }
        }
        return nil
    }

    private static func deviation(
        of name: String,
        _ attributes: NetworkAttributes,
        on host: HostCapabilities
    ) -> String? {
        let report = host.networks[name]
        guard attributes["remove"]?.boolean != true else { return report == nil ? nil : "\(name) is still there" }
        guard let report else { return "\(name) is not there" }
        guard let wanted = try? WantedNetwork(name: name, attributes: attributes) else { return "\(name) cannot be" }
        let found = NetworkComparison(wanted: wanted, report: report, host: host).all.first { !$0.isInSync }
        return found.map { "\($0.name) of \(name) is \($0.actual), not \($0.expected)" }
    }

    private static func deviation(
        ofBond name: String,
        _ attributes: NetworkAttributes,
        on host: HostCapabilities
    ) -> String? {
        let report = host.bondings[name]
        guard attributes["remove"]?.boolean != true else { return report == nil ? nil : "\(name) is still there" }
        guard let report else { return "\(name) is not there" }
        guard let wanted = try? WantedBond(name: name, attributes: attributes) else { return "\(name) cannot be" }
        let (slaves, options) = (report.slaves.sorted(), wanted.options.report)
        guard slaves == wanted.nics else {
            return "\(name) has \(slaves.joined(separator: ", ")), not \(wanted.nics.joined(separator: ", "))"
        }
        let differing = Set(report.opts.keys).union(options.keys).sorted().first { report.opts[$0] != options[$0] }
        return differing.map {
            "\($0) of \(name) is \(report.opts[$0] ?? "standard"), not \(options[$0] ?? "standard")"
        }
    }
}
