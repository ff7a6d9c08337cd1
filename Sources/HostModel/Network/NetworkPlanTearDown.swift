// How one network is taken down. Everything is taken away by a step of its own, so that the undo can put it back.

extension NetworkPlan {
    mutating func tearDown(_ network: WantedNetwork, keeping desired: [String: WantedNetwork]) {
        let carrier = network.carrier
        if expected.dhcpClients.contains(carrier) { add(.stopDHCP(link: carrier)) }
        clear(carrier)
        if network.bridged { tearDownBridge(network, keeping: desired) }
        guard network.vlan != nil, let device = network.device, expected.links[device] != nil else { return }
        guard !desired.values.contains(where: { $0.device == device }) else { return }
        clear(device)
        add(.setUp(link: device, isUp: false))
        add(.deleteLink(name: device))
    }

    private mutating func tearDownBridge(_ network: WantedNetwork, keeping desired: [String: WantedNetwork]) {
        guard expected.links[network.name]?.isBridge == true else { return }
        if let port = network.device, expected.links[port]?.master == network.name {
            add(.setMaster(link: port, master: nil))
            if expected.links[port]?.takesIPv6 == false { add(.setIPv6(link: port, enabled: true)) }
        }
        // A bridge with ports that are not ours (guests, an administrator's) stays for them and for its successor.
        let isWanted = desired[network.name]?.bridged == true
        guard expected.ports(of: network.name).isEmpty, !isWanted else { return }
        add(.setUp(link: network.name, isUp: false))
        add(.deleteLink(name: network.name))
    }

    /// A base has the largest MTU of what stands on it, and 1500 when nothing does (ovirt.md 6.4).
    mutating func settleMTU(of base: String, among desired: [String: WantedNetwork]) {
        let needs = desired.values.filter { $0.southbound?.link == base }.map(\.mtu)
        setMTU(of: base, to: needs.max() ?? WantedNetwork.mtuDefault)
    }
}
