// Networks in the state that a change asks for (ovirt.md 6.4).

extension NetworkTarget {
    mutating func takeDown(_ network: WantedNetwork) {
        clear(network.carrier)
        if network.bridged {
            takeDownBridge(network)
        } else {
            edit(network.carrier) { $0.ipv6.isEnabled = true }
        }
        guard network.vlan != nil, let device = network.device, state.links[device] != nil else { return }
        guard !isCarrier(device) else { return }
        delete(device)
    }

    private mutating func takeDownBridge(_ network: WantedNetwork) {
        guard state.links[network.name]?.isBridge == true else { return }
        if let port = network.device, isPort(port, of: network.name) {
            setMaster(of: port, nil)
            edit(port) { $0.ipv6.isEnabled = true }
        }
        // A bridge with ports that are not ours (guests, an administrator's) stays for them and for its successor.
        guard ports(of: network.name).isEmpty, change.desired.networks[network.name]?.bridged != true else { return }
        delete(network.name)
    }

    mutating func build(_ network: WantedNetwork) {
        var before = taken(network)
        if let base = network.southbound?.link {
            bringUp(base, for: network)
            before = before ?? takeOverVLAN(network, base: base)
            buildVLAN(network, base: base)
        }
        // What the device carried moves to the carrier; a network that changed its form has it from its old carrier.
        let source = network.device.flatMap { $0 == network.carrier ? nil : $0 }
        before = before ?? source.map { Carried(from: $0, in: state) }
        if network.bridged { buildBridge(network, port: source) }
        edit(network.carrier) {
            $0.isUp = true
            if network.southbound?.link != network.carrier { $0.mtu = network.mtu }
            $0.ipv6 = $0.ipv6.isLike(network.addressing6.settings) ? $0.ipv6 : network.settings(instead: $0.ipv6)
        }
        address(network, before: before)
    }

    /// A base that serves VLANs only, and that nobody used before, takes no part in IPv6.
    private mutating func bringUp(_ base: String, for network: WantedNetwork) {
        let isNew = before.links[base]?.isUp != true && network.vlan != nil && !isCarrier(base)
        edit(base) {
            $0.isUp = true
            if isNew { $0.ipv6.isEnabled = false }
        }
    }

    /// A tag exists once on a base. One that the boot made under another name (`vlan=vlan5:eth0`) goes, and what it carried
    /// moves to ours.
    private mutating func takeOverVLAN(_ network: WantedNetwork, base: String) -> Carried? {
        guard let id = network.vlan else { return nil }
        let kind = LinkKind.vlan(base: base, id: id)
        let names = vlans(on: base).filter { $0 != network.device && state.links[$0]?.kind == kind }
        guard let other = names.first else { return nil }
        let carried = Carried(from: other, in: state)
        delete(other)
        return carried
    }

    private mutating func buildVLAN(_ network: WantedNetwork, base: String) {
        guard let id = network.vlan, let device = network.device else { return }
        if state.links[device] == nil {
            make(
                LinkState(
                    name: device,
                    kind: .vlan(base: base, id: id),
                    mac: state.links[base]?.mac,
                    ipv6: state.newLinkIPv6
                )
            )
        }
        edit(device) { ($0.mtu, $0.isUp) = (network.mtu, true) }
    }

    private mutating func buildBridge(_ network: WantedNetwork, port: String?) {
        if let link = state.links[network.name], case .bridge(let have) = link.kind {
            let options = options(network, from: have)
            // Its address is its own business: one that nobody set is the kernel's choice, by the ports.
            edit(network.name) { ($0.kind, $0.mac) = (.bridge(options), nil) }
        } else {
            make(
                LinkState(
                    name: network.name,
                    kind: .bridge(network.bridge),
                    // The port's address keeps the identity that the DHCP server and the switch know.
                    mac: port.flatMap { state.links[$0]?.mac },
                    ipv6: state.newLinkIPv6
                )
            )
        }
        edit(network.name) { ($0.mtu, $0.isUp) = (network.mtu, true) }
        guard let port else { return }
        clear(port)
        setMaster(of: port, network.name)
        edit(port) {
            $0.isUp = true
            $0.ipv6.isEnabled = false
        }
    }

    /// A bridge that stands keeps what nobody asked about; what was asked for and no longer is returns to the kernel's own.
    private func options(_ network: WantedNetwork, from have: BridgeOptions) -> BridgeOptions {
        var options = have
        let former = owned.networks[network.name]?.bridgeOptions ?? [:]
        for name in former.keys where network.bridgeOptions[name] == nil {
            options[name] = BridgeOption.byName[name]?.standard ?? 0
        }
        for (name, value) in network.bridgeOptions { options[name] = value }
        if options.stp != network.stp, network.bridgeOptions["stp_state"] == nil {
            options.stp = network.stp
            if network.bridgeOptions["forward_delay"] == nil { options.forwardDelay = network.bridge.forwardDelay }
        }
        if options.stp { options.forwardDelay = max(options.forwardDelay, BridgeOptions.forwardDelayMin) }
        return options
    }

    private mutating func address(_ network: WantedNetwork, before: Carried?) {
        let carrier = network.carrier
        let have = state.links[carrier]?.addresses ?? []
        let want: [IPv4Network]
        switch network.addressing {
        case .none: want = []
        case .fixed(let address, _): want = [address]
        // The lease in hand stays in use until the new client has renewed it.
        case .dhcp: want = have.isEmpty ? before?.addresses ?? [] : have
        }
        let want6 = network.addressing6.address.map { [$0] } ?? []
        edit(carrier) { ($0.addresses, $0.ipv6Addresses) = (want, want6) }
        // The table of a lease is made when the lease comes.
        let keepsLease = network.addressing == .dhcp && owned.networks[network.name]?.addressing == .dhcp
        if !keepsLease { dropRules(of: carrier) }
        route(network, want: want, before: before?.routes ?? [], keepsAddress: want == before?.addresses)
        route6(network)
        if network.addressing == .dhcp { startClient(on: carrier) } else { stopClient(on: carrier) }
        setClient6(on: carrier, isWanted: network.addressing6.dhcp && state.hasDHCP6Program)
    }

    private mutating func route(
        _ network: WantedNetwork,
        want: [IPv4Network],
        before: [RouteState],
        keepsAddress: Bool
    ) {
        let carrier = network.carrier
        // Routes that nobody could follow any more.
        for route in state.routes(via: carrier) where route.isIPv4 {
            let isReached = route.gateway?.v4.map { hop in want.contains { $0.contains(hop) } } ?? !want.isEmpty
            let hasSource = route.source.map { source in want.contains { $0.address == source } } ?? true
            if !isReached || !hasSource { remove(route) }
        }
        if keepsAddress {
            for var route in before where !route.takesDefault || network.defaultRoute && network.addressing == .dhcp {
                route.link = carrier
                add(route)
            }
        }
        guard case .fixed(let address, let gateway?) = network.addressing else {
            if network.addressing == .dhcp, network.defaultRoute { takeDefault(carrier) }
            if network.addressing != .dhcp || !network.defaultRoute { dropDefault(of: carrier) }
            return
        }
        let route = RouteState(destination: .everything, gateway: gateway, link: carrier)
        if network.defaultRoute {
            let same = state.routes.defaults(isIPv4: true).first { $0.key == route.key && $0.leads(like: route) }
            if same == nil { add(route) }
            dropDefaults(true) { !$0.leads(like: route) }
        } else {
            dropDefault(of: carrier)
        }
        sourceRoute(carrier, address, gateway)
    }

    /// A lease that is there knows the way already: its own table has it.
    private mutating func takeDefault(_ carrier: String) {
        let routes = state.routes(via: carrier)
        guard !routes.contains(where: { $0.isIPv4 && $0.isDefault && $0.table == RouteState.mainTable }),
            let own = routes.first(where: { $0.isDefault && $0.table == RuleState.table(of: carrier) }),
            let gateway = own.gateway?.v4
        else { return }
        let route = RouteState(destination: .everything, gateway: gateway, link: carrier, origin: own.origin)
        add(route)
        dropDefaults(true) { !$0.leads(like: route) }
    }

    /// Answers leave by the network on which the question came, whatever the default route.
    private mutating func sourceRoute(_ carrier: String, _ address: IPv4Network, _ gateway: IPv4Address) {
        let table = RuleState.table(of: carrier)
        let network = RuleState(.from, address, table: table).network
        add(RouteState(destination: network, link: carrier, table: table))
        add(RouteState(destination: .everything, gateway: gateway, link: carrier, table: table))
        for selector in RuleState.Selector.allCases { add(RuleState(selector, network, table: table)) }
    }

    private mutating func route6(_ network: WantedNetwork) {
        let carrier = network.carrier
        let wanted = network.addressing6.gateway.flatMap { gateway in
            network.defaultRoute
                ? RouteState(destination6: .everything, gateway: gateway, link: carrier) : nil
        }
        for route in state.routes(via: carrier) where !route.isIPv4 && route.origin != RouteState.advertised {
            let isReached =
                route.gateway?.v6.map { hop in
                    hop.isLinkLocal || network.addressing6.address?.contains(hop) == true
                } ?? network.addressing6.isAny
            if !isReached || route.isDefault && route != wanted { remove(route) }
        }
        guard let wanted else { return }
        add(wanted)
        dropDefaults(false) { !$0.leads(like: wanted) && $0.origin != RouteState.advertised }
    }

    private mutating func dropDefault(of carrier: String) {
        for route in state.routes(via: carrier)
        where route.isIPv4 && route.takesDefault && route.table == RouteState.mainTable { remove(route) }
    }

    /// Removes default routes of the main table, whatever their link.
    private mutating func dropDefaults(_ isIPv4: Bool, where isStale: (RouteState) -> Bool) {
        for route in state.routes.defaults(isIPv4: isIPv4) where isStale(route) { remove(route) }
    }
}

extension WantedNetwork {
    fileprivate func settings(instead have: IPv6Settings) -> IPv6Settings {
        var settings = addressing6.settings
        // What a link that takes no part would do with advertisements stays as it was, for the way back.
        if !settings.isEnabled { (settings.acceptRA, settings.autoconf) = (have.acceptRA, have.autoconf) }
        return settings
    }
}
