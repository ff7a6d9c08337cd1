/// One change of the host's network: what a plan is made of, in the order it is done. Plans are printed and journalled.
package enum NetworkStep: Hashable, Sendable, Codable {
    case createBridge(name: String, mac: MACAddress?, options: BridgeOptions)
    case createVLAN(name: String, base: String, id: Int)
    case deleteLink(name: String)
    case setBridgeOptions(name: String, options: BridgeOptions)
    case setMTU(link: String, mtu: Int)
    case setUp(link: String, isUp: Bool)
    /// `nil` takes the link out of its bridge.
    case setMaster(link: String, master: String?)
    case setIPv6(link: String, enabled: Bool)
    case addAddress(link: String, address: IPv4Network)
    case removeAddress(link: String, address: IPv4Network)
    /// Replaces a route with the same destination, table and metric in one go, so that there is no moment without.
    case addRoute(RouteState)
    case removeRoute(RouteState)
    case startDHCP(link: String)
    /// Without releasing the lease: the address may move to another link.
    case stopDHCP(link: String)
    case setNameservers([String])
}

extension NetworkStep: CustomStringConvertible {
    /// One line for a person, close to what iproute2 would take.
    package var description: String {
        switch self {
        case .createBridge(let name, let mac, let options):
            "create bridge \(name)" + (mac.map { " with address \($0)" } ?? "")
                + " (spanning tree \(options.stp ? "on" : "off"), forward delay \(options.forwardDelay))"
        case .createVLAN(let name, let base, let id): "create VLAN \(name) with id \(id) over \(base)"
        case .deleteLink(let name): "delete \(name)"
        case .setBridgeOptions(let name, let options):
            "set \(name) spanning tree \(options.stp ? "on" : "off"), forward delay \(options.forwardDelay)"
        case .setMTU(let link, let mtu): "set \(link) mtu \(mtu)"
        case .setUp(let link, let isUp): "set \(link) \(isUp ? "up" : "down")"
        case .setMaster(let link, let master): master.map { "put \(link) in \($0)" } ?? "take \(link) out of its bridge"
        case .setIPv6(let link, let enabled): "turn IPv6 \(enabled ? "on" : "off") on \(link)"
        case .addAddress(let link, let address): "add \(address) to \(link)"
        case .removeAddress(let link, let address): "remove \(address) from \(link)"
        case .addRoute(let route): "route \(route)"
        case .removeRoute(let route): "remove route \(route)"
        case .startDHCP(let link): "start the DHCP client on \(link)"
        case .stopDHCP(let link): "stop the DHCP client on \(link)"
        case .setNameservers(let servers): "ask \(servers.isEmpty ? "no resolver" : servers.joined(separator: ", "))"
        }
    }
}

extension RouteState: CustomStringConvertible {
    package var description: String {
        (isDefault ? "default" : destination.description) + (gateway.map { " via \($0)" } ?? "") + " dev \(link)"
            + (table == Self.mainTable ? "" : " table \(table)") + (metric == 0 ? "" : " metric \(metric)")
    }
}
