// The address part of a wanted network (ovirt.md 6.3: code 22 but for the nameservers of a network without the default
// route and for netmask beside prefix, which are 21).

extension WantedNetwork {
    mutating func readAddressing(_ attributes: NetworkAttributes) throws(NetworkRefusal) {
        defaultRoute = try Self.flag("defaultRoute", name, attributes) ?? false
        addressing = try Self.addressing(name, attributes)
        addressing6 = try Self.addressing6(name, attributes)
        nameservers = try Self.nameservers(name, attributes, defaultRoute: defaultRoute)
    }

    private static func addressing(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Addressing
    {
        func refuse(_ key: String, _ sentence: String) -> NetworkRefusal {
            NetworkRefusal(.badAddress, NetworkRefusal.network(name, key), sentence)
        }
        let dhcp = try isDHCP(name, attributes)
        guard let address = attributes["ipaddr"] else {
            for key in ["netmask", "prefix", "gateway"] where attributes[key] != nil {
                throw refuse(key, "A \(key) needs an ipaddr")
            }
            return dhcp ? .dhcp : .none
        }
        guard !dhcp else { throw refuse("ipaddr", "A network has an ipaddr or bootproto dhcp, not both") }
        guard let parsed = address.text.flatMap({ IPv4Address($0) }) else {
            throw refuse("ipaddr", "ipaddr is not an IPv4 address")
        }
        let network = try network(name, parsed, attributes)
        guard let gateway = attributes["gateway"] else { return .fixed(network, gateway: nil) }
        guard let hop = gateway.text.flatMap({ IPv4Address($0) }) else {
            throw refuse("gateway", "gateway is not an IPv4 address")
        }
        guard network.contains(hop), hop != network.address else {
            throw refuse("gateway", "The gateway must be another address in \(network)")
        }
        return .fixed(network, gateway: hop)
    }

    private static func isDHCP(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Bool {
        switch attributes["bootproto"]?.text {
        case nil where attributes["bootproto"] == nil: return false
        case "none", "static": return false
        case "dhcp": return true
        default:
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "bootproto"),
                "bootproto must be dhcp or none"
            )
        }
    }

    private static func network(
        _ name: String,
        _ address: IPv4Address,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> IPv4Network {
        let (netmask, prefix) = (attributes["netmask"], attributes["prefix"])
        guard netmask == nil || prefix == nil else {
            throw NetworkRefusal(
                .badParameters,
                NetworkRefusal.network(name, "prefix"),
                "A network has a netmask or a prefix, not both"
            )
        }
        if let mask = netmask?.text.flatMap({ IPv4Address($0) }), let network = IPv4Network(address, netmask: mask) {
            return network
        }
        if let length = prefix?.integer, let network = IPv4Network(address, prefixLength: length) { return network }
        throw NetworkRefusal(
            .badAddress,
            NetworkRefusal.network(name, prefix == nil ? "netmask" : "prefix"),
            "An ipaddr needs a netmask like 255.255.255.0 or a prefix like 24"
        )
    }

    private static func addressing6(
        _ name: String,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> Addressing6 {
        func refuse(_ key: String, _ sentence: String) -> NetworkRefusal {
            NetworkRefusal(.badAddress, NetworkRefusal.network(name, key), sentence)
        }
        var result = Addressing6(
            autoconf: try flag("ipv6autoconf", name, attributes) ?? false,
            dhcp: try flag("dhcpv6", name, attributes) ?? false
        )
        if let value = attributes["ipv6addr"] {
            guard !result.autoconf, !result.dhcp else {
                throw refuse("ipv6addr", "A network has an ipv6addr, or ipv6autoconf and dhcpv6, not both")
            }
            guard let network = value.text.flatMap({ IPv6Network($0) }), network.prefixLength > 0,
                !network.address.isMulticast, !network.address.isLinkLocal, network.address != .any
            else { throw refuse("ipv6addr", "ipv6addr is not an address with its prefix length, as in 2001:db8::1/64") }
            result.address = network
        }
        guard let value = attributes["ipv6gateway"], value != "::" else { return result }
        guard let gateway = value.text.flatMap({ IPv6Address($0) }), !gateway.isMulticast else {
            throw refuse("ipv6gateway", "ipv6gateway is not an IPv6 address")
        }
        guard let network = result.address else { throw refuse("ipv6gateway", "An ipv6gateway needs an ipv6addr") }
        guard gateway.isLinkLocal || network.contains(gateway) && gateway != network.address else {
            throw refuse("ipv6gateway", "The ipv6gateway must be another address in \(network)")
        }
        result.gateway = gateway
        return result
    }

    private static func nameservers(
        _ name: String,
        _ attributes: NetworkAttributes,
        defaultRoute: Bool
    ) throws(NetworkRefusal) -> [String] {
        guard let value = attributes["nameservers"] else { return [] }
        let field = NetworkRefusal.network(name, "nameservers")
        guard let list = value.list else { throw NetworkRefusal(.badParameters, field, "nameservers is a list") }
        guard list.isEmpty || defaultRoute else {
            throw NetworkRefusal(.badParameters, field, "Only the network with the default route has nameservers")
        }
        var servers: [String] = []
        for entry in list {
            guard let text = entry.text, let server = server(text) else {
                throw NetworkRefusal(.badAddress, field, "A nameserver is not an address")
            }
            servers.append(server)
        }
        return servers
    }

    /// An address, of IPv6 with a zone after `%` that nobody judges, as with VDSM.
    private static func server(_ text: String) -> String? {
        if let address = IPv4Address(text) { return address.description }
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPv6Address($0) }) else { return nil }
        guard parts.count == 2 else { return address.description }
        return LinkName(parts[1]).map { "\(address)%\($0)" }
    }
}
