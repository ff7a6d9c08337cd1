// swift-format-ignore-file: AlwaysUseLowerCamelCase

// What a site is ordered by: data centers, clusters, tags, affinity labels, MAC pools. oVirt's element names; what oVirt has
// no element for lies under `muster`. Listed, made, changed and removed alike (docs/protocols.md section 3).

/// A kind of thing that the engine keeps under a name.
package protocol SiteResource: Hashable, Sendable, Codable {
    /// The body of POST and PUT: what is left out has its default, or stays.
    associatedtype Order: Hashable, Sendable, Codable

    /// oVirt's element name: the key of its collections.
    static var element: String { get }
    /// oVirt's path below the root of the API.
    static var collection: String { get }
    var id: String { get }
    var name: String { get }
}

/// `{"cluster": […]}`: a missing key is an empty collection.
package struct SiteCollection<Resource: SiteResource>: Hashable, Sendable, Codable {
    package var elements: [Resource]

    package init(_ elements: [Resource]) { self.elements = elements }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        elements = try container.decodeIfPresent([Resource].self, forKey: Key(stringValue: Resource.element)) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(elements, forKey: Key(stringValue: Resource.element))
    }
}

/// A container of clusters and networks.
package struct DataCenterResource: SiteResource {
    package struct Order: Hashable, Sendable, Codable {
        package var name: String?
        package var description: String?
        package var comment: String?
        package var mac_pool: WireReference?
        package var muster: Limits?
        package init() {}
    }
    package struct Limits: Hashable, Sendable, Codable {
        /// How many hosts its clusters may have together.
        package var hosts_max: WireNumber?
        package init(hosts_max: Int?) { self.hosts_max = hosts_max.map { WireNumber($0) } }
    }
    package struct Muster: Hashable, Sendable, Codable {
        /// Hosts of its clusters, without those that wait for approval.
        package var hosts: WireNumber
        package var hosts_max: WireNumber
        package init(hosts: Int, hosts_max: Int) {
            (self.hosts, self.hosts_max) = (WireNumber(hosts), WireNumber(hosts_max))
        }
    }

    package static let element = "data_center"
    package static let collection = "datacenters"
    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    package var comment: String?
    /// Storage of one host only: never.
    package var local = false
    package var status = "up"
    package var mac_pool: ResourceLink?
    package var muster: Muster

    package init(id: String, href: String, name: String, muster: Muster) {
        (self.id, self.href, self.name, self.muster) = (id, href, name, muster)
    }
}

/// Hosts that can stand in for one another.
package struct ClusterResource: SiteResource {
    package struct Processor: Hashable, Sendable, Codable {
        /// `x86_64`, `aarch64` or `ppc64`; in answers `undefined` until the first host decides.
        package var architecture: String?
        /// A guest CPU model that every host must be able to run; empty: any.
        package var type: String?
        package init(architecture: String? = nil, type: String? = nil) {
            (self.architecture, self.type) = (architecture, type)
        }
    }
    package struct Version: Hashable, Sendable, Codable {
        package var major: WireNumber
        package var minor: WireNumber
        package init(major: Int, minor: Int) { (self.major, self.minor) = (WireNumber(major), WireNumber(minor)) }
    }
    package struct ErrorHandling: Hashable, Sendable, Codable {
        /// `migrate`, `migrate_highly_available` or `do_not_migrate`.
        package var on_error: String
        package init(on_error: String) { self.on_error = on_error }
    }
    package struct RandomSources: Hashable, Sendable, Codable {
        package var required_rng_source: [String]
        package init(_ sources: [String]) { required_rng_source = sources }
    }
    package struct Order: Hashable, Sendable, Codable {
        package var name: String?
        package var description: String?
        package var comment: String?
        package var data_center: WireReference?
        package var cpu: Processor?
        package var version: Version?
        package var virt_service: Bool?
        package var gluster_service: Bool?
        package var required_rng_sources: RandomSources?
        package var error_handling: ErrorHandling?
        package var scheduling_policy: WireReference?
        package var mac_pool: WireReference?
        package init() {}
    }
    package struct Muster: Hashable, Sendable, Codable {
        package var hosts: WireNumber
        /// What is kept and shown, and what nothing heeds yet.
        package var not_enforced: [String]
        package init(hosts: Int, not_enforced: [String]) {
            (self.hosts, self.not_enforced) = (WireNumber(hosts), not_enforced)
        }
    }

    package static let element = "cluster"
    package static let collection = "clusters"
    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    package var comment: String?
    package var data_center: ResourceLink
    package var cpu: Processor
    package var version: Version
    package var virt_service: Bool
    package var gluster_service: Bool
    package var required_rng_sources: RandomSources
    package var error_handling: ErrorHandling
    package var scheduling_policy: ResourceLink
    package var mac_pool: ResourceLink?
    package var muster: Muster
}

extension ClusterResource {
    package init(
        id: String,
        href: String,
        name: String,
        in dataCenter: ResourceLink,
        version: Version,
        policy: ResourceLink,
        muster: Muster
    ) {
        (self.id, self.href, self.name, data_center) = (id, href, name, dataCenter)
        (self.version, scheduling_policy, self.muster) = (version, policy, muster)
        (cpu, virt_service, gluster_service) = (Processor(), true, false)
        (required_rng_sources, error_handling) = (RandomSources([]), ErrorHandling(on_error: "migrate"))
    }
}

/// A word that hosts carry; tags stand in a tree below `root`.
package struct TagResource: SiteResource {
    package struct Order: Hashable, Sendable, Codable {
        package var name: String?
        package var description: String?
        package var parent: WireReference?
        package init() {}
    }

    package static let element = "tag"
    package static let collection = "tags"
    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    /// Absent for `root`.
    package var parent: ResourceLink?

    package init(id: String, href: String, name: String) { (self.id, self.href, self.name) = (id, href, name) }
}

/// Hosts and guests that belong together.
package struct AffinityLabelResource: SiteResource {
    package struct Hosts: Hashable, Sendable, Codable {
        package var host: [ResourceLink]
        package init(_ host: [ResourceLink]) { self.host = host }
    }
    package struct Order: Hashable, Sendable, Codable {
        package var name: String?
        package var description: String?
        package var has_implicit_affinity_group: Bool?
        package init() {}
    }

    package static let element = "affinity_label"
    package static let collection = "affinitylabels"
    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    package var has_implicit_affinity_group: Bool
    package var hosts: Hosts

    package init(id: String, href: String, name: String, isImplicit: Bool, hosts: [ResourceLink]) {
        (self.id, self.href, self.name) = (id, href, name)
        (has_implicit_affinity_group, self.hosts) = (isImplicit, Hosts(hosts))
    }
}

extension NetworkResource: SiteResource {
    package typealias Order = NetworkOrder
    package static let element = "network"
    package static let collection = "networks"
}

/// Where the addresses of guests' network cards are taken from.
package struct MACPoolResource: SiteResource {
    package struct Range: Hashable, Sendable, Codable {
        package var from: String
        package var to: String
        package init(from: String, to: String) { (self.from, self.to) = (from, to) }
    }
    package struct Ranges: Hashable, Sendable, Codable {
        package var range: [Range]
        package init(_ range: [Range]) { self.range = range }
    }
    package struct Order: Hashable, Sendable, Codable {
        package var name: String?
        package var description: String?
        package var allow_duplicates: Bool?
        package var ranges: Ranges?
        package init() {}
    }

    package static let element = "mac_pool"
    package static let collection = "macpools"
    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    package var allow_duplicates: Bool
    /// The pool of data centers that name none.
    package var default_pool: Bool
    package var ranges: Ranges

    package init(id: String, href: String, name: String, allowsDuplicates: Bool, isDefault: Bool, ranges: [Range]) {
        (self.id, self.href, self.name) = (id, href, name)
        (allow_duplicates, default_pool, self.ranges) = (allowsDuplicates, isDefault, Ranges(ranges))
    }
}

/// The body of `PUT hosts/ID`: what is left out stays.
package struct HostOrder: Hashable, Sendable, Codable {
    package struct StoragePoolManager: Hashable, Sendable, Codable {
        package var priority: WireNumber
        package init(priority: Int) { self.priority = WireNumber(priority) }
    }
    package var name: String?
    package var comment: String?
    package var cluster: WireReference?
    package var spm: StoragePoolManager?
    package var power_management: PowerManagementResource?
    package init() {}
}
