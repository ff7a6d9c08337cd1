package import HostModel

/// One step towards the boot network.
package enum BootNetworkStep: Hashable, Sendable {
    case setUp(LinkName)
    case setDown(LinkName)
    case setMAC(LinkName, MACAddress)
    case setMTU(LinkName, Int)
    /// Makes the bond unless it is there, with its options, empty and down.
    case addBond(LinkName, [BondArgument.Option])
    case addPort(LinkName, bond: LinkName)
    case addVLAN(VLANArgument)
    case flushAddresses(LinkName)
    case addAddress(LinkName, IPv4Network)
    case addRoute(IPv4Network, gateway: IPv4Address?, LinkName?)
    /// Ends the DHCP client of the interface, where one runs.
    case stopDHCP(LinkName)
    case startDHCP(LinkName, HostName?)
    /// Takes addresses from router advertisements.
    case acceptAdvertisements(LinkName)
}

/// The steps that make the boot network, once it is known which NICs have a carrier.
package struct BootNetworkPlan: Hashable, Sendable {
    package var steps: [BootNetworkStep] = []
    /// Which interface gets its address how; empty when there is none to give one to.
    package var assignments: [Assignment] = []

    package struct Assignment: Hashable, Sendable {
        package var link: LinkName
        package var argument: IPArgument

        package init(link: LinkName, argument: IPArgument) { (self.link, self.argument) = (link, argument) }
    }

    /// `chosen`: the NICs that `CarrierWait` decided for.
    package init(_ intent: NetworkIntent, chosen: [LinkName], hostName: HostName?) {
        assignments = Self.assignments(intent, chosen: chosen)
        let used = Set(assignments.map(\.link))
        for bond in intent.bonds { steps += Self.steps(bond) }
        for vlan in intent.vlans { steps += [.setUp(vlan.link), .addVLAN(vlan)] }
        for assignment in assignments { steps += Self.steps(assignment, hostName: hostName) }
        for route in intent.routes where route.link.map(used.contains) ?? true {
            steps.append(.addRoute(route.destination, gateway: route.gateway, route.link))
        }
    }

    /// An argument with an interface is that interface's; one without is for what the machine chose, a fixed address for
    /// the first of them only.
    private static func assignments(_ intent: NetworkIntent, chosen: [LinkName]) -> [Assignment] {
        var assignments: [Assignment] = []
        for argument in intent.addresses {
            if let link = argument.link { assignments.append(Assignment(link: link, argument: argument)) }
        }
        var free: [LinkName] = []
        for link in chosen.map(intent.topmost) where !assignments.contains(where: { $0.link == link }) {
            if !free.contains(link) { free.append(link) }
        }
        guard let general = intent.addresses.last(where: { $0.link == nil }) else { return assignments }
        if case .fixed = general.method { free = Array(free.prefix(1)) }
        return assignments + free.map { Assignment(link: $0, argument: general) }
    }

    private static func steps(_ bond: BondArgument) -> [BootNetworkStep] {
        [.addBond(bond.name, bond.options)] + (bond.mtu.map { [.setMTU(bond.name, $0)] } ?? [])
            + bond.links.flatMap { [.setDown($0), .flushAddresses($0), .addPort($0, bond: bond.name)] }
            + [.setUp(bond.name)]
    }

    private static func steps(_ assignment: Assignment, hostName: HostName?) -> [BootNetworkStep] {
        let (link, argument) = (assignment.link, assignment.argument)
        var steps: [BootNetworkStep] = [.stopDHCP(link), .flushAddresses(link)]
        if let mac = argument.mac { steps += [.setDown(link), .setMAC(link, mac)] }
        if let mtu = argument.mtu { steps.append(.setMTU(link, mtu)) }
        steps.append(.setUp(link))
        switch argument.method {
        case .dhcp: steps.append(.startDHCP(link, hostName))
        case .dhcp6, .auto6: steps.append(.acceptAdvertisements(link))
        case .off: break
        case .fixed(let network, let gateway):
            steps.append(.addAddress(link, network))
            if let gateway { steps += Self.defaultRoute(gateway, of: network, link) }
        }
        return steps
    }

    /// A gateway outside of the interface's own network (a /32, as cloud providers give) needs a route of its own first.
    static func defaultRoute(_ gateway: IPv4Address, of network: IPv4Network, _ link: LinkName) -> [BootNetworkStep] {
        guard let all = IPv4Network(.any, prefixLength: 0), let host = IPv4Network(gateway, prefixLength: 32) else {
            return []
        }
        let route = BootNetworkStep.addRoute(all, gateway: gateway, link)
        return network.contains(gateway) ? [route] : [.addRoute(host, gateway: nil, link), route]
    }
}
