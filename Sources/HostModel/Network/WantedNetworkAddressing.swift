// The address part of a wanted network (ovirt.md 6.3: code 22 but for the nameservers of a network without the default
// route and for netmask beside prefix, which are 21).

extension WantedNetwork {
    static func addressing(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Addressing {
        try refuseIPv6(name, attributes)
        let dhcp = try isDHCP(name, attributes)
        guard let address = attributes["ipaddr"] else {
            for key in ["netmask", "prefix", "gateway"] where attributes[key] != nil {
                throw NetworkRefusal(.badAddress, "Network \(name) has a \(key) but no ipaddr")
            }
            return dhcp ? .dhcp : .none
        }
        guard !dhcp else {
            throw NetworkRefusal(
                .badAddress,
                "Network \(name) has an ipaddr and bootproto dhcp; it can have one of them"
            )
        }
        guard let parsed = address.text.flatMap({ IPv4Address($0) }) else {
            throw NetworkRefusal(.badAddress, "The ipaddr of \(name) is not an IPv4 address")
        }
        let network = try network(name, parsed, attributes)
        guard let gateway = attributes["gateway"] else { return .fixed(network, gateway: nil) }
        guard let hop = gateway.text.flatMap({ IPv4Address($0) }) else {
            throw NetworkRefusal(.badAddress, "The gateway of \(name) is not an IPv4 address")
        }
        guard network.contains(hop), hop != network.address else {
            throw NetworkRefusal(.badAddress, "The gateway of \(name) must be another address in \(network)")
        }
        return .fixed(network, gateway: hop)
    }

    private static func isDHCP(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) -> Bool {
        switch attributes["bootproto"]?.text {
        case nil where attributes["bootproto"] == nil: return false
        case "none", "static": return false
        case "dhcp": return true
        default: throw NetworkRefusal(.badParameters, "The bootproto of \(name) must be dhcp or none")
        }
    }

    private static func network(
        _ name: String,
        _ address: IPv4Address,
        _ attributes: NetworkAttributes
    ) throws(NetworkRefusal) -> IPv4Network {
        let (netmask, prefix) = (attributes["netmask"], attributes["prefix"])
        guard netmask == nil || prefix == nil else {
            throw NetworkRefusal(.badParameters, "Network \(name) has a netmask and a prefix; it can have one of them")
        }
        if let mask = netmask?.text.flatMap({ IPv4Address($0) }), let network = IPv4Network(address, netmask: mask) {
            return network
        }
        if let length = prefix?.integer, let network = IPv4Network(address, prefixLength: length) { return network }
        throw NetworkRefusal(
            .badAddress,
            "The ipaddr of \(name) needs a netmask like 255.255.255.0 or a prefix like 24"
        )
    }

    private static func refuseIPv6(_ name: String, _ attributes: NetworkAttributes) throws(NetworkRefusal) {
        let isAsked =
            attributes["ipv6addr"] != nil || attributes["ipv6autoconf"]?.boolean == true
            || attributes["dhcpv6"]?.boolean == true || (attributes["ipv6gateway"].map { $0 != "::" } ?? false)
        guard !isAsked else {
            throw NetworkRefusal(.badAddress, "Network \(name) asks for IPv6, which this agent can not set up yet")
        }
    }

    static func nameservers(
        _ name: String,
        _ attributes: NetworkAttributes,
        defaultRoute: Bool
    ) throws(NetworkRefusal) -> [String] {
        guard let value = attributes["nameservers"] else { return [] }
        guard let list = value.list else {
            throw NetworkRefusal(.badParameters, "The nameservers of \(name) must be a list")
        }
        guard list.isEmpty || defaultRoute else {
            throw NetworkRefusal(.badParameters, "Network \(name) has nameservers but not the default route")
        }
        var servers: [String] = []
        for entry in list {
            guard let text = entry.text, isAddress(text) else {
                throw NetworkRefusal(.badAddress, "A nameserver of \(name) is not an address")
            }
            servers.append(text)
        }
        return servers
    }

    /// An IPv4 address, or what can only be an IPv6 address (a zone after `%` is let through, as VDSM does).
    private static func isAddress(_ text: String) -> Bool {
        if IPv4Address(text) != nil { return true }
        let address = text.prefix { $0 != "%" }
        return address.contains(":") && address.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
            && text.utf8.count <= 64 && text.allSatisfy { $0.isASCII && !$0.isWhitespace }
    }
}
