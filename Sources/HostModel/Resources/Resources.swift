// swift-format-ignore-file: AlwaysUseLowerCamelCase

// The JSON form of oVirt's REST types as far as the first line needs them, with oVirt's element names (numbers are
// strings on that wire). Our own additions live under `muster`. docs/protocols.md section 3.

/// A reference to another resource: `{"id": …, "href": …}`.
package struct ResourceLink: Hashable, Sendable, Codable {
    package var id: String
    package var href: String?
    package var name: String?

    package init(id: String, href: String? = nil, name: String? = nil) {
        (self.id, self.href, self.name) = (id, href, name)
    }
}

/// `GET hosts/ID`.
package struct HostResource: Hashable, Sendable, Codable {
    package struct Hardware: Hashable, Sendable, Codable {
        package var manufacturer: String?
        package var product_name: String?
        package var serial_number: String?
        package var uuid: String?
        package var family: String?
        package var version: String?
        package init() {}
    }

    package struct Processor: Hashable, Sendable, Codable {
        package struct Topology: Hashable, Sendable, Codable {
            package var sockets: String?
            package var cores: String?
            package var threads: String?
            package init() {}
        }
        package var name: String?
        package var type: String?
        package var speed: String?
        package var topology: Topology?
        package init() {}
    }

    package struct OperatingSystem: Hashable, Sendable, Codable {
        package struct Version: Hashable, Sendable, Codable {
            package var full_version: String?
            package init(full_version: String? = nil) { self.full_version = full_version }
        }
        package var type: String?
        package var version: Version?
        /// What people add to the kernel's command line: nothing here, and never absent, because clients take it apart.
        package var custom_kernel_cmdline = ""
        package var reported_kernel_cmdline: String?
        package init() {}
    }

    package struct Certificate: Hashable, Sendable, Codable {
        package var subject: String?
        package var organization: String?
        package init(subject: String? = nil, organization: String? = nil) {
            (self.subject, self.organization) = (subject, organization)
        }
    }

    package struct StoragePoolManager: Hashable, Sendable, Codable {
        package var priority: String
        package var status: String
        package init(priority: String = "5", status: String = "none") {
            (self.priority, self.status) = (priority, status)
        }
    }

    /// What oVirt has no element for.
    package struct Muster: Hashable, Sendable, Codable {
        /// Open claims on this host.
        package var claims: [ClaimResource]
        /// The profile set for every boot, and the one for the next boot only.
        package var boot_profile: String?
        package var next_boot_profile: String?
        package var mac: String?
        /// Names of the tags and affinity labels that the host has.
        package var tags: [String]?
        package var affinity_labels: [String]?
        /// The address that the host is given at its boots, where one is fixed.
        package var fixed_address: String?
        /// When the agent's certificate ends.
        package var certificate_ends: String?
        /// Seconds since 1970 of the last answer of the agent.
        package var last_seen: String?
        /// The image that runs, its slot, and whether it is on trial; absent for a host that runs none of ours.
        package var image: NodeImageReport?
        /// The active version of that image, where it is another one.
        package var newer_version: String?
        /// Of a converted server: the host in front of it.
        package var jump: ServerChoices.Jump?
        /// Of a converted server: what was chosen about it.
        package var choices: ServerChoices?
        package init(claims: [ClaimResource] = []) { self.claims = claims }
    }

    package var id: String
    package var href: String
    package var name: String
    package var address: String
    package var port: String
    package var `protocol`: String
    package var type: String
    package var status: String
    package var status_detail: String?
    /// What other programs say of it: nothing, which is `ok`.
    package var external_status: String?
    package var power_management: PowerManagementResource?
    package var comment: String?
    package var cluster: ResourceLink?
    package var hardware_information: Hardware?
    package var cpu: Processor?
    /// Bytes.
    package var memory: String?
    package var os: OperatingSystem?
    /// How many guests it runs; of a host that is heard.
    package var summary: Summary?
    /// Whether the kernel merges pages, and makes large ones, now; of a host that is heard.
    package var ksm: Enabled?
    package var transparent_hugepages: Enabled?
    package var se_linux: SELinux?
    package var iscsi: ISCSI?
    package var device_passthrough: Enabled?
    package var libvirt_version: PackageVersion?
    /// VDSM's, as whose the agent answers.
    package var version: PackageVersion?
    /// `enabled`, `disabled` or `unknown`.
    package var kdump_status: String?
    /// `enable`, `disable` or `unknown`.
    package var auto_numa_status: String?
    package var numa_supported: Bool?
    package var certificate: Certificate?
    /// Of a converted server: how the engine signs in there, and the host key that is pinned.
    package var ssh: SSHResource?
    /// oVirt's: whether a newer image is published.
    package var update_available: String?
    package var spm: StoragePoolManager
    package var link: [WireLink]?
    /// Of a host that is shown alone.
    package var actions: WireActions?
    package var muster: Muster

    package init(id: String, href: String, name: String, address: String, port: String, status: String) {
        (self.id, self.href, self.name, self.address, self.port) = (id, href, name, address, port)
        (self.status, self.protocol, self.type) = (status, "stomp", "ovirt_node")
        (self.spm, self.muster) = (StoragePoolManager(), Muster())
    }
}

/// A claim that waits for a person. Facts are hostile text; the code is never in here, it is compared, not shown.
package struct ClaimResource: Hashable, Sendable, Codable {
    package var id: String
    /// `committed`, `pending`, `approved`, `rejected` or `expired`.
    package var state: String
    package var hardware_id: String
    package var name: String
    package var address: String
    /// SHA-256 of the node's SPKI: `SHA256:` and base64 without padding.
    package var key_fingerprint: String
    package var created: String
    package var facts: HostFacts

    package init(
        id: String,
        state: String,
        hardware_id: String,
        name: String,
        address: String,
        key_fingerprint: String,
        created: String,
        facts: HostFacts
    ) {
        (self.id, self.state, self.hardware_id, self.name) = (id, state, hardware_id, name)
        (self.address, self.key_fingerprint, self.created, self.facts) = (address, key_fingerprint, created, facts)
    }
}

/// `GET events`.
package struct EventResource: Hashable, Sendable, Codable {
    package var id: String
    package var href: String?
    package var index: String
    /// oVirt's audit code, ovirt.md 1.5; ours start at 20000.
    package var code: String
    /// `normal`, `warning`, `error` or `alert`.
    package var severity: String
    /// `2026-01-01T00:00:00.000Z`.
    package var time: String
    package var description: String
    package var correlation_id: String?
    package var origin: String
    package var custom_id: String
    /// Seconds within which the same event is not repeated.
    package var flood_rate: String?
    package var host: ResourceLink?
    package var user: ResourceLink?

    package init(id: String, code: String, severity: String, time: String, description: String) {
        (self.id, self.index, self.code, self.severity) = (id, id, code, severity)
        (self.time, self.description, self.origin, self.custom_id) = (time, description, "oVirt", "-1")
    }
}

/// The body of `POST events`: what another program saw.
package struct EventOrder: Hashable, Sendable, Codable {
    package var description: String?
    package var severity: String?
    /// The program; not `oVirt`.
    package var origin: String?
    /// The program's own number of it.
    package var custom_id: WireNumber?
    package var host: WireReference?
    package init() {}
}

/// `GET networks`.
package struct NetworkResource: Hashable, Sendable, Codable {
    package struct VLAN: Hashable, Sendable, Codable {
        package var id: String
        package init(id: String) { self.id = id }
    }
    package struct Usages: Hashable, Sendable, Codable {
        package var usage: [String]
        package init(usage: [String]) { self.usage = usage }
    }

    package var id: String
    package var href: String
    package var name: String
    package var description: String?
    package var comment: String?
    package var data_center: ResourceLink?
    /// Where it is shown as a network of this cluster.
    package var cluster: ResourceLink?
    /// `operational`, or `non_operational` where a host of the cluster lacks it; only as a cluster's network.
    package var status: String?
    /// 0 means the default, 1500.
    package var mtu: String
    package var vlan: VLAN?
    package var usages: Usages
    /// Every host of the cluster must carry it.
    package var required: Bool?
    /// Ours: a nic of a host with this label carries the network.
    package var label: String?
    package var vdsm_name: String
    /// Spanning tree on its bridges, and guests kept apart: neither is done.
    package var stp: Bool?
    package var port_isolation: Bool?
    package var link: [WireLink]?

    package init(id: String, href: String, name: String, mtu: String, usages: [String]) {
        (self.id, self.href, self.name, self.mtu) = (id, href, name, mtu)
        (self.usages, self.vdsm_name) = (Usages(usage: usages), name)
    }
}

/// `GET nodeimages`: one version of an image.
package struct NodeImageResource: Hashable, Sendable, Codable {
    package var name: String
    package var version: String
    package var href: String
    /// `uploading` or `published`.
    package var state: String
    package var active: Bool
    package var created: String
    package var manifest: ImageManifest

    package init(
        name: String,
        version: String,
        href: String,
        state: String,
        active: Bool,
        created: String,
        manifest: ImageManifest
    ) {
        (self.name, self.version, self.href, self.state) = (name, version, href, state)
        (self.active, self.created, self.manifest) = (active, created, manifest)
    }
}

/// `{"fault": {"reason": …, "detail": …}}`: every refusal. `remedy` is ours: what to do about it.
package struct FaultResource: Hashable, Sendable, Codable, Error {
    package var reason: String
    package var detail: String
    package var remedy: String?

    package init(reason: String, detail: String, remedy: String? = nil) {
        (self.reason, self.detail, self.remedy) = (reason, detail, remedy)
    }
}

/// The answer to an action.
package struct ActionResource: Hashable, Sendable, Codable {
    /// `complete`, `pending` or `failed`.
    package var status: String
    package var fault: FaultResource?
    package var async: Bool?
    /// The job that goes on.
    package var job: ResourceLink?
    /// The answer to the question whether a host is on.
    package var power_management: PowerManagementResource?
    /// Ours: what would be done, a sentence each.
    package var plan: [String]?

    package init(status: String, fault: FaultResource? = nil, plan: [String]? = nil) {
        (self.status, self.fault, self.plan) = (status, fault, plan)
    }
}

// Collections as oVirt's JSON writes them: one key, the singular element name. A missing key is an empty collection.

/// `{"host": […]}`.
package struct HostCollection: Sendable, Codable {
    package var host: [HostResource]?
    package init(_ host: [HostResource]) { self.host = host }
}

/// `{"event": […]}`, newest first.
package struct EventCollection: Sendable, Codable {
    package var event: [EventResource]?
    package init(_ event: [EventResource]) { self.event = event }
}

/// `{"network": […]}`.
package struct NetworkCollection: Sendable, Codable {
    package var network: [NetworkResource]?
    package init(_ network: [NetworkResource]) { self.network = network }
}

/// `{"node_image": […]}`.
package struct NodeImageCollection: Sendable, Codable {
    package var node_image: [NodeImageResource]?
    package init(_ images: [NodeImageResource]) { node_image = images }
}

/// `{"boot_profile": […]}`.
package struct BootProfileCollection: Sendable, Codable {
    package var boot_profile: [BootProfile]?
    package init(_ profiles: [BootProfile]) { boot_profile = profiles }
}

/// A machine that a person turned away; until the time its claims are answered with `rejected`.
package struct RejectionResource: Hashable, Sendable, Codable {
    package var id: String
    /// The name that it had.
    package var name: String
    package var address: String
    package var hardware_id: String?
    package var key_fingerprint: String?
    package var user: ResourceLink?
    package var until: String

    package init(id: String, name: String, address: String, until: String) {
        (self.id, self.name, self.address, self.until) = (id, name, address, until)
    }
}

package struct RejectionCollection: Hashable, Sendable, Codable {
    package var rejection: [RejectionResource]

    package init(_ rejection: [RejectionResource]) { self.rejection = rejection }
}
