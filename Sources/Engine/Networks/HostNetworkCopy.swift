import AgentWire
import HostModel

/// What makes one host carry what another one carries, as oVirt copies it: the nics of both in the order of their names,
/// but those that carry the management network; each of the target's loses what it has and gets what its partner has. Fixed
/// addresses are not copied, as two hosts cannot have one. Pure.
struct HostNetworkCopy {
    let from: HostCapabilities
    let to: HostCapabilities
    let networks: [NetworkRecord]

    init(from: HostCapabilities, to: HostCapabilities, networks: [NetworkRecord]) {
        (self.from, self.to, self.networks) = (from, to, networks)
    }

    func order() throws(EngineError) -> SetupNetworksResource {
        let partners = try partners()
        let (bonds, names) = bonds(of: partners)
        let carried = attachments(on: from)
        var wanted: [WantedAttachmentResource] = []
        for (source, target) in partners { wanted += (carried[source] ?? []).map { copy($0, to: target) } }
        for (source, target) in names.sorted(by: { $0.key < $1.key }) {
            wanted += (carried[source] ?? []).map { copy($0, to: target) }
        }
        let cleared = Set(partners.map { bond(of: $0.target, on: to) ?? $0.target })
        let goes = attachments(on: to).filter { cleared.contains($0.key) }.values.joined().map(\.network)
            .filter { network in !wanted.contains { $0.network?.id == network.id.rawValue } }
        let lost = cleared.filter { to.bondings[$0] != nil && !names.values.contains($0) }
        var order = SetupNetworksResource()
        order.modified_bonds = .init(bonds)
        order.removed_bonds = .init(lost.sorted().map { HostNICResource(name: $0) })
        order.modified_network_attachments = .init(wanted)
        order.removed_network_attachments = .init(
            goes.sorted { $0.name < $1.name }.map { .init(network: WireReference(id: $0.id.rawValue)) }
        )
        return order
    }

    // MARK: Nics

    private func partners() throws(EngineError) -> [(source: String, target: String)] {
        let (sources, targets) = (nics(of: from), nics(of: to))
        guard sources.count <= targets.count else {
            throw EngineError(
                .conflict,
                "The host to copy from has \(sources.count) nics beside those of the management network, and this one has "
                    + "\(targets.count).",
                remedy: "Copy to a host that has as many nics."
            )
        }
        return zip(sources, targets).map { ($0, $1) }
    }

    /// `eth2` before `eth10`.
    private func nics(of host: HostCapabilities) -> [String] {
        let management = Set(
            networks.filter(\.isManagement).compactMap { host.networks[$0.name]?.device(on: host) }
        )
        func key(_ name: String) -> (String, Int) {
            let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }
            return (String(name.dropLast(digits.count)), Int(String(digits.reversed())) ?? -1)
        }
        return host.nics.keys.filter { name in
            !management.contains(name) && bond(of: name, on: host).map { !management.contains($0) } ?? true
        }
        .sorted { key($0) < key($1) }
    }

    private func bond(of nic: String, on host: HostCapabilities) -> String? {
        host.bondings.first { $0.value.slaves.contains(nic) }?.key
    }

    // MARK: Bonds

    /// The bonds of the order, and what each of the source is called on the target.
    private func bonds(of partners: [(source: String, target: String)]) -> ([HostNICResource], [String: String]) {
        var slaves: [String: [String]] = [:]
        for (source, target) in partners {
            if let bond = bond(of: source, on: from) { slaves[bond, default: []].append(target) }
        }
        let management = Set(networks.filter(\.isManagement).compactMap { to.networks[$0.name]?.device(on: to) })
        // Bonds of nics that have no partner stay as they are.
        let cleared = partners.compactMap { bond(of: $0.target, on: to) }
        let standing = Set(to.bondings.keys).subtracting(cleared).union(management)
        var names: [String: String] = [:]
        let bonds = slaves.sorted { $0.key < $1.key }.map { bond, slaves in
            let taken = Set(slaves).union(names.values).union(from.bondings.keys).union(to.bondings.keys)
                .union(management)
            let name = standing.contains(bond) ? Self.freeName(beside: taken) : bond
            names[bond] = name
            let options = options(of: bond, partners).sorted { $0.key < $1.key }
            return HostNICResource(
                name: name,
                bonding: .init(
                    options: .init(options.map { .init(name: $0.key, value: $0.value) }),
                    slaves: .init(slaves.map { WireReference(name: $0) })
                )
            )
        }
        return (bonds, names)
    }

    /// A nic that an option names is called like its partner on the target; without one the option is not copied.
    private func options(of bond: String, _ partners: [(source: String, target: String)]) -> [String: String] {
        var options = from.bondings[bond]?.opts ?? [:]
        for name in Self.optionsOfNICs {
            guard let nic = options[name] else { continue }
            options[name] = partners.first { $0.source == nic }?.target
        }
        return options
    }

    private static let optionsOfNICs = ["primary", "active_slave"]

    private static func freeName(beside taken: Set<String>) -> String {
        var number = 0
        while taken.contains("bond\(number)") { number += 1 }
        return "bond\(number)"
    }

    // MARK: Networks

    /// By the nic or bond that carries them.
    private func attachments(on host: HostCapabilities) -> [String: [NetworkAttachment]] {
        let all = NetworkAttachment.all(networks.filter { !$0.isManagement }, ordered: [:], on: host)
        return Dictionary(grouping: all.filter { $0.device != nil }) { $0.device ?? "" }
    }

    private func copy(_ attachment: NetworkAttachment, to device: String) -> WantedAttachmentResource {
        var wanted = WantedAttachmentResource(network: WireReference(id: attachment.network.id.rawValue))
        wanted.host_nic = WireReference(name: device)
        wanted.ip_address_assignments = .init(
            attachment.assignments.map { assignment in
                let method = assignment.assignment_method ?? NetworkAttribute.none
                let version = assignment.ip?.version ?? "v4"
                return .init(
                    method == "static" ? NetworkAttribute.none : method,
                    .init(nil, netmask: nil, gateway: nil, version: version)
                )
            }
        )
        return wanted
    }
}
