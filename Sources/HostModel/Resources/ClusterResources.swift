// swift-format-ignore-file: AlwaysUseLowerCamelCase

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
    package struct Versions: Hashable, Sendable, Codable {
        package var version: [Version]
        package init(_ version: [Version]) { self.version = version }
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
        package var fencing_policy: FencingPolicyResource?
        package var memory_policy: ClusterPolicies.Memory?
        package var ksm: ClusterPolicies.SamePages?
        package var migration: ClusterPolicies.Migration?
        package var switch_type: String?
        package var firewall_type: String?
        package var ballooning_enabled: Bool?
        package var ha_reservation: Bool?
        package var maintenance_reason_required: Bool?
        package var optional_reason: Bool?
        package var threads_as_cores: Bool?
        package var trusted_service: Bool?
        package var tunnel_migration: Bool?
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
    package var management_network: ResourceLink?
    package var supported_versions: Versions?
    package var fencing_policy: FencingPolicyResource?
    package var memory_policy: ClusterPolicies.Memory?
    package var ksm: ClusterPolicies.SamePages?
    package var migration: ClusterPolicies.Migration?
    package var switch_type: String?
    package var firewall_type: String?
    package var ballooning_enabled: Bool?
    package var ha_reservation: Bool?
    package var maintenance_reason_required: Bool?
    package var optional_reason: Bool?
    package var threads_as_cores: Bool?
    package var trusted_service: Bool?
    package var tunnel_migration: Bool?
    package var link: [WireLink]?
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
