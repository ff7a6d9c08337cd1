package import HostModel

/// The parameters of `Host.setupNetworks` as they come: which attributes are right is `NetworkRequest`'s to say.
package struct SetupNetworksParameters: Hashable, Sendable {
    package struct Options: Hashable, Sendable {
        /// Whether to wait for the engine's voice after the change.
        package var connectivityCheck = true
        /// Seconds.
        package var connectivityTimeout = 4
        package var commitOnSuccess = false
        package init() {}
    }

    /// VDSM takes any; a longer wait than this would hold the lock on the network for nothing.
    package static let connectivityTimeoutMax = 600

    package var networks: [String: NetworkAttributes] = [:]
    package var bondings: [String: NetworkAttributes] = [:]
    package var options = Options()

    package init(
        networks: [String: NetworkAttributes] = [:],
        bondings: [String: NetworkAttributes] = [:],
        options: Options = Options()
    ) {
        (self.networks, self.bondings, self.options) = (networks, bondings, options)
    }

    /// Reads the `params` of the call: an object, or the list `[networks, bondings, options]`.
    package init(params: JSONValue) throws(RPCError) {
        let list = params.array
        func part(_ name: String, _ index: Int) throws(RPCError) -> [String: JSONValue] {
            let value = list.map { index < $0.count ? $0[index] : .null } ?? params[name] ?? .null
            guard value != .null else { return [:] }
            guard let members = value.object else { throw RPCError(.invalidParams, "\(name) must be an object") }
            return members
        }
        networks = try Self.attributes(of: part("networks", 0))
        bondings = try Self.attributes(of: part("bondings", 1))
        options = try Options(part("options", 2))
    }

    private static func attributes(
        of members: [String: JSONValue]
    ) throws(RPCError) -> [String: NetworkAttributes] {
        var result: [String: NetworkAttributes] = [:]
        for (name, value) in members {
            guard let attributes = value.object else { throw RPCError(.badParameters, "\(name) must be an object") }
            result[name] = NetworkAttributes(attributes.compactMapValues(AttributeValue.init))
        }
        return result
    }

    /// The `params` of the call.
    package var params: JSONValue {
        func json(_ entities: [String: NetworkAttributes]) -> JSONValue {
            .object(entities.mapValues { .object($0.values.mapValues(JSONValue.init)) })
        }
        return .object([
            "networks": json(networks), "bondings": json(bondings),
            "options": .object([
                "connectivityCheck": .string(options.connectivityCheck ? "true" : "false"),
                "connectivityTimeout": .integer(Int64(options.connectivityTimeout)),
                "commitOnSuccess": .boolean(options.commitOnSuccess),
            ]),
        ])
    }
}

extension SetupNetworksParameters.Options {
    init(_ members: [String: JSONValue]) throws(RPCError) {
        func value(_ name: String) -> AttributeValue? { members[name].flatMap(AttributeValue.init) }
        if let flag = value("connectivityCheck") { connectivityCheck = try Self.flag("connectivityCheck", flag) }
        if let flag = value("commitOnSuccess") { commitOnSuccess = try Self.flag("commitOnSuccess", flag) }
        guard let timeout = value("connectivityTimeout") else { return }
        guard let seconds = timeout.integer, (0...SetupNetworksParameters.connectivityTimeoutMax).contains(seconds)
        else {
            throw RPCError(
                .badParameters,
                "connectivityTimeout must be 0 to \(SetupNetworksParameters.connectivityTimeoutMax) seconds"
            )
        }
        connectivityTimeout = seconds
    }

    private static func flag(_ name: String, _ value: AttributeValue) throws(RPCError) -> Bool {
        guard let flag = value.boolean else { throw RPCError(.badParameters, "\(name) must be true or false") }
        return flag
    }
}

extension AttributeValue {
    /// `nil` for null, which means absent (ovirt.md 6.2).
    package init?(_ value: JSONValue) {
        switch value {
        case .null: return nil
        case .boolean(let flag): self = .text(flag ? "true" : "false")
        case .integer(let number): self = .text(String(number))
        case .number(let number): self = .text(String(number))
        case .string(let text): self = .text(text)
        case .array(let elements): self = .list(elements.compactMap(AttributeValue.init))
        case .object(let members): self = .map(members.compactMapValues(AttributeValue.init))
        }
    }
}

extension JSONValue {
    package init(_ value: AttributeValue) {
        switch value {
        case .text(let text): self = .string(text)
        case .list(let elements): self = .array(elements.map(JSONValue.init))
        case .map(let members): self = .object(members.mapValues(JSONValue.init))
        }
    }
}
