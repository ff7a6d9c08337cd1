// How one network is built. The order is the point: masters before ports, the MTU of a device before the MTU of what
// stands on it, and the new carrier has address and default route before the old one loses them.

extension NetworkPlan {
    mutating func build(_ network: WantedNetwork, among desired: [String: WantedNetwork], carried: Carried?) {
        var carried = carried
        if let base = network.southbound?.link {
            raiseMTU(of: base, to: network.mtu)
            bringUp(base)
            carried = carried ?? takeOverVLAN(network, base: base)
            buildVLAN(network, base: base)
        }
        // What the device carried moves to the carrier; a network that changed its form has it from its old carrier.
        let source = network.device.flatMap { device in device == network.carrier ? nil : device }
        let before = carried ?? source.map { Carried(from: $0, in: expected) }
        if network.bridged { buildBridge(network, port: source) }
        bringUp(network.carrier)
        setMTU(of: network.carrier, to: network.mtu)
        address(network, before: before, source: source)
        if case .dhcp = network.addressing, !expected.dhcpClients.contains(network.carrier) {
            add(.startDHCP(link: network.carrier))
        }
        if !network.nameservers.isEmpty, network.nameservers != expected.nameservers {
            add(.setNameservers(network.nameservers))
        }
    }

    /// A tag exists once on a base. One that the boot made under another name (`vlan=vlan5:eth0`) goes, and what it carried
    /// moves to ours.
    private mutating func takeOverVLAN(_ network: WantedNetwork, base: String) -> Carried? {
        guard let id = network.vlan else { return nil }
        let kind = LinkKind.vlan(base: base, id: id)
        guard let other = expected.links.values.first(where: { $0.kind == kind && $0.name != network.device }) else {
            return nil
        }
        let carried = Carried(from: other.name, in: expected)
        if expected.dhcpClients.contains(other.name) { add(.stopDHCP(link: other.name)) }
        clear(other.name)
        if other.master != nil { add(.setMaster(link: other.name, master: nil)) }
        add(.setUp(link: other.name, isUp: false))
        add(.deleteLink(name: other.name))
        return carried
    }

    private mutating func buildVLAN(_ network: WantedNetwork, base: String) {
        guard let id = network.vlan, let device = network.device else { return }
        if expected.links[device] == nil { add(.createVLAN(name: device, base: base, id: id)) }
        setMTU(of: device, to: network.mtu)
        bringUp(device)
    }

    private mutating func buildBridge(_ network: WantedNetwork, port: String?) {
        let options = BridgeOptions(stp: network.stp)
        if case .bridge(let have)? = expected.links[network.name]?.kind {
            if have.stp != network.stp { add(.setBridgeOptions(name: network.name, options: options)) }
        } else {
            // The port's address keeps the identity that the DHCP server and the switch know.
            let mac = port.flatMap { expected.links[$0]?.mac }
            add(.createBridge(name: network.name, mac: mac, options: options))
        }
        guard let port else { return }
        setMTU(of: port, to: max(network.mtu, network.vlan == nil ? expected.links[port]?.mtu ?? 0 : 0))
        setMTU(of: network.name, to: network.mtu)
        bringUp(network.name)
        if expected.dhcpClients.contains(port) { add(.stopDHCP(link: port)) }
        if expected.links[port]?.takesIPv6 == true { add(.setIPv6(link: port, enabled: false)) }
        if expected.links[port]?.master != network.name { add(.setMaster(link: port, master: network.name)) }
    }

    private mutating func address(_ network: WantedNetwork, before: Carried?, source: String?) {
        let carrier = network.carrier
        let have = expected.links[carrier]?.addresses ?? []
        let want: [IPv4Network]
        switch network.addressing {
        case .none: want = []
        case .fixed(let address, _): want = [address]
        // The lease in hand stays in use until the new client has renewed it.
        case .dhcp: want = have.isEmpty ? before?.addresses ?? [] : have
        }
        if network.addressing != .dhcp, expected.dhcpClients.contains(carrier) { add(.stopDHCP(link: carrier)) }
        for address in want where !have.contains(address) { add(.addAddress(link: carrier, address: address)) }
        route(network, before: before?.routes ?? [], keepsAddress: want == before?.addresses)
        if let source { clear(source) }
        for address in have where !want.contains(address) {
            add(.removeAddress(link: carrier, address: address))
        }
    }

    private mutating func route(_ network: WantedNetwork, before: [RouteState], keepsAddress: Bool) {
        let carrier = network.carrier
        if case .fixed(_, let gateway?) = network.addressing, network.defaultRoute {
            let route = RouteState(destination: .everything, gateway: gateway, link: carrier)
            if !expected.routes.contains(where: { $0.hasKey(of: route) && $0.leads(like: route) }) {
                add(.addRoute(route))
            }
            dropDefaultRoutes { !$0.leads(like: route) }
        } else if network.addressing != .dhcp || !network.defaultRoute {
            dropDefaultRoutes { $0.link == carrier }
        }
        guard keepsAddress else { return }
        for var route in before where !(route.isDefault && !carries(route, network)) {
            route.link = carrier
            if !expected.routes.contains(route) { add(.addRoute(route)) }
        }
    }

    /// A default route that the device had goes on through a DHCP network that is to have it.
    private func carries(_ route: RouteState, _ network: WantedNetwork) -> Bool {
        network.defaultRoute && network.addressing == .dhcp
    }

    /// Removes default routes of the main table.
    private mutating func dropDefaultRoutes(where isStale: (RouteState) -> Bool) {
        let stale = expected.routes.filter { $0.isDefault && $0.table == RouteState.mainTable && isStale($0) }
        for route in stale { add(.removeRoute(route)) }
    }

    /// Takes every route and address from a link, secondary addresses first: the kernel drops them with their primary.
    mutating func clear(_ link: String) {
        for route in expected.routes(via: link) { add(.removeRoute(route)) }
        for address in expected.links[link]?.addresses.reversed() ?? [] {
            add(.removeAddress(link: link, address: address))
        }
    }

    mutating func bringUp(_ link: String) {
        if expected.links[link]?.isUp == false { add(.setUp(link: link, isUp: true)) }
    }

    mutating func setMTU(of link: String, to mtu: Int) {
        if let have = expected.links[link]?.mtu, have != mtu { add(.setMTU(link: link, mtu: mtu)) }
    }

    private mutating func raiseMTU(of link: String, to mtu: Int) {
        if let have = expected.links[link]?.mtu, have < mtu { add(.setMTU(link: link, mtu: mtu)) }
    }
}
