// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Power management in oVirt's words (`hosts/ID/fenceagents`, `hosts/ID/fence`); ours under `muster`. docs/power.md.

/// A fence agent. The password only ever goes in.
package struct FenceAgentResource: Hashable, Sendable, Codable {
    package struct Option: Hashable, Sendable, Codable {
        package var name: String
        package var value: String?
        package init(name: String, value: String?) { (self.name, self.value) = (name, value) }
    }
    package struct Options: Hashable, Sendable, Codable {
        package var option: [Option]?
        package init(_ options: [String: String]) {
            option = options.sorted { $0.key < $1.key }.map { Option(name: $0.key, value: $0.value) }
        }

        /// One without a value is `1`.
        package var values: [String: String] {
            Dictionary((option ?? []).map { ($0.name, $0.value ?? "1") }) { _, last in last }
        }
    }

    package var id: String?
    package var href: String?
    /// `ipmilan` for fence_ipmilan.
    package var type: String?
    package var address: String?
    package var port: WireNumber?
    package var username: String?
    package var password: String?
    package var options: Options?
    package var order: WireNumber?
    package var concurrent: Bool?
    package var host: ResourceLink?

    package init() {}
}

/// `{"agent": […]}`.
package struct FenceAgentCollection: Hashable, Sendable, Codable {
    package var agent: [FenceAgentResource]?
    package init(_ agent: [FenceAgentResource]) { self.agent = agent }
}

/// `power_management` of a host, and of the answer to the question for its state.
package struct PowerManagementResource: Hashable, Sendable, Codable {
    package struct Proxy: Hashable, Sendable, Codable {
        /// `engine` (ours), `cluster` or `dc`.
        package var type: String
        package init(type: String) { self.type = type }
    }
    package struct Proxies: Hashable, Sendable, Codable {
        package var pm_proxy: [Proxy]?
        package init(_ types: [String]) { pm_proxy = types.map { Proxy(type: $0) } }
    }

    package var enabled: Bool?
    package var kdump_detection: Bool?
    package var pm_proxies: Proxies?
    /// `on`, `off` or `unknown`; only in the answer to that question.
    package var status: String?
    /// Ours: why the board can not be relied on, and what to do.
    package var fault: String?
    package var remedy: String?

    package init() {}
}

/// The body of `POST hosts/ID/fence`.
package struct FenceActionResource: Hashable, Sendable, Codable {
    package struct Muster: Hashable, Sendable, Codable {
        package var boot_from_network: Bool?
        package var force: Bool?
        package init(boot_from_network: Bool? = nil, force: Bool? = nil) {
            (self.boot_from_network, self.force) = (boot_from_network, force)
        }
    }

    /// `start`, `stop`, `restart` or `status`.
    package var fence_type: String
    package var muster: Muster?

    package init(_ type: String, muster: Muster? = nil) { (fence_type, self.muster) = (type, muster) }
}

/// oVirt's `fencing_policy` of a cluster.
package struct FencingPolicyResource: Hashable, Sendable, Codable {
    package struct Skip: Hashable, Sendable, Codable {
        package var enabled: Bool?
        package var threshold: WireNumber?
        package init(enabled: Bool? = nil, threshold: WireNumber? = nil) {
            (self.enabled, self.threshold) = (enabled, threshold)
        }
    }

    package var enabled: Bool?
    package var skip_if_connectivity_broken: Skip?
    /// Only in answers: there is neither storage nor Gluster to look at.
    package var skip_if_sd_active: Skip?
    package var skip_if_gluster_bricks_up: Bool?
    package var skip_if_gluster_quorum_not_met: Bool?

    package init() {}
}
