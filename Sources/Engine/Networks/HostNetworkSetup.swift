import AgentWire
import HostModel

/// What an order in oVirt's words means on one host: the call to its agent, and the labels that its nics have afterwards.
/// Pure.
struct HostNetworkSetup {
    let networks: [NetworkRecord]
    /// How they were ordered of this host before, by id.
    let ordered: [UniqueID: NetworkAttributes]
    /// The nic of each label.
    let labels: [String: String]
    let host: HostCapabilities

    private(set) var change = SetupNetworksParameters()
    /// `nil`: the label goes.
    private(set) var newLabels: [String: String?] = [:]
    /// Networks that are to go and that the host has not: what is left of them is their order.
    private(set) var forgotten = SetupNetworksParameters()

    init(
        networks: [NetworkRecord],
        ordered: [UniqueID: NetworkAttributes],
        labels: [String: String],
        host: HostCapabilities
    ) {
        (self.networks, self.ordered, self.labels, self.host) = (networks, ordered, labels, host)
    }

    /// What is on the host already, as it is asked for, is left out of the call.
    mutating func take(_ order: SetupNetworksResource) throws(EngineError) {
        for bond in order.modified_bonds?.host_nic?.elements ?? [] { try modify(bond) }
        for bond in order.removed_bonds?.host_nic?.elements ?? [] {
            change.bondings[try Self.name(bond)] = NetworkAttributes(["remove": "true"])
        }
        try checkBonds()
        for label in order.removed_labels?.network_label?.elements ?? [] { try remove(label) }
        for label in order.modified_labels?.network_label?.elements ?? [] { try add(label) }
        for attachment in order.removed_network_attachments?.network_attachment?.elements ?? [] {
            try remove(try network(attachment.reference))
        }
        for attachment in order.synchronized_network_attachments?.network_attachment?.elements ?? [] {
            let network = try network(attachment.reference)
            put(AttachedNetwork(network, ordered: ordered[network.id], on: host), isSure: true)
        }
        for attachment in order.modified_network_attachments?.network_attachment?.elements ?? [] {
            try modify(attachment)
        }
    }

    // MARK: Bonds

    private mutating func modify(_ bond: HostNICResource) throws(EngineError) {
        let (name, standing) = (try Self.name(bond), host.bondings[try Self.name(bond)])
        let slaves = bond.bonding?.slaves?.host_nic?.elements.map(\.text) ?? standing?.slaves
        guard let slaves, !slaves.isEmpty else {
            throw Self.refusal("The bond \(terminalEscaped(name.prefix(64))) has no slaves.", "Name its nics.")
        }
        let given = bond.bonding?.options?.option?.elements.map { ($0.name, $0.value ?? "") }
        let options = given ?? standing?.opts.map { ($0.key, $0.value) } ?? []
        let text = options.filter { !$0.1.isEmpty }.map { "\($0.0)=\($0.1)" }.sorted().joined(separator: " ")
        let attributes = NetworkAttributes([
            "nics": .list(slaves.map(AttributeValue.text)), "options": .text(text), "switch": "legacy",
        ])
        let asked = SetupNetworksParameters(bondings: [name: attributes])
        guard !asked.stands(on: host) else { return }
        change.bondings[name] = attributes
    }

    private static func name(_ bond: HostNICResource) throws(EngineError) -> String {
        guard let name = bond.name ?? bond.id, !name.isEmpty else {
            throw refusal("A bond has no name.", "Give its name, as in bond0.")
        }
        return name
    }

    /// What is no bond's name never gets as far as a host.
    private func checkBonds() throws(EngineError) {
        for (name, attributes) in change.bondings where attributes["remove"] == nil {
            guard WantedBond.isName(name) else {
                throw Self.refusal("\(terminalEscaped(name.prefix(64))) is no bond's name.", "Name it bond0, or alike.")
            }
        }
    }

    // MARK: Networks

    private func network(_ reference: String) throws(EngineError) -> NetworkRecord {
        guard let found = networks.first(where: { $0.name == reference || $0.id.rawValue == reference }) else {
            throw EngineError(
                .notFound,
                "There is no network \(terminalEscaped(reference.prefix(64))).",
                remedy: "`muster network list` shows the networks."
            )
        }
        return found
    }

    mutating func remove(_ network: NetworkRecord) throws(EngineError) {
        guard !network.isManagement else {
            throw EngineError(
                .conflict,
                "\(network.name) is the management network and stays on its hosts.",
                remedy: "The engine reaches the host over it."
            )
        }
        let removal = NetworkAttributes(["remove": "true"])
        if host.networks[network.name] == nil {
            forgotten.networks[network.name] = removal
        } else {
            change.networks[network.name] = removal
        }
    }

    /// Of the networks that the host carries, those that stand otherwise than they should.
    mutating func synchronize() {
        for attachment in NetworkAttachment.all(networks, ordered: ordered, on: host) where !attachment.isInSync {
            let network = attachment.network
            put(AttachedNetwork(network, ordered: ordered[network.id], on: host), isSure: true)
        }
    }

    private mutating func modify(_ wanted: WantedAttachmentResource) throws(EngineError) {
        let network = try network(wanted.reference)
        var attached = AttachedNetwork(network, ordered: ordered[network.id], on: host)
        if let nic = wanted.host_nic { stand(&attached, on: nic.text) }
        for assignment in wanted.ip_address_assignments?.ip_address_assignment?.elements ?? [] {
            try Self.assign(assignment, to: &attached)
        }
        if network.usages.contains("default_route") { attached.setDefaultRoute(true) }
        if let servers = wanted.dns_resolver_configuration?.name_servers?.name_server {
            attached.setNameservers(servers.elements)
        }
        if let properties = wanted.properties?.property?.elements {
            attached.setCustom(Dictionary(properties.map { ($0.name, $0.value ?? "") }) { $1 })
        }
        put(attached)
    }

    /// A bond of the call counts as one, before it stands.
    private func stand(_ attached: inout AttachedNetwork, on device: String) {
        let asked = change.bondings[device].map { $0["remove"] == nil }
        attached.stand(on: device, isBond: asked ?? (host.bondings[device] != nil))
    }

    private mutating func put(_ attached: AttachedNetwork, isSure: Bool = false) {
        let (network, attributes) = (attached.network, attached.attributes)
        let asked = SetupNetworksParameters(networks: [network.name: attributes])
        // What the report does not show must be as it was ordered.
        if !isSure, ordered[network.id] == attributes, asked.stands(on: host) { return }
        change.networks[network.name] = attributes
    }

    private static func assign(
        _ assignment: WantedAttachmentResource.Assignment,
        to attached: inout AttachedNetwork
    ) throws(EngineError) {
        let ip = assignment.ip
        let method = assignment.assignment_method?.lowercased() ?? (ip?.address == nil ? "none" : "static")
        let isSix = ip?.version.map { $0.lowercased() == "v6" } ?? (ip?.address?.contains(":") ?? false)
        switch (method, isSix) {
        case ("none", false): attached.setAddress(nil)
        case ("dhcp", false): attached.setAddress(nil, isDHCP: true)
        case ("static", false):
            guard let address = address(ip) else {
                throw refusal("A static assignment has no usable address and netmask.", "Give both, as 255.255.255.0.")
            }
            attached.setAddress(address)
            if let gateway = ip?.gateway { attached.setGateway(gateway) }
        case ("none", true): attached.setAddress6(nil, gateway: nil, isDHCP: false, isAutomatic: false)
        case ("dhcp", true): attached.setAddress6(nil, gateway: nil, isDHCP: true, isAutomatic: false)
        case ("autoconf", true): attached.setAddress6(nil, gateway: nil, isDHCP: false, isAutomatic: true)
        case ("poly_dhcp_autoconf", true): attached.setAddress6(nil, gateway: nil, isDHCP: true, isAutomatic: true)
        case ("static", true):
            guard let text = ip?.address, let address = IPv6Network("\(text)/\(ip?.netmask ?? "64")") else {
                throw refusal("A static IPv6 assignment has no usable address and prefix.", "Give both, as 64.")
            }
            attached.setAddress6(address, gateway: ip?.gateway, isDHCP: false, isAutomatic: false)
        default:
            throw refusal(
                "\(terminalEscaped(method.prefix(32))) is no assignment_method.",
                "Send none, dhcp or static; for v6 also autoconf or poly_dhcp_autoconf."
            )
        }
    }

    private static func address(_ ip: WantedAttachmentResource.Address?) -> IPv4Network? {
        guard let ip, let address = ip.address.flatMap({ IPv4Address($0) }), let mask = ip.netmask else { return nil }
        if let length = Int(mask) { return IPv4Network(address, prefixLength: length) }
        return IPv4Address(mask).flatMap { IPv4Network(address, netmask: $0) }
    }

    // MARK: Labels

    private mutating func add(_ label: NICLabelResource) throws(EngineError) {
        guard let name = NetworkLabel(label.id)?.rawValue, let nic = label.host_nic?.text, !nic.isEmpty else {
            throw Self.refusal(
                "A label of a nic needs a name of 1 to \(NetworkLabel.lengthMax) letters, digits, _ and -, and the nic.",
                "Give both."
            )
        }
        let isThere = host.nics[nic] != nil || host.bondings[nic] != nil || change.bondings[nic] != nil
        guard isThere else {
            throw EngineError(
                .notFound,
                "The host has no nic or bond \(terminalEscaped(nic.prefix(64))).",
                remedy: "`muster host network HOST show` shows them."
            )
        }
        newLabels[name] = nic
        for network in networks where network.label == name { attach(network, to: nic) }
    }

    /// The networks of a label, on its nic.
    mutating func attach(_ network: NetworkRecord, to nic: String) {
        var attached = AttachedNetwork(network, ordered: ordered[network.id], on: host)
        stand(&attached, on: nic)
        put(attached)
    }

    private mutating func remove(_ label: NICLabelResource) throws(EngineError) {
        guard let nic = labels[label.id] else {
            throw EngineError(
                .notFound,
                "No nic of the host has the label \(terminalEscaped(label.id.prefix(64))).",
                remedy: "`muster host label HOST list` shows them."
            )
        }
        newLabels[label.id] = .some(nil)
        for network in networks where network.label == label.id { try letGo(network, of: nic) }
    }

    /// Takes a network from the nic that carried it for a label. One that somebody moved to another nic is his.
    mutating func letGo(_ network: NetworkRecord, of nic: String) throws(EngineError) {
        let order = ordered[network.id]
        let device =
            host.networks[network.name].map { $0.device(on: host) } ?? (order?["nic"] ?? order?["bonding"])?.text
        guard device == nic else { return }
        try remove(network)
    }

    private static func refusal(_ sentence: String, _ remedy: String) -> EngineError {
        EngineError(.invalid, sentence, remedy: remedy)
    }
}
