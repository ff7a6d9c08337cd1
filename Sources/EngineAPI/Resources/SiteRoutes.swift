import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `datacenters`, `clusters`, `tags`, `affinitylabels`, `macpools` and `schedulingpolicies`; and what hosts are marked with.
struct SiteRoutes {
    let engine: HostEngine

    private struct PolicyCollection: Codable, WireDocument {
        static let element = "scheduling_policies"
        var scheduling_policy: [ResourceLink]
    }

    /// Nothing but its name is known of one.
    private struct PolicyShown: Codable, WireDocument {
        static let element = "scheduling_policy"
        var link: ResourceLink
        init(_ link: ResourceLink) { self.link = link }
        init(from decoder: any Decoder) throws { link = try ResourceLink(from: decoder) }
        func encode(to encoder: any Encoder) throws { try link.encode(to: encoder) }
    }

    private struct LabelledGuests: Codable, WireDocument {
        static let element = "vms"
        var vm: [ResourceLink] = []
    }

    private struct LabelledHosts: Codable, WireDocument {
        static let element = "hosts"
        var host: [ResourceLink]
    }

    func add(to api: some RouterMethods<APIContext>) {
        add(DataCenterRecord.self, to: api) { records in try await dataCenters(records) }
        add(ClusterRecord.self, to: api) { records in try await clusters(records) }
        add(TagRecord.self, to: api) { records in try await tags(records) }
        add(AffinityLabelRecord.self, to: api) { records in try await labels(records) }
        add(MACPoolRecord.self, to: api) { $0.map(MACPoolResource.init) }
        addMarks(TagRecord.self, to: api) { records in try await tags(records) }
        addMarks(AffinityLabelRecord.self, to: api) { records in try await labels(records) }
        addLabelledHosts(to: api.group("affinitylabels/:id/hosts"))
        // There are no guests yet; who takes a label away looks for them first.
        api.get(
            "affinitylabels/:id/vms",
            .list("Guests with an affinity label: none", LabelledGuests.self)
        ) { _, context in
            _ = try await engine.one(AffinityLabelRecord.self, context.id(of: "affinity label"))
            return try await context.answer(LabelledGuests())
        }
        addPolicies(to: api.group("schedulingpolicies"))
    }

    private func addPolicies(to policies: some RouterMethods<APIContext>) {
        policies.get(.list("oVirt's scheduling policies", PolicyCollection.self)) { _, context in
            let links = SchedulingPolicy.allCases.map(\.link)
            return try await context.answer(PolicyCollection(scheduling_policy: links))
        }
        policies.get(":id", .show("A scheduling policy", PolicyShown.self)) { _, context in
            let id = try context.parameters.require("id")
            guard let policy = SchedulingPolicy.allCases.first(where: { $0.id == id }) else {
                throw Fault.notFound(
                    "There is no scheduling policy with the id \(id.prefix(64)).",
                    remedy: "List them to see ids."
                )
            }
            return try await context.answer(PolicyShown(policy.link))
        }
    }

    /// The same marks, seen from the label.
    private func addLabelledHosts(to hosts: some RouterMethods<APIContext>) {
        hosts.get(.list("Hosts with an affinity label", LabelledHosts.self)) { _, context in
            let label = try await engine.one(AffinityLabelRecord.self, context.id(of: "affinity label"))
            let marked = try await engine.hostsOfAffinityLabels()[label.id] ?? []
            let links = marked.map { ResourcePath.link("hosts", $0.id, name: $0.name.rawValue) }
            return try await context.answer(LabelledHosts(host: links))
        }
        hosts.post(.add("Gives a host an affinity label", WireReference.self, HostResource.self)) { request, context in
            let label = try context.id(of: "affinity label")
            let reference = try await request.read(WireReference.self, HostResource.element)
            let host = try await host(reference)
            _ = try await engine.mark(
                AffinityLabelRecord.self,
                WireReference(id: label.rawValue),
                on: host.id,
                by: context.user,
                correlation: context.correlation
            )
            return try context.created(HostResource(host))
        }
        hosts.delete(":host", .remove("Takes an affinity label from a host")) { _, context in
            let label = try context.id(of: "affinity label")
            try await engine.unmark(
                AffinityLabelRecord.self,
                WireReference(id: label.rawValue),
                on: context.id(of: "host", at: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }

    private func host(_ reference: WireReference) async throws -> HostRecord {
        if let id = reference.id.flatMap(UniqueID.init(rawValue:)) { return try await engine.host(id) }
        guard HostName(reference.text) != nil,
            let found = try await engine.hosts(matching: HostFilter(name: reference.text)).first
        else {
            throw Fault.notFound("There is no host \(reference.text.prefix(64)).", remedy: "GET hosts lists them.")
        }
        return found
    }

    private func dataCenters(_ records: [DataCenterRecord]) async throws -> [DataCenterResource] {
        let (counts, pools) = (try await engine.hostCountsOfSite().dataCenters, try await pools())
        let clusters = try await engine.all(ClusterRecord.self)
        return records.map { record in
            let levels = clusters.filter { $0.dataCenter == record.id }.map(\.level)
            return DataCenterResource(record, pools: pools, hosts: counts[record.id] ?? 0, levels: levels)
        }
    }

    func clusters(_ records: [ClusterRecord]) async throws -> [ClusterResource] {
        let counts = try await engine.hostCountsOfSite().clusters
        let centers = try await engine.all(DataCenterRecord.self)
        let names = centers.reduce(into: [:]) { $0[$1.id] = $1.name }
        let (all, networks) = (try await engine.all(MACPoolRecord.self), try await engine.networks())
        let pools: [UniqueID: String] = all.reduce(into: [:]) { $0[$1.id] = $1.name }
        let usual = all.first { $0.isDefault }?.id
        return records.map { record in
            var record = record
            // One that names none takes its data center's, or else the default one; oVirt's clients expect to be told which.
            record.macPool = record.macPool ?? centers.first { $0.id == record.dataCenter }?.macPool ?? usual
            var cluster = ClusterResource(record, centers: names, pools: pools, hosts: counts[record.id] ?? 0)
            let management = networks.first { $0.isManagement && $0.dataCenter == record.dataCenter }
            cluster.management_network = management.map { ResourcePath.link("networks", $0.id, name: $0.name) }
            return cluster
        }
    }

    /// The names of MAC pools.
    private func pools() async throws -> [UniqueID: String] {
        try await engine.all(MACPoolRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
    }

    private func tags(_ records: [TagRecord]) async throws -> [TagResource] {
        let names = try await engine.all(TagRecord.self).reduce(into: [:]) { $0[$1.id] = $1.name }
        return records.map { TagResource($0, names: names) }
    }

    private func labels(_ records: [AffinityLabelRecord]) async throws -> [AffinityLabelResource] {
        let hosts = try await engine.hostsOfAffinityLabels()
        return records.map { AffinityLabelResource($0, hosts: hosts[$0.id] ?? []) }
    }

    /// List, show, make, change and remove.
    private func add<Record: SiteRecord>(
        _ kind: Record.Type,
        to api: some RouterMethods<APIContext>,
        _ shown: @escaping @Sendable ([Record]) async throws -> [Record.Resource]
    ) where Record.Resource: SearchedResource {
        let group = api.group(RouterPath(Record.Resource.collection))
        group.get(
            .list("Every \(Record.noun)", SiteCollection<Record.Resource>.self, fields: Record.Resource.searchFields)
        ) { request, context in
            let list = try ListQuery(request.query, fields: Record.Resource.searchFields, limit: .max)
            return try await context.answer(SiteCollection(list.page(of: try await shown(engine.all(kind)))))
        }
        group.get(":id", .show("A \(Record.noun)", Record.Resource.self)) { _, context in
            let record = try await engine.one(kind, context.id(of: Record.noun))
            return try await context.answer(try await shown([record])[0])
        }
        group.post(
            .add("Makes a \(Record.noun)", Record.Resource.Order.self, Record.Resource.self)
        ) { request, context in
            let order = try await request.read(Record.Resource.Order.self, Record.Resource.element)
            let made = try await engine.add(kind, order, by: context.user, correlation: context.correlation)
            return try context.created(try await shown([made])[0])
        }
        group.put(
            ":id",
            .change("Changes a \(Record.noun)", Record.Resource.Order.self, Record.Resource.self)
        ) { request, context in
            let id = try context.id(of: Record.noun)
            let order = try await request.read(Record.Resource.Order.self, Record.Resource.element)
            let changed = try await engine.update(kind, id, order, by: context.user, correlation: context.correlation)
            return try await context.answer(try await shown([changed])[0])
        }
        group.delete(":id", .remove("Removes a \(Record.noun)")) { _, context in
            let id = try context.id(of: Record.noun)
            try await engine.remove(kind, id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }

    /// `hosts/ID/tags` and its like: what a host has, more of it, and less.
    private func addMarks<Mark: HostMark>(
        _ kind: Mark.Type,
        to api: some RouterMethods<APIContext>,
        _ shown: @escaping @Sendable ([Mark]) async throws -> [Mark.Resource]
    ) {
        let group = api.group(RouterPath("hosts/:id/\(Mark.Resource.collection)"))
        group.get(.list("Every \(Mark.noun) of a host", SiteCollection<Mark.Resource>.self)) { _, context in
            let marks = try await engine.marks(kind, of: context.id(of: "host"))
            return try await context.answer(SiteCollection(try await shown(marks)))
        }
        group.get(":mark", .show("A \(Mark.noun) of a host", Mark.Resource.self)) { _, context in
            let id = try context.parameters.require("mark")
            let marks = try await engine.marks(kind, of: context.id(of: "host"))
            guard let mark = marks.first(where: { $0.id.rawValue == id }) else {
                throw Fault.notFound("The host has no \(Mark.noun) \(id.prefix(64)).", remedy: "List what it has.")
            }
            return try await context.answer(try await shown([mark])[0])
        }
        group.post(.add("Gives a host a \(Mark.noun)", WireReference.self, Mark.Resource.self)) { request, context in
            let id = try context.id(of: "host")
            let reference = try await request.read(WireReference.self, Mark.Resource.element)
            let mark = try await engine.mark(
                kind,
                reference,
                on: id,
                by: context.user,
                correlation: context.correlation
            )
            return try context.created(try await shown([mark])[0])
        }
        group.delete(":mark", .remove("Takes a \(Mark.noun) from a host")) { _, context in
            let reference = WireReference(id: try context.parameters.require("mark"))
            try await engine.unmark(
                kind,
                reference,
                on: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }
}
