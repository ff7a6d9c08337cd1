// What a step does to a state, with what the kernel does by itself on the way: routes that go with a link, slaves that
// follow their bond. The plan is made on it, and the property tests run on it.

extension NetworkState {
    /// The state after the step, as the kernel will have it.
    package func applying(_ step: NetworkStep) -> NetworkState {
        var state = self
        state.apply(step)
        return state
    }

    package mutating func apply(_ step: NetworkStep) {
        switch step {
        case .createBridge(let name, let mac, let mtu, let options):
            create(LinkState(name: name, kind: .bridge(options), mac: mac, mtu: mtu))
        case .createVLAN(let name, let base, let id, let mtu):
            create(LinkState(name: name, kind: .vlan(base: base, id: id), mac: links[base]?.mac, mtu: mtu))
        case .createBond(let name, let mac, let mtu, let options):
            create(LinkState(name: name, kind: .bond(options), mac: mac, mtu: mtu))
        case .deleteLink(let name): delete(name)
        case .setBridgeOptions(let name, _, let options): links[name]?.kind = .bridge(options)
        case .setBondOptions(let name, _, let options): links[name]?.kind = .bond(options)
        case .setMAC(let link, let mac): setMAC(of: link, mac)
        case .setMTU(let link, let mtu): setMTU(of: link, mtu)
        case .setUp(let link, let isUp): setUp(link, isUp)
        case .setMaster(let link, let master): setMaster(of: link, master)
        case .setIPv6(let link, let settings):
            links[link]?.ipv6 = settings
            if !settings.isEnabled { dropIPv6(of: link) }
        case .setShaping(let link, _, let to): links[link]?.shaping = to
        case .addAddress(let link, .v4(let address)):
            if links[link]?.addresses.contains(address) == false { links[link]?.addresses.append(address) }
        case .addAddress(let link, .v6(let address)):
            if links[link]?.ipv6Addresses.contains(address) == false { links[link]?.ipv6Addresses.append(address) }
        case .removeAddress(let link, .v4(let address)): removeAddress(address, from: link)
        case .removeAddress(let link, .v6(let address)): links[link]?.ipv6Addresses.removeAll { $0 == address }
        case .addRoute(let route): routes.insert(route)
        case .removeRoute(let route): routes.remove(route)
        case .addRule(let rule): rules[rule.table, default: []].insert(rule)
        case .removeRule(let rule):
            rules[rule.table]?.remove(rule)
            if rules[rule.table]?.isEmpty == true { rules[rule.table] = nil }
        case .startDHCP(let link): dhcpClients.insert(link)
        case .stopDHCP(let link): dhcpClients.remove(link)
        case .startDHCP6(let link): dhcp6Clients.insert(link)
        case .stopDHCP6(let link): dhcp6Clients.remove(link)
        case .setNameservers(let servers): nameservers = servers
        }
    }

    private mutating func create(_ link: LinkState) {
        links[link.name] = link
        links[link.name]?.ipv6 = link.mtu < LinkState.ipv6MTUMin ? .off : newLinkIPv6
    }

    /// Ports are taken out by steps of their own before.
    private mutating func delete(_ name: String) {
        links[name] = nil
        routes.removeAll(on: name)
    }

    private mutating func setMAC(of link: String, _ mac: MACAddress?) {
        links[link]?.mac = mac
        guard links[link]?.isBond == true else { return }
        for name in links.keys where links[name]?.vlanBase == link || links[name]?.master == link {
            links[name]?.mac = mac
        }
    }

    private mutating func setMTU(of link: String, _ mtu: Int) {
        guard let old = links[link]?.mtu else { return }
        links[link]?.mtu = mtu
        if mtu < LinkState.ipv6MTUMin {
            links[link]?.ipv6 = .off
            dropIPv6(of: link)
        } else if old < LinkState.ipv6MTUMin, old > 0 {
            links[link]?.ipv6 = newLinkIPv6
        }
        guard links[link]?.isBond == true else { return }
        for slave in ports(of: link) { links[slave]?.mtu = mtu }
    }

    /// A link that goes down loses its routes and its IPv6 addresses, and takes the VLANs on it along.
    private mutating func setUp(_ link: String, _ isUp: Bool) {
        let wasUp = links[link]?.isUp
        links[link]?.isUp = isUp
        guard wasUp != isUp, let kind = links[link]?.kind else { return }
        if !isUp {
            routes.removeAll(on: link)
            links[link]?.ipv6Addresses = []
        }
        if case .bridge = kind { return }
        if case .vlan = kind { return }
        guard !isUp || links[link]?.isBond == true else { return }
        for (name, vlan) in links where vlan.vlanBase == link && vlan.isUp != isUp { setUp(name, isUp) }
    }

    private mutating func setMaster(of link: String, _ master: String?) {
        if let old = links[link]?.master, links[old]?.isBond == true { leave(link, bond: old) }
        links[link]?.master = master
        guard let master, let bond = links[master], bond.isBond else { return }
        guard var slave = links[link] else { return }
        slave.ownMAC = slave.ownMAC ?? slave.mac
        if bond.mac == nil { setMAC(of: master, slave.mac) }
        slave.mac = links[master]?.mac
        (slave.isUp, slave.mtu) = (true, bond.mtu)
        links[link] = slave
        dropIPv6(of: link)
    }

    /// The driver closes a slave that leaves, gives it its own address back and the MTU that it came with, and gives a bond
    /// that is empty then an address by chance.
    private mutating func leave(_ link: String, bond: String) {
        setUp(link, false)
        guard var slave = links[link] else { return }
        (slave.master, slave.mac, slave.mtu) = (nil, slave.ownMAC, 0)
        links[link] = slave
        // VLANs have the address of their base, as long as nobody gave them one.
        for name in links.keys where links[name]?.vlanBase == link { links[name]?.mac = slave.mac }
        if ports(of: bond).isEmpty { setMAC(of: bond, nil) }
    }

    private mutating func dropIPv6(of link: String) {
        links[link]?.ipv6Addresses = []
        routes.removeAll(on: link) { !$0.isIPv4 }
    }

    /// With the first address of a subnet go the others of it, with the last address of a link its routes.
    private mutating func removeAddress(_ address: IPv4Network, from link: String) {
        guard var addresses = links[link]?.addresses, let index = addresses.firstIndex(of: address) else { return }
        let isPrimary = !addresses[..<index].contains { $0.isBeside(address) }
        addresses.removeAll { $0 == address || isPrimary && $0.isBeside(address) }
        links[link]?.addresses = addresses
        routes.removeAll(on: link) { route in
            route.isIPv4 && (addresses.isEmpty || route.source == address.address)
        }
    }
}

extension IPv4Network {
    /// Whether the kernel takes one for the other's secondary address.
    func isBeside(_ other: IPv4Network) -> Bool { first == other.first && prefixLength == other.prefixLength }
}
