import HostModel

/// A row of questions whose answers become settings. Pure: it says what to ask next and judges each answer.
struct ConsoleForm: Sendable {
    enum Kind: Sendable {
        case network
        case engine
    }

    private enum Field: Sendable {
        case link
        case vlan
        case address
        case gateway
        case nameservers
        case hostName
        case engine
        case fingerprint
        case confirmation
    }

    enum Outcome: Sendable {
        case next
        /// The answer is not usable; the text says why, and the same question comes again.
        case refused(String)
        case save(NodeSettings)
        case discard
    }

    let kind: Kind
    private var settings: NodeSettings
    private var network: NodeSettings.Network
    private var fields: [Field]
    /// What holds without a setting, to be shown.
    private let configuration: NodeConfiguration

    init(_ kind: Kind, _ configuration: NodeConfiguration) {
        (self.kind, self.configuration, settings) = (kind, configuration, configuration.settings)
        network = configuration.settings.network ?? NodeSettings.Network()
        switch kind {
        case .network: fields = [.link, .vlan, .address, .gateway, .nameservers, .hostName, .confirmation]
        case .engine: fields = [.engine, .fingerprint, .confirmation]
        }
    }

    /// The current question with the value that an empty answer keeps.
    var question: String {
        switch fields.first {
        case .link: ask("Interface, - for automatic", network.link?.rawValue ?? "automatic")
        case .vlan: ask("VLAN number, - for none", network.vlan.map(String.init) ?? "none")
        case .address: ask("Address with prefix length, - for DHCP", network.address?.description ?? "DHCP")
        case .gateway: ask("Gateway, - for none", network.gateway?.description ?? "none")
        case .nameservers:
            ask("Name servers, - for those of DHCP", network.nameservers.isEmpty ? "DHCP's" : list(network.nameservers))
        case .hostName: ask("Host name, - for automatic", settings.hostName?.rawValue ?? "automatic")
        case .engine: ask("Engine, HOST or HOST:PORT", configuration.engine?.description ?? "none")
        case .fingerprint:
            ask("SHA-256 fingerprint of its CA, - for none", settings.engineFingerprint?.description ?? "none")
        case .confirmation: "Save and apply? (y/n): "
        case nil: ""
        }
    }

    mutating func take(_ answer: String) -> Outcome {
        guard let field = fields.first else { return .discard }
        if field == .confirmation { return answer.lowercased() == "y" ? .save(finished()) : .discard }
        if !answer.isEmpty, let refusal = answer == "-" ? clear(field) : set(field, answer) { return .refused(refusal) }
        fields.removeFirst()
        skipWhatDoesNotApply()
        return .next
    }

    private func ask(_ text: String, _ current: String) -> String { "\(text) [\(current)]: " }

    private func list(_ addresses: [IPv4Address]) -> String { addresses.map(\.description).joined(separator: " ") }

    /// A VLAN needs a named interface; a gateway a fixed address.
    private mutating func skipWhatDoesNotApply() {
        if network.link == nil {
            network.vlan = nil
            fields.removeAll { $0 == .vlan }
        }
        if fields.first == .gateway, network.address == nil {
            network.gateway = nil
            fields.removeFirst()
        }
    }

    private mutating func clear(_ field: Field) -> String? {
        switch field {
        case .link: network.link = nil
        case .vlan: network.vlan = nil
        case .address: network.address = nil
        case .gateway: network.gateway = nil
        case .nameservers: network.nameservers = []
        case .hostName: settings.hostName = nil
        case .engine: (settings.engine, settings.engineFingerprint) = (nil, nil)
        case .fingerprint: settings.engineFingerprint = nil
        case .confirmation: break
        }
        return nil
    }

    /// `nil` when the answer was taken.
    private mutating func set(_ field: Field, _ answer: String) -> String? {
        switch field {
        case .link: return set(LinkName(answer), \.network.link, "That is no interface name.")
        case .vlan:
            let id = Int(answer).flatMap { (1...4094).contains($0) ? $0 : nil }
            return set(id, \.network.vlan, "A VLAN number is 1 to 4094.")
        case .address: return set(IPv4Network(answer), \.network.address, "Expected something like 192.0.2.5/24.")
        case .gateway: return set(IPv4Address(answer), \.network.gateway, "That is no IPv4 address.")
        case .nameservers: return setNameservers(answer)
        case .hostName:
            return set(HostName(answer), \.settings.hostName, "A host name has letters, digits, hyphens, dots.")
        case .engine: return set(EngineAddress(answer), \.settings.engine, "Expected HOST or HOST:PORT.")
        case .fingerprint:
            let digits = answer.filter { $0 != ":" }
            return set(Nonce(hex: digits), \.settings.engineFingerprint, "Expected 64 hex digits.")
        case .confirmation: return nil
        }
    }

    private mutating func set<Value>(
        _ value: Value?,
        _ target: WritableKeyPath<Self, Value?>,
        _ refusal: String
    ) -> String? {
        guard let value else { return refusal }
        self[keyPath: target] = value
        return nil
    }

    private mutating func setNameservers(_ answer: String) -> String? {
        let words = answer.split { $0 == " " || $0 == "," }
        let addresses = words.compactMap { IPv4Address($0) }
        guard addresses.count == words.count, addresses.count <= Lease.nameserversMax else {
            return "Expected at most \(Lease.nameserversMax) IPv4 addresses."
        }
        network.nameservers = addresses
        return nil
    }

    private func finished() -> NodeSettings {
        var settings = settings
        if kind == .network { settings.network = network == NodeSettings.Network() ? nil : network }
        return settings
    }
}
