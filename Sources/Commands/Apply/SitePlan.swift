import EngineClient
import HostModel

/// What must be done so that a site is as its file says, in an order in which it can be done.
struct SitePlan: Sendable {
    struct Change: Sendable {
        /// `cluster east-1`.
        var what: String
        var isNew: Bool
        /// A line each.
        var lines: [String]
        var make: @Sendable (EngineSession) async throws -> Void
    }

    /// For programs.
    struct Shown: Encodable, Hashable {
        var what: String
        var action: String
        var changes: [String]
    }

    private(set) var changes: [Change] = []

    var shown: [Shown] {
        changes.map { Shown(what: $0.what, action: $0.isNew ? "add" : "update", changes: $0.lines) }
    }

    init(_ file: SiteFile, _ session: EngineSession) async throws {
        try await add(file.macpools, MACPoolResource.self, "MAC pool", \.name, session)
        try await add(file.datacenters, DataCenterResource.self, "data center", \.name, session)
        let clusters = file.clusters.map { $0.map(Self.withUsualSource) }
        try await add(clusters, ClusterResource.self, "cluster", \.name, session)
        try await addNetworks(file.networks ?? [], session)
        try await add(file.tags.map(Self.parentsFirst), TagResource.self, "tag", \.name, session)
        try await add(file.affinitylabels, AffinityLabelResource.self, "affinity label", \.name, session)
        try await addHosts(file.hosts ?? [], session)
    }

    /// Every cluster has it, whether a file says so or not.
    private static func withUsualSource(_ order: ClusterResource.Order) -> ClusterResource.Order {
        var order = order
        if let sources = order.required_rng_sources?.required_rng_source, !sources.contains("urandom") {
            order.required_rng_sources?.required_rng_source = ["urandom"] + sources
        }
        return order
    }

    private mutating func add<Resource: SiteResource>(
        _ orders: [Resource.Order]?,
        _ kind: Resource.Type,
        _ noun: String,
        _ name: (Resource.Order) -> String?,
        _ session: EngineSession
    ) async throws {
        guard let orders, !orders.isEmpty else { return }
        let standing = try await session.list(kind)
        var seen: Set<String> = []
        for order in orders {
            let name = try Self.name(name(order), noun)
            try Self.refuseTwice(seen.insert(name).inserted, "\(noun) \(name)")
            try add(order, standing.first { $0.name == name }, "\(noun) \(name)")
        }
    }

    /// Names of networks are a data center's own.
    private mutating func addNetworks(_ orders: [NetworkOrder], _ session: EngineSession) async throws {
        guard !orders.isEmpty else { return }
        let standing = try await session.list(NetworkResource.self)
        var seen: Set<String> = []
        for order in orders {
            let name = try Self.name(order.name, "network")
            let center = order.data_center
            let found = standing.filter { network in
                network.name == name
                    && (center.map { $0.text == network.data_center?.name || $0.id == network.data_center?.id } ?? true)
            }
            guard found.count < 2 else {
                throw UserError(
                    .badData,
                    "\(found.count) data centers have a network \(terminalEscaped(name))",
                    remedy: "say which with data_center"
                )
            }
            let place = center.map { " of data center \($0.text)" } ?? ""
            try Self.refuseTwice(seen.insert(name + place).inserted, "network \(name)\(place)")
            try add(order, found.first, "network \(name)\(place)")
        }
    }

    private mutating func add<Resource: SiteResource>(
        _ order: Resource.Order,
        _ standing: Resource?,
        _ what: String
    ) throws {
        let tree = try SiteDifference.tree(order)
        guard let standing else {
            changes.append(
                Change(what: what, isNew: true, lines: SiteDifference.lines(ofNew: tree)) { session in
                    // A new data center brings its management network along.
                    if let network = order as? NetworkOrder, let made = try await Self.made(network, session) {
                        _ = try await session.update(Resource.self, made, order)
                    } else {
                        _ = try await session.add(Resource.self, order)
                    }
                }
            )
            return
        }
        let lines = SiteDifference.lines(tree, try SiteDifference.tree(standing))
        guard !lines.isEmpty else { return }
        changes.append(
            Change(what: what, isNew: false, lines: lines) { session in
                _ = try await session.update(Resource.self, standing.id, order)
            }
        )
    }

    /// Hosts are not made by a file like this; they are what people say of them.
    private mutating func addHosts(_ entries: [SiteFile.Host], _ session: EngineSession) async throws {
        guard !entries.isEmpty else { return }
        let hosts = try await session.hosts()
        for entry in entries {
            let host = try UserError.host(entry.name, among: hosts)
            let tree = try SiteDifference.tree(entry.order)
            var lines = SiteDifference.lines(tree, try SiteDifference.tree(host))
            let (had, wanted) = (Set(host.muster.tags ?? []), entry.tags.map(Set.init))
            let (more, less) = (wanted?.subtracting(had) ?? [], wanted.map { had.subtracting($0) } ?? [])
            let isChanged = !lines.isEmpty
            lines += more.sorted().map { "tags: + \($0)" } + less.sorted().map { "tags: - \($0)" }
            guard !lines.isEmpty else { continue }
            changes.append(
                Change(what: "host \(host.name)", isNew: false, lines: lines) { session in
                    if isChanged { _ = try await session.updateHost(host.id, entry.order) }
                    for tag in more.sorted() {
                        let found = try await session.find(TagResource.self, tag)
                        try await session.mark(TagResource.self, found.id, host: host.id)
                    }
                    for tag in less.sorted() {
                        let found = try await session.find(TagResource.self, tag)
                        try await session.unmark(TagResource.self, found.id, host: host.id)
                    }
                }
            )
        }
    }

    private static func made(_ order: NetworkOrder, _ session: EngineSession) async throws -> String? {
        guard let center = order.data_center?.text else { return nil }
        return try await session.list(NetworkResource.self)
            .first { $0.name == order.name && $0.data_center?.name == center }?.id
    }

    /// A tag stands below one that is there by then.
    private static func parentsFirst(_ orders: [TagResource.Order]) -> [TagResource.Order] {
        var (waiting, sorted) = (orders, [TagResource.Order]())
        while !waiting.isEmpty {
            let names = Set(waiting.compactMap(\.name))
            let ready = waiting.filter { order in order.parent.map { !names.contains($0.text) } ?? true }
            // In a circle: the engine says what is wrong.
            guard !ready.isEmpty else { return sorted + waiting }
            sorted += ready
            waiting.removeAll { ready.contains($0) }
        }
        return sorted
    }

    private static func refuseTwice(_ isFirst: Bool, _ what: String) throws {
        guard !isFirst else { return }
        throw UserError(.badData, "the file has the \(terminalEscaped(what)) twice", remedy: "keep one of them")
    }

    private static func name(_ name: String?, _ noun: String) throws -> String {
        guard let name, !name.isEmpty else {
            throw UserError(.badData, "a \(noun) of the file has no name", remedy: "name it")
        }
        return name
    }
}
