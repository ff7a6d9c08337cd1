package import HostModel

/// What the boot network is to be, from the kernel arguments and the console's settings, before the machine's interfaces
/// are known.
package struct NetworkIntent: Hashable, Sendable {
    package var bonds: [BondArgument]
    package var vlans: [VLANArgument]
    /// At least one.
    package var addresses: [IPArgument]
    package var routes: [RouteArgument]
    package var bootInterface: MACAddress?

    package init(_ configuration: NodeConfiguration) {
        let arguments = configuration.arguments
        (bonds, vlans, routes) = (arguments.bonds, arguments.vlans, arguments.routes)
        addresses = arguments.addresses.isEmpty ? [IPArgument(method: .dhcp)] : arguments.addresses
        bootInterface = arguments.bootInterface
        if let network = configuration.settings.network { obey(network) }
    }

    /// Bonds stay: a person on the console cannot name one, but may mean one by its name.
    private mutating func obey(_ network: NodeSettings.Network) {
        let method = network.address.map { IPArgument.Method.fixed($0, gateway: network.gateway) } ?? .dhcp
        (routes, vlans) = ([], [])
        addresses = [IPArgument(link: network.link, method: method)]
        guard let id = network.vlan, let link = network.link, let name = LinkName("vlan\(id)") else { return }
        vlans = [VLANArgument(name: name, link: link, id: id)]
        addresses = [IPArgument(link: name, method: method)]
    }

    /// The NICs that the arguments name, below bonds and VLANs; empty when the machine is to choose.
    package var namedLinks: [LinkName] {
        var named: [LinkName] = []
        for link in addresses.compactMap(\.link) {
            for each in lowest(link) where !named.contains(each) { named.append(each) }
        }
        return named
    }

    /// The interfaces that `link` stands on: a VLAN's interface, a bond's ports, or itself.
    package func lowest(_ link: LinkName) -> [LinkName] {
        if let vlan = vlans.first(where: { $0.name == link }), vlan.link != link { return bonded(vlan.link) }
        return bonded(link)
    }

    private func bonded(_ link: LinkName) -> [LinkName] { bonds.first { $0.name == link }?.links ?? [link] }

    /// What carries the address when the machine boots from `link`: its bond, and the VLAN above when there is exactly one.
    package func topmost(_ link: LinkName) -> LinkName {
        let base = bonds.first { $0.links.contains(link) }?.name ?? link
        let above = vlans.filter { $0.link == base }
        return above.count == 1 ? above[0].name : base
    }
}
