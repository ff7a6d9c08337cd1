/// `vlan=<name>:<interface>`: an 802.1Q interface. Its number is in its name: `vlan5`, `vlan0005`, `eth0.5`, `eth0.0005`.
package struct VLANArgument: Hashable, Sendable {
    package var name: LinkName
    package var link: LinkName
    /// 1 to 4094.
    package var id: Int

    package init(name: LinkName, link: LinkName, id: Int) { (self.name, self.link, self.id) = (name, link, id) }

    package init(parsing value: String) throws(KernelArgumentError) {
        let fields = try ArgumentFields(name: "vlan", value: value)
        guard fields.count == 2, let name = try fields.link(0), let link = try fields.link(1) else {
            throw fields.error("expected NAME:INTERFACE")
        }
        let text = name.rawValue
        let digits = text.hasPrefix("vlan") ? text.dropFirst(4) : text.split(separator: ".").last ?? ""
        guard text.hasPrefix("vlan") || text.contains("."), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let id = Int(digits), (1...4094).contains(id)
        else { throw fields.error("\(fields.quoted(0)) does not end in a VLAN number of 1 to 4094") }
        self.init(name: name, link: link, id: id)
    }
}

/// `bond=<name>[:<interfaces>[:<options>[:<mtu>]]]`. Without anything: `bond0` over `eth0,eth1` with balance-rr.
package struct BondArgument: Hashable, Sendable {
    /// One option of the bonding driver, `mode=802.3ad`; passed on to the kernel, which judges it.
    package struct Option: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }

    package var name: LinkName
    package var links: [LinkName]
    package var options: [Option]
    package var mtu: Int?

    /// The most interfaces in one bond.
    package static let linksMax = 16

    package init(name: LinkName, links: [LinkName], options: [Option] = [], mtu: Int? = nil) {
        (self.name, self.links, self.options, self.mtu) = (name, links, options, mtu)
    }

    package init(parsing value: String) throws(KernelArgumentError) {
        let fields = try ArgumentFields(name: "bond", value: value)
        guard let name = LinkName(fields[0].isEmpty ? "bond0" : fields[0]) else {
            throw fields.error("\(fields.quoted(0)) is no interface name")
        }
        let names = (fields[1].isEmpty ? "eth0,eth1" : fields[1]).split(separator: ",")
        var links: [LinkName] = []
        for text in names {
            guard let link = LinkName(text), link != name, !links.contains(link) else {
                throw fields.error("\"\(terminalEscaped(text))\" cannot be a port of the bond")
            }
            links.append(link)
        }
        guard (1...Self.linksMax).contains(links.count) else {
            throw fields.error("a bond has 1 to \(Self.linksMax) interfaces")
        }
        self.init(name: name, links: links, options: try Self.options(fields), mtu: try fields.mtu(3))
    }

    /// Names and values are single words of a safe alphabet, so that they can be file names under sysfs.
    private static func options(_ fields: ArgumentFields) throws(KernelArgumentError) -> [Option] {
        var options: [Option] = []
        for text in fields[2].split(separator: ",") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let isName = parts[0].utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
            let isValue = parts.last?.utf8.allSatisfy { (33...126).contains($0) && $0 != 47 } ?? false
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, isName, isValue else {
                throw fields.error("\"\(terminalEscaped(text))\" is no bonding option; expected NAME=VALUE")
            }
            options.append(Option(name: String(parts[0]), value: String(parts[1])))
        }
        return options
    }
}

/// `rd.route=<network>/<netmask or prefix>:<gateway>[:<interface>]`.
package struct RouteArgument: Hashable, Sendable {
    package var destination: IPv4Network
    package var gateway: IPv4Address
    package var link: LinkName?

    package init(destination: IPv4Network, gateway: IPv4Address, link: LinkName? = nil) {
        (self.destination, self.gateway, self.link) = (destination, gateway, link)
    }

    package init(parsing value: String) throws(KernelArgumentError) {
        let fields = try ArgumentFields(name: "rd.route", value: value)
        let parts = fields[0].split(separator: "/", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count), parts.count == 2, let address = IPv4Address(parts[0]),
            let network = Self.network(address, mask: parts[1])
        else { throw fields.error("expected NETWORK/PREFIX:GATEWAY[:INTERFACE]") }
        self.init(destination: network, gateway: try fields.address(1), link: try fields.link(2))
    }

    private static func network(_ address: IPv4Address, mask: Substring) -> IPv4Network? {
        if let length = Int(mask) { return IPv4Network(address, prefixLength: length) }
        return IPv4Address(mask).flatMap { IPv4Network(address, netmask: $0) }
    }
}
