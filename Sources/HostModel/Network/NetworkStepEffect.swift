// What a step does to a state, and which steps take it back: the plan is tested by these, and so is its undo.

extension NetworkState {
    /// The state after the step, as the kernel will have it.
    package func applying(_ step: NetworkStep) -> NetworkState {
        var state = self
        switch step {
        case .createBridge(let name, let mac, let options):
            state.links[name] = LinkState(name: name, kind: .bridge(options), mac: mac)
        case .createVLAN(let name, let base, let id):
            let mac = links[base]?.mac
            state.links[name] = LinkState(name: name, kind: .vlan(base: base, id: id), mac: mac)
            state.links[name]?.mtu = links[base]?.mtu ?? 1500
        case .deleteLink(let name):
            state.links[name] = nil
            state.routes.removeAll { $0.link == name }
            for port in state.ports(of: name) { state.links[port]?.master = nil }
        case .setBridgeOptions(let name, let options): state.links[name]?.kind = .bridge(options)
        case .setMTU(let link, let mtu): state.links[link]?.mtu = mtu
        case .setUp(let link, let isUp):
            state.links[link]?.isUp = isUp
            if !isUp { state.routes.removeAll { $0.link == link } }
        case .setMaster(let link, let master): state.links[link]?.master = master
        case .setIPv6(let link, let enabled):
            state.links[link]?.takesIPv6 = enabled
            if !enabled { state.links[link]?.ipv6Addresses = [] }
        case .addAddress(let link, let address): state.links[link]?.addresses.append(address)
        case .removeAddress(let link, let address): state.links[link]?.addresses.removeAll { $0 == address }
        case .addRoute(let route):
            state.routes.removeAll { $0.hasKey(of: route) }
            state.routes.append(route)
        case .removeRoute(let route): state.routes.removeAll { $0 == route }
        case .startDHCP(let link): state.dhcpClients.insert(link)
        case .stopDHCP(let link): state.dhcpClients.remove(link)
        case .setNameservers(let servers): state.nameservers = servers
        }
        return state
    }

    /// The steps that take `step` back, when it was done on this state, in the order in which they are to be done.
    package func undoing(_ step: NetworkStep) -> [NetworkStep] {
        switch step {
        case .createBridge(let name, _, _), .createVLAN(let name, _, _): [.deleteLink(name: name)]
        case .deleteLink(let name): links[name].map(recreating) ?? []
        case .setBridgeOptions(let name, _):
            if case .bridge(let options)? = links[name]?.kind {
                [.setBridgeOptions(name: name, options: options)]
            } else {
                []
            }
        case .setMTU(let link, _): links[link].map { [.setMTU(link: link, mtu: $0.mtu)] } ?? []
        case .setUp(let link, _): links[link].map { [.setUp(link: link, isUp: $0.isUp)] } ?? []
        case .setMaster(let link, _): links[link].map { [.setMaster(link: link, master: $0.master)] } ?? []
        case .setIPv6(let link, _): links[link].map { [.setIPv6(link: link, enabled: $0.takesIPv6)] } ?? []
        case .addAddress(let link, let address): [.removeAddress(link: link, address: address)]
        case .removeAddress(let link, let address): [.addAddress(link: link, address: address)]
        case .addRoute(let route):
            // Replacing the new one brings the old one back without a moment between them.
            routes.filter { $0.hasKey(of: route) }.first.map { [.addRoute($0)] } ?? [.removeRoute(route)]
        case .removeRoute(let route): [.addRoute(route)]
        case .startDHCP(let link): [.stopDHCP(link: link)]
        case .stopDHCP(let link): [.startDHCP(link: link)]
        case .setNameservers: [.setNameservers(nameservers)]
        }
    }

    /// Addresses, routes and membership are taken away by steps of their own before a link is deleted.
    private func recreating(_ link: LinkState) -> [NetworkStep] {
        let create: NetworkStep
        switch link.kind {
        case .bridge(let options): create = .createBridge(name: link.name, mac: link.mac, options: options)
        case .vlan(let base, let id): create = .createVLAN(name: link.name, base: base, id: id)
        case .device, .bond, .loopback, .other: return []
        }
        return [
            create, .setMTU(link: link.name, mtu: link.mtu), .setIPv6(link: link.name, enabled: link.takesIPv6),
            .setUp(link: link.name, isUp: link.isUp),
        ]
    }
}
