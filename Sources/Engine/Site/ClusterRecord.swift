package import GRDB
package import HostModel

/// Hosts that can stand in for one another, and what is asked of them.
package struct ClusterRecord: SiteRecord {
    package typealias Resource = ClusterResource
    package static let databaseTableName = "cluster"
    package static let (noun, command) = ("cluster", "cluster")
    /// USER_ADD_CLUSTER and its like.
    package static let codes = SiteCodes(809, 811, 813)
    package static let search = SearchTable.clusters

    package var id: UniqueID
    package var name: String
    package var description: String
    package var dataCenter: UniqueID
    package var comment = ""
    /// The compatibility level, `4.7`.
    package var level = "4.7"
    /// A guest CPU model; `nil`: any processor.
    package var cpu: String?
    /// What an order or the first host decided.
    package var architecture: String?
    package var emulatedMachine: String?
    /// Beyond `random`, divided by spaces.
    package var rngSources = ""
    package var hasVirt = true
    package var hasGluster = false
    /// Kept and shown; guests are nobody's here yet.
    package var onError = "migrate"
    package var schedulingPolicy = SchedulingPolicy.none.rawValue
    package var macPool: UniqueID?

    package init(id: UniqueID, in db: Database) throws {
        guard let center = try UniqueID.fetchOne(db, sql: Self.usualDataCenter) else {
            throw EngineError(.conflict, "There is no data center.", remedy: "Make one: `muster datacenter add NAME`.")
        }
        (self.id, name, description, dataCenter) = (id, "", "", center)
    }

    static let usualDataCenter = "SELECT id FROM dataCenter ORDER BY name <> 'Default', name LIMIT 1"
    package static let levels = ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"]
    private static let cpuMax = 64

    package mutating func take(_ order: ClusterResource.Order, in db: Database) throws {
        if let comment = order.comment { self.comment = SiteText.description(comment) }
        if let center = order.data_center { try move(to: DataCenterRecord.require(center, in: db), in: db) }
        if let version = order.version {
            level = try Self.known(
                "\(version.major.value).\(version.minor.value)",
                of: Self.levels,
                "A cluster's version"
            )
        }
        if let cpu = order.cpu { try take(cpu, in: db) }
        if let sources = order.required_rng_sources?.required_rng_source {
            let known = ["hwrng", "random", "urandom"]
            for source in sources { _ = try Self.known(source, of: known, "A source of randomness") }
            rngSources = known.filter { $0 == "hwrng" && sources.contains($0) }.joined(separator: " ")
        }
        (hasVirt, hasGluster) = (order.virt_service ?? hasVirt, order.gluster_service ?? hasGluster)
        guard hasVirt || hasGluster else {
            throw EngineError(
                .invalid,
                "A cluster without virtualization and without Gluster serves nothing.",
                remedy: "Leave virt_service true."
            )
        }
        if let word = order.error_handling?.on_error {
            onError = try Self.known(
                word,
                of: ["migrate", "migrate_highly_available", "do_not_migrate"],
                "What becomes of guests of a failed host"
            )
        }
        if let policy = order.scheduling_policy { schedulingPolicy = try SchedulingPolicy(policy).rawValue }
        if let pool = order.mac_pool { macPool = try MACPoolRecord.chosen(pool, in: db) }
    }

    private mutating func take(_ processor: ClusterResource.Processor, in db: Database) throws {
        if let type = processor.type {
            guard type.utf8.count <= Self.cpuMax, !type.contains(where: { $0.isNewline || $0 == "\0" }) else {
                throw EngineError(.invalid, "A CPU type has at most \(Self.cpuMax) octets.", remedy: "Name a model.")
            }
            cpu = type.isEmpty ? nil : type
        }
        if let wanted = processor.architecture, wanted != (architecture ?? "undefined") {
            let known = [
                "undefined", Architecture.x86.rawValue, Architecture.arm.rawValue, Architecture.power.rawValue,
            ]
            try checkEmpty("its architecture stays", in: db)
            architecture = try Self.known(wanted, of: known, "An architecture") == "undefined" ? nil : wanted
        }
    }

    /// Networks are the data center's, so only an empty cluster goes to another one.
    private mutating func move(to center: DataCenterRecord, in db: Database) throws {
        guard center.id != dataCenter else { return }
        try checkEmpty("it stays in its data center", in: db)
        dataCenter = center.id
    }

    package func checkRemoval(in db: Database) throws {
        try checkEmpty("it cannot be removed", in: db)
        guard try ClusterRecord.fetchCount(db) > 1 else {
            throw EngineError(
                .conflict,
                "\(name) is the only cluster; machines that register need one.",
                remedy: "Make another one first."
            )
        }
    }

    private func checkEmpty(_ so: String, in db: Database) throws {
        let hosts = try HostName.fetchAll(
            db,
            sql: "SELECT name FROM host WHERE cluster = ? ORDER BY name LIMIT 6",
            arguments: [id]
        )
        guard !hosts.isEmpty else { return }
        let names = hosts.prefix(5).map(\.rawValue).joined(separator: ", ")
        throw EngineError(
            .conflict,
            "The cluster \(name) has hosts (\(names)\(hosts.count > 5 ? ", …" : "")), so \(so).",
            remedy: "Move them first: `muster host update HOST --cluster OTHER`."
        )
    }

    private static func known(_ word: String, of words: [String], _ what: String) throws -> String {
        guard words.contains(word) else {
            throw EngineError(
                .invalid,
                "\(what) is never \"\(terminalEscaped(word.prefix(64)))\".",
                remedy: "Give one of \(words.joined(separator: ", "))."
            )
        }
        return word
    }
}

/// oVirt's own policies under their ids there. Stored and shown; nothing places guests yet.
package enum SchedulingPolicy: String, CaseIterable, Sendable {
    case none
    case evenlyDistributed = "evenly_distributed"
    case vmEvenlyDistributed = "vm_evenly_distributed"
    case powerSaving = "power_saving"
    case clusterMaintenance = "cluster_maintenance"

    package var id: String {
        switch self {
        case .none: "b4ed2332-a7ac-4d5f-9596-99a439cb2812"
        case .evenlyDistributed: "20d25257-b4bd-4589-92a6-c4c5c5d3fd1a"
        case .vmEvenlyDistributed: "8d5d7bec-68de-4a67-b53e-0ac54686d579"
        case .powerSaving: "5a2b0939-7d46-4b73-a469-e9c2c7fc6a53"
        case .clusterMaintenance: "7677771e-5eab-422e-83fa-dc04080d21b7"
        }
    }

    init(_ reference: WireReference) throws {
        guard let found = Self.allCases.first(where: { $0.id == reference.id || $0.rawValue == reference.text }) else {
            throw EngineError(
                .notFound,
                "There is no scheduling policy \(terminalEscaped(reference.text.prefix(64))).",
                remedy: "Give one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))."
            )
        }
        self = found
    }
}

extension ClusterRecord {
    /// The management network of the host's data center; of the usual one for a host that is not there yet.
    static func managementNetwork(of host: UniqueID?, in db: Database) throws -> NetworkRecord? {
        let known = try host.flatMap { try HostRow.fetch($0, in: db)?.cluster }
        let center = try known.map { try require($0, in: db).dataCenter } ?? UniqueID.fetchOne(db, sql: usualDataCenter)
        return try NetworkRecord.fetchAll(in: db).first { $0.isManagement && $0.dataCenter == center }
    }
}
