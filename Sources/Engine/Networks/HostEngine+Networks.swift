import GRDB
package import HostModel

// Logical networks of the data center: what people make, change and take away.

extension HostEngine {
    package func addNetwork(_ order: NetworkOrder, by user: String, correlation: String?) async throws(EngineError)
        -> NetworkRecord
    {
        let context = context(by: user, correlation)
        return try await store.write { [store] db in
            let center = try Self.dataCenter(order, in: db)
            var network = NetworkRecord(
                id: .random(),
                name: order.name ?? "",
                description: "",
                dataCenter: center.id,
                mtu: 0,
                vlan: nil,
                usages: ["vm"],
                isRequired: false
            )
            try network.take(order)
            try network.check(among: try NetworkRecord.fetchAll(in: db))
            try network.insert(in: db)
            let text = "Network \(network.name) was added to the data center \(center.name)."
            try store.record(network.occurrence(.networkAdded, text, context), at: context.now, in: db)
            return network
        }
    }

    /// A label that it had goes from it together with what it attached. What changes of `required` and `usages` changes in all
    /// clusters that had the same.
    package func updateNetwork(
        _ id: UniqueID,
        _ order: NetworkOrder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> NetworkRecord {
        let context = context(by: user, correlation)
        let (former, wanted) = try await store.read { db in
            let all = try NetworkRecord.fetchAll(in: db)
            return (try NetworkRecord.existing(id, among: all), try NetworkRecord.changed(id, by: order, among: all))
        }
        if wanted.label != former.label {
            try await letGo(former, instead: wanted.label, by: user, correlation: correlation)
        }
        return try await store.write { [store] db in
            let all = try NetworkRecord.fetchAll(in: db)
            let network = try NetworkRecord.changed(id, by: order, among: all)
            try network.update(in: db)
            try network.setInClusters(instead: NetworkRecord.existing(id, among: all), in: db)
            let text =
                "Network \(network.name) was changed; hosts that carry it are out of sync until it is attached anew."
            try store.record(network.occurrence(.networkUpdated, text, context), at: context.now, in: db)
            return network
        }
    }

    /// Hosts that carry it go on carrying it; it is nobody's there.
    package func removeNetwork(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        let context = context(by: user, correlation)
        try await store.write { [store] db in
            let network = try NetworkRecord.existing(id, among: try NetworkRecord.fetchAll(in: db))
            guard !network.isManagement else {
                throw EngineError(
                    .conflict,
                    "\(network.name) is the management network and cannot be removed.",
                    remedy: "The engine reaches its hosts over it."
                )
            }
            try db.execute(sql: "DELETE FROM network WHERE id = ?", arguments: [id])
            let text = "Network \(network.name) was removed from the data center."
            try store.record(network.occurrence(.networkRemoved, text, context), at: context.now, in: db)
        }
    }

    private static func dataCenter(_ order: NetworkOrder, in db: Database) throws -> DataCenterRecord {
        if let reference = order.data_center { return try DataCenterRecord.require(reference, in: db) }
        guard let id = try UniqueID.fetchOne(db, sql: ClusterRecord.usualDataCenter) else {
            throw EngineError(.conflict, "There is no data center.", remedy: "Make one: `muster datacenter add NAME`.")
        }
        return try DataCenterRecord.require(id, in: db)
    }

    /// By name or id, among those of the host's cluster.
    func network(_ reference: String, of host: UniqueID) async throws(EngineError) -> NetworkRecord {
        let all = try await networks(of: host)
        guard let found = all.first(where: { $0.name == reference || $0.id.rawValue == reference }) else {
            throw EngineError(
                .notFound,
                "There is no network \(terminalEscaped(reference.prefix(64))) in the host's cluster.",
                remedy:
                    "`muster network list` shows the networks; `muster network add NAME` makes one; `muster cluster network CLUSTER add NETWORK` puts it back into a cluster."
            )
        }
        return found
    }
}

extension EventCode {
    /// NETWORK_ADD_NETWORK, NETWORK_UPDATE_NETWORK, NETWORK_REMOVE_NETWORK.
    package static let networkAdded = EventCode(rawValue: 942)
    package static let networkUpdated = EventCode(rawValue: 1114)
    package static let networkRemoved = EventCode(rawValue: 944)
    /// Ours: a host's networks were changed, or were not.
    package static let hostNetworksChanged = EventCode(rawValue: 20_063)
    package static let hostNetworksFailed = EventCode(rawValue: 20_064)
}

extension NetworkRecord {
    func occurrence(_ code: EventCode, _ text: String, _ context: TransitionContext) -> Occurrence {
        Occurrence(code, .normal, text, user: context.user, correlation: context.correlation)
    }

    static func existing(_ id: UniqueID, among all: [NetworkRecord]) throws -> NetworkRecord {
        guard let network = all.first(where: { $0.id == id }) else {
            throw EngineError(.notFound, "There is no network with this id.", remedy: "List them.")
        }
        return network
    }

    /// The network as an order makes it, checked.
    fileprivate static func changed(_ id: UniqueID, by order: NetworkOrder, among all: [NetworkRecord]) throws
        -> NetworkRecord
    {
        var network = try existing(id, among: all)
        if network.isManagement, order.name.map({ $0 != network.name }) ?? false {
            throw EngineError(.conflict, "The management network keeps its name.", remedy: "Change something else.")
        }
        try network.take(order)
        try network.check(among: all.filter { $0.id != id })
        return network
    }

    /// What is left out stays as it is.
    fileprivate mutating func take(_ order: NetworkOrder) throws {
        func refuse(_ sentence: String) -> EngineError {
            EngineError(.invalid, sentence, remedy: "Give another value.")
        }
        if let name = order.name { self.name = name }
        if let description = order.description { self.description = String(description.prefix(Self.descriptionMax)) }
        if let comment = order.comment { self.comment = SiteText.description(comment) }
        guard order.stp?.value != true, order.port_isolation?.value != true else {
            throw EngineError(
                .conflict,
                "Bridges here have no spanning tree and do not keep guests apart: stp and port_isolation stay false.",
                remedy: "Leave them out; bridge_opts of a host's attachment has a bridge's other settings."
            )
        }
        if let text = order.mtu {
            guard let number = Int(text), number == 0 || WantedNetwork.mtuRange.contains(number) else {
                throw refuse(
                    "mtu is 0 (the default) or \(WantedNetwork.mtuRange.lowerBound) to \(WantedNetwork.mtuRange.upperBound)."
                )
            }
            mtu = number
        }
        if let tag = order.vlan {
            guard tag.id.isEmpty || Int(tag.id).map(WantedNetwork.vlanRange.contains) ?? false else {
                throw refuse("A VLAN id is 0 to 4094.")
            }
            vlan = Int(tag.id)
        }
        if let wanted = order.usages?.usage {
            let unknown = wanted.filter { !Self.usageNames.contains($0) }
            guard unknown.isEmpty else { throw refuse("Usages are \(Self.usageNames.joined(separator: ", ")).") }
            guard wanted.contains("management") == isManagement else {
                throw refuse("Which network is the management network is not changed here.")
            }
            usages = Self.usageNames.filter(wanted.contains)
        }
        if let required = order.required {
            guard required || !isManagement else { throw refuse("The management network is always required.") }
            isRequired = required
        }
        if let wanted = order.label {
            guard !isManagement || wanted.isEmpty else { throw refuse("The management network has no label.") }
            guard wanted.isEmpty || NetworkLabel(wanted) != nil else {
                throw refuse("A label has 1 to \(NetworkLabel.lengthMax) letters, digits, _ and -.")
            }
            label = wanted.isEmpty ? nil : wanted
        }
    }

    private static let descriptionMax = 1024

    /// The name is also that of a bridge on every host: VDSM's rules hold.
    fileprivate func check(among others: [NetworkRecord]) throws {
        do throws(NetworkRefusal) {
            let attributes = NetworkAttributes(["bridged": "true"])
            _ = try WantedNetwork(name: name, attributes: attributes)
        } catch {
            throw EngineError(.invalid, error.message + ".", remedy: "Give another name.")
        }
        guard !others.contains(where: { $0.name == name && $0.dataCenter == dataCenter }) else {
            throw EngineError(
                .conflict,
                "There is a network \(name) in the data center already.",
                remedy: "Give another name."
            )
        }
    }

    private var arguments: StatementArguments {
        [name, description, comment, mtu, vlan, usages.joined(separator: " "), isRequired, label, id]
    }

    fileprivate func insert(in db: Database) throws {
        try db.execute(
            sql:
                "INSERT INTO network (name, description, comment, mtu, vlan, usages, isRequired, label, id, dataCenter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: arguments + [dataCenter]
        )
    }

    fileprivate func update(in db: Database) throws {
        try db.execute(
            sql:
                "UPDATE network SET name = ?, description = ?, comment = ?, mtu = ?, vlan = ?, usages = ?, isRequired = ?, label = ? WHERE id = ?",
            arguments: arguments
        )
    }
}
