import Engine
import HostModel

extension DataCenterResource {
    /// `levels`: of its clusters.
    init(_ record: DataCenterRecord, pools: [UniqueID: String], hosts: Int, levels: [String]) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name,
            muster: Muster(hosts: hosts, hosts_max: record.hostsMax)
        )
        (description, comment) = (record.description, record.comment)
        mac_pool = record.macPool.map { ResourcePath.link(MACPoolResource.collection, $0, name: pools[$0]) }
        version = ClusterResource.Version(level: levels.min() ?? ClusterRecord.levels.last ?? "4.7")
        supported_versions = ClusterResource.Versions(ClusterRecord.levels.map { .init(level: $0) })
        link = ["clusters", "networks"].map { WireLink($0, in: href) }
    }
}

extension ClusterResource.Version {
    /// `4.7`
    init(level: String) {
        let numbers = level.split(separator: ".").compactMap { Int($0) }
        self.init(major: numbers.first ?? 4, minor: numbers.last ?? 7)
    }
}

extension ClusterResource {
    /// What nothing heeds as long as there are no guests and no Gluster of ours.
    private static let notEnforced = [
        "ballooning_enabled", "error_handling", "firewall_type", "gluster_service", "ha_reservation", "ksm", "mac_pool",
        "maintenance_reason_required", "memory_policy", "migration", "optional_reason", "scheduling_policy",
        "switch_type", "threads_as_cores", "trusted_service", "tunnel_migration",
    ]

    init(_ record: ClusterRecord, centers: [UniqueID: String], pools: [UniqueID: String], hosts: Int) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name,
            in: ResourcePath.link(
                DataCenterResource.collection,
                record.dataCenter,
                name: centers[record.dataCenter]
            ),
            version: Version(level: record.level),
            policy: (SchedulingPolicy(rawValue: record.schedulingPolicy) ?? .none).link,
            muster: Muster(hosts: hosts, not_enforced: Self.notEnforced)
        )
        (description, comment) = (record.description, record.comment)
        cpu = Processor(architecture: record.architecture ?? "undefined", type: record.cpu)
        (virt_service, gluster_service) = (record.hasVirt, record.hasGluster)
        required_rng_sources = RandomSources(["urandom"] + record.rngSources.split(separator: " ").map(String.init))
        error_handling = ErrorHandling(on_error: record.onError)
        mac_pool = record.macPool.map { ResourcePath.link(MACPoolResource.collection, $0, name: pools[$0]) }
        supported_versions = Versions([version])
        fencing_policy = FencingPolicyResource(record.fencing ?? FencingPolicy())
        show(record.policies.complete)
        link = ["networks"].map { WireLink($0, in: href) }
    }
}

extension SchedulingPolicy {
    var link: ResourceLink {
        ResourceLink(id: id, href: ResourcePath.href("schedulingpolicies", id), name: rawValue)
    }
}

extension TagResource {
    init(_ record: TagRecord, names: [UniqueID: String]) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name
        )
        description = record.description
        parent = record.parent.map { ResourcePath.link(Self.collection, $0, name: names[$0]) }
    }
}

extension AffinityLabelResource {
    init(_ record: AffinityLabelRecord, hosts: [(id: UniqueID, name: HostName)]) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name,
            isImplicit: record.isImplicit,
            hosts: hosts.map { ResourcePath.link("hosts", $0.id, name: $0.name.rawValue) }
        )
        description = record.description
    }
}

extension MACPoolResource {
    init(_ record: MACPoolRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name,
            allowsDuplicates: record.allowsDuplicates,
            isDefault: record.isDefault,
            ranges: record.ranges.map { Range(from: "\($0.from)", to: "\($0.to)") }
        )
        description = record.description
    }
}
