/// What in the kernel is not as the configuration says, because somebody else changed it since. Reported, and left as it is
/// until somebody asks for the networks again.
package struct NetworkDrift: Hashable, Sendable, Codable {
    /// What it would take to have a network or bond as it is configured, by its name; `resolvers` for those.
    package private(set) var differences: [String: [String]] = [:]

    /// More networks and bonds than this, and more lines for one of them, are left out.
    package static let entitiesMax = 100
    package static let linesMax = 10
    package static let resolvers = "resolvers"

    package init() {}

    /// `running` is what is to stand, `state` what stands.
    package init(of running: OwnedNetworks, in state: NetworkState) {
        let plan = NetworkPlan.change(NetworkChange(restoring: running, instead: running), owned: running, from: state)
        let names = Self.names(of: running)
        for step in plan.steps {
            for name in Self.entities(of: step, names) { add(step.description, to: name) }
        }
        for network in running.networks.values {
            guard let base = network.southbound?.link, state.links[base] == nil else { continue }
            add("\(base) is not there", to: network.name)
        }
        for bond in running.bonds.values {
            for nic in bond.nics where state.links[nic] == nil { add("\(nic) is not there", to: bond.name) }
        }
    }

    package var isEmpty: Bool { differences.isEmpty }

    /// Tells of a network or bond what it takes.
    package mutating func add(_ line: String, to name: String) {
        guard differences[name] != nil || differences.count < Self.entitiesMax else { return }
        guard differences[name, default: []].count < Self.linesMax else { return }
        differences[name, default: []].append(line)
    }

    /// Networks and bonds by their links.
    private static func names(of running: OwnedNetworks) -> [String: [String]] {
        var names: [String: [String]] = [:]
        for bond in running.bonds.values {
            for link in [bond.name] + bond.nics { names[link, default: []].append(bond.name) }
        }
        for network in running.networks.values {
            let links = Set([network.carrier, network.device].compactMap(\.self))
            for link in links where names[link]?.contains(network.name) != true {
                names[link, default: []].append(network.name)
            }
            if network.hostQoS != nil, let base = network.southbound?.link, !links.contains(base) {
                names[base, default: []].append(network.name)
            }
        }
        return names
    }

    private static func entities(of step: NetworkStep, _ names: [String: [String]]) -> [String] {
        switch step {
        case .setNameservers: return [resolvers]
        case .addRule(let rule), .removeRule(let rule):
            let link = names.keys.first { RuleState.table(of: $0) == rule.table }
            return link.flatMap { names[$0] } ?? []
        default: return step.link.map { names[$0] ?? [$0] } ?? []
        }
    }
}
