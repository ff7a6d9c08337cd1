/// One change of the host's network: what a plan is made of, in the order it is done. Plans are printed and journalled.
package enum NetworkStep: Hashable, Sendable, Codable {
    case createBridge(name: String, mac: MACAddress?, mtu: Int, options: BridgeOptions)
    case createVLAN(name: String, base: String, id: Int, mtu: Int)
    case createBond(name: String, mac: MACAddress?, mtu: Int, options: BondOptions)
    case deleteLink(name: String)
    case setBridgeOptions(name: String, from: BridgeOptions, to: BridgeOptions)
    /// The bond is down for it, and empty, where the driver asks for that.
    case setBondOptions(name: String, from: BondOptions, to: BondOptions)
    case setMAC(link: String, MACAddress)
    /// On a bond: of its slaves too.
    case setMTU(link: String, mtu: Int)
    case setUp(link: String, isUp: Bool)
    /// `nil` takes the link out of its bridge or bond. A link enters a bond while it is down, and is up then.
    case setMaster(link: String, master: String?)
    case setIPv6(link: String, IPv6Settings)
    /// Which network may send how much, by `TrafficClass`; `nil`: as the kernel does it by itself.
    case setShaping(link: String, from: [Int: TrafficShare]?, to: [Int: TrafficShare]?)
    /// One that is there already stays.
    case addAddress(link: String, address: IPNetwork)
    case removeAddress(link: String, address: IPNetwork)
    /// Replaces a route with the same destination, table and metric in one go, so that there is no moment without.
    case addRoute(RouteState)
    case removeRoute(RouteState)
    case addRule(RuleState)
    case removeRule(RuleState)
    case startDHCP(link: String)
    /// Without releasing the lease: the address may move to another link.
    case stopDHCP(link: String)
    case startDHCP6(link: String)
    /// Without releasing the lease; its address goes.
    case stopDHCP6(link: String)
    case setNameservers([String])

    /// The link that the step is about.
    package var link: String? {
        switch self {
        case .createBridge(let name, _, _, _), .createVLAN(let name, _, _, _), .createBond(let name, _, _, _),
            .deleteLink(let name), .setBridgeOptions(let name, _, _), .setBondOptions(let name, _, _):
            name
        case .setMTU(let link, _), .setUp(let link, _), .setMaster(let link, _), .setIPv6(let link, _),
            .addAddress(let link, _), .removeAddress(let link, _), .startDHCP(let link), .stopDHCP(let link),
            .startDHCP6(let link), .stopDHCP6(let link), .setMAC(let link, _), .setShaping(let link, _, _):
            link
        case .addRoute(let route), .removeRoute(let route): route.link
        case .addRule, .removeRule, .setNameservers: nil
        }
    }

    package var isAboutIPv6: Bool { if case .setIPv6 = self { true } else { false } }

    /// Whether it is about addresses and routes, which are the client's business on a link with a DHCP client.
    var isAddressing: Bool {
        switch self {
        case .addAddress, .removeAddress, .addRoute, .removeRoute: true
        default: false
        }
    }
}

extension NetworkStep: CustomStringConvertible {
    /// One line for a person, close to what iproute2 would take.
    package var description: String {
        switch self {
        case .createBridge(let name, let mac, let mtu, let options):
            "create bridge \(name)" + Self.text(mac, mtu) + " (\(options.description))"
        case .createVLAN(let name, let base, let id, let mtu):
            "create VLAN \(name) with id \(id) over \(base)" + Self.text(nil, mtu)
        case .createBond(let name, let mac, let mtu, let options):
            "create bond \(name)" + Self.text(mac, mtu) + " (\(options.text))"
        case .deleteLink(let name): "delete \(name)"
        case .setBridgeOptions(let name, let from, let to): "set \(name) \(from.difference(to: to))"
        case .setBondOptions(let name, let from, let to): "set \(name) \(from.difference(to: to))"
        case .setMAC(let link, let mac): "set \(link) address \(mac)"
        case .setMTU(let link, let mtu): "set \(link) mtu \(mtu)"
        case .setUp(let link, let isUp): "set \(link) \(isUp ? "up" : "down")"
        case .setMaster(let link, let master): master.map { "put \(link) in \($0)" } ?? "take \(link) out of its master"
        case .setIPv6(let link, let settings): "turn IPv6 \(settings.description) on \(link)"
        case .setShaping(let link, _, let to): "share \(link): \(Self.text(to))"
        case .addAddress(let link, let address): "add \(address) to \(link)"
        case .removeAddress(let link, let address): "remove \(address) from \(link)"
        case .addRoute(let route): "route \(route)"
        case .removeRoute(let route): "remove route \(route)"
        case .addRule(let rule): "rule \(rule)"
        case .removeRule(let rule): "remove rule \(rule)"
        case .startDHCP(let link): "start the DHCP client on \(link)"
        case .stopDHCP(let link): "stop the DHCP client on \(link)"
        case .startDHCP6(let link): "start the DHCPv6 client on \(link)"
        case .stopDHCP6(let link): "stop the DHCPv6 client on \(link)"
        case .setNameservers(let servers): "ask \(servers.isEmpty ? "no resolver" : servers.joined(separator: ", "))"
        }
    }

    private static func text(_ shares: [Int: TrafficShare]?) -> String {
        guard let shares else { return "nobody has a share" }
        return shares.sorted { $0.key < $1.key }.map { id, share in
            (TrafficClass.vlan(id: id).map { "tag \($0)" } ?? "untagged") + " \(share)"
        }
        .joined(separator: "; ")
    }

    private static func text(_ mac: MACAddress?, _ mtu: Int) -> String {
        (mac.map { " with address \($0)" } ?? "") + (mtu == WantedNetwork.mtuDefault ? "" : " mtu \(mtu)")
    }
}

extension IPv6Settings: CustomStringConvertible {
    package var description: String {
        guard isEnabled else { return "off" }
        return "on" + (acceptRA == 0 ? " without router advertisements" : autoconf ? "" : " without autoconfiguration")
    }
}

extension BridgeOptions: CustomStringConvertible {
    package var description: String {
        (["spanning tree \(stp ? "on" : "off")", "forward delay \(forwardDelay)"]
            + values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }).joined(separator: ", ")
    }

    func difference(to other: BridgeOptions) -> String {
        var words: [String] = []
        if stp != other.stp { words.append("spanning tree \(other.stp ? "on" : "off")") }
        if forwardDelay != other.forwardDelay { words.append("forward delay \(other.forwardDelay)") }
        words += changes(to: other).map { "\($0.name) \(other[$0.name] ?? 0)" }
        return words.joined(separator: ", ")
    }
}

extension BondOptions {
    func difference(to other: BondOptions) -> String {
        let words = mode == other.mode ? [] : ["mode=\(other.mode.rawValue)"]
        return (words + changes(to: other).map { "\($0.name)=\(other[$0])" }).joined(separator: " ")
    }
}
