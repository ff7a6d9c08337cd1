// swift-format-ignore-file: AlwaysUseLowerCamelCase

// What a site is ordered by: data centers, clusters, tags, affinity labels, MAC pools. oVirt's element names; what oVirt has
// no element for lies under `muster`. Listed, made, changed and removed alike (docs/protocols.md section 3).

/// A kind of thing that the engine keeps under a name.
/// Its element is also the key of its collections.
package protocol SiteResource: WirePlace, Hashable, Sendable, Codable {
    /// The body of POST and PUT: what is left out has its default, or stays.
    associatedtype Order: Hashable, Sendable, Codable

    /// oVirt's path below the root of the API.
    static var collection: String { get }
    var id: String { get }
    var href: String { get }
    var name: String { get }
}

extension SiteResource {
    package var place: String? { href }
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
        /// What nothing here does: only false, and `disabled`, are taken.
        package var local: Bool?
        package var quota_mode: String?
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
    /// Nobody's share is counted.
    package var quota_mode: String? = "disabled"
    /// Of the oldest of its clusters.
    package var version: ClusterResource.Version?
    package var supported_versions: ClusterResource.Versions?
    package var mac_pool: ResourceLink?
    package var link: [WireLink]?
    package var muster: Muster

    package init(id: String, href: String, name: String, muster: Muster) {
        (self.id, self.href, self.name, self.muster) = (id, href, name, muster)
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
    package var link: [WireLink]?

    package init(id: String, href: String, name: String, isImplicit: Bool, hosts: [ResourceLink]) {
        (self.id, self.href, self.name) = (id, href, name)
        link = ["hosts", "vms"].map { WireLink($0, in: href) }
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
