// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// What a cluster says of guests and their hosts, of which nothing heeds anything yet: kept and shown, because clients compare
/// what they set with what is there. oVirt's members and words; `nil` has oVirt's default.
package struct ClusterPolicies: Hashable, Sendable, Codable {
    package struct Memory: Hashable, Sendable, Codable {
        package struct OverCommit: Hashable, Sendable, Codable {
            package var percent: WireNumber?
            package init(percent: Int) { self.percent = WireNumber(percent) }
        }
        package var over_commit: OverCommit?
        package init(percent: Int) { over_commit = OverCommit(percent: percent) }
    }
    /// Kernel same-page merging.
    package struct SamePages: Hashable, Sendable, Codable {
        package var enabled: Bool?
        package var merge_across_nodes: Bool?
        package init(enabled: Bool, merge_across_nodes: Bool) {
            (self.enabled, self.merge_across_nodes) = (enabled, merge_across_nodes)
        }
    }
    package struct Migration: Hashable, Sendable, Codable {
        package struct Bandwidth: Hashable, Sendable, Codable {
            /// `auto`, `hypervisor_default` or `custom`.
            package var assignment_method: String?
            package var custom_value: WireNumber?
            package init(assignment_method: String) { self.assignment_method = assignment_method }
        }
        package struct Policy: Hashable, Sendable, Codable {
            package var id: String?
            package init(id: String) { self.id = id }
        }
        /// `true`, `false` or `inherit`, as are the next two.
        package var auto_converge: String?
        package var compressed: String?
        package var encrypted: String?
        package var bandwidth: Bandwidth?
        package var policy: Policy?
        package init() {}
    }

    package var memory_policy: Memory?
    package var ksm: SamePages?
    package var migration: Migration?
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

extension ClusterPolicies {
    /// oVirt's default of a new cluster.
    package static let usual: ClusterPolicies = {
        var (usual, migration) = (ClusterPolicies(), Migration())
        (usual.memory_policy, usual.ksm) = (Memory(percent: 100), SamePages(enabled: false, merge_across_nodes: true))
        (migration.auto_converge, migration.compressed, migration.encrypted) = ("inherit", "inherit", "inherit")
        migration.bandwidth = Migration.Bandwidth(assignment_method: "auto")
        // "Minimal downtime".
        migration.policy = Migration.Policy(id: "80554327-0569-496b-bdeb-fcbbf52b827b")
        (usual.migration, usual.switch_type, usual.firewall_type) = (migration, "legacy", "firewalld")
        (usual.ballooning_enabled, usual.ha_reservation, usual.threads_as_cores) = (true, false, false)
        (usual.maintenance_reason_required, usual.optional_reason) = (false, false)
        (usual.trusted_service, usual.tunnel_migration) = (false, false)
        return usual
    }()

    /// What an order names, over what is there.
    package mutating func take(_ order: ClusterResource.Order) {
        if let wanted = order.memory_policy?.over_commit { memory_policy = Memory(over_commit: wanted) }
        if let wanted = order.ksm {
            var pages = ksm ?? SamePages(enabled: false, merge_across_nodes: true)
            pages.enabled = wanted.enabled ?? pages.enabled
            pages.merge_across_nodes = wanted.merge_across_nodes ?? pages.merge_across_nodes
            ksm = pages
        }
        if let wanted = order.migration {
            var all = migration ?? Migration()
            all.auto_converge = wanted.auto_converge ?? all.auto_converge
            all.compressed = wanted.compressed ?? all.compressed
            all.encrypted = wanted.encrypted ?? all.encrypted
            all.bandwidth = wanted.bandwidth ?? all.bandwidth
            all.policy = wanted.policy ?? all.policy
            migration = all
        }
        switch_type = order.switch_type ?? switch_type
        firewall_type = order.firewall_type ?? firewall_type
        ballooning_enabled = order.ballooning_enabled ?? ballooning_enabled
        ha_reservation = order.ha_reservation ?? ha_reservation
        maintenance_reason_required = order.maintenance_reason_required ?? maintenance_reason_required
        optional_reason = order.optional_reason ?? optional_reason
        threads_as_cores = order.threads_as_cores ?? threads_as_cores
        trusted_service = order.trusted_service ?? trusted_service
        tunnel_migration = order.tunnel_migration ?? tunnel_migration
    }

    /// These, and the usual ones where nothing was said.
    package var complete: ClusterPolicies {
        var order = ClusterResource.Order()
        (order.memory_policy, order.ksm, order.migration) = (memory_policy, ksm, migration)
        (order.switch_type, order.firewall_type) = (switch_type, firewall_type)
        (order.ballooning_enabled, order.ha_reservation) = (ballooning_enabled, ha_reservation)
        (order.maintenance_reason_required, order.optional_reason) = (maintenance_reason_required, optional_reason)
        (order.threads_as_cores, order.trusted_service) = (threads_as_cores, trusted_service)
        order.tunnel_migration = tunnel_migration
        var complete = Self.usual
        complete.take(order)
        return complete
    }
}

extension ClusterPolicies.Memory {
    fileprivate init(over_commit: OverCommit) { self.over_commit = over_commit }
}

extension ClusterResource {
    package mutating func show(_ policies: ClusterPolicies) {
        (memory_policy, ksm, migration) = (policies.memory_policy, policies.ksm, policies.migration)
        (switch_type, firewall_type) = (policies.switch_type, policies.firewall_type)
        (ballooning_enabled, ha_reservation) = (policies.ballooning_enabled, policies.ha_reservation)
        maintenance_reason_required = policies.maintenance_reason_required
        (optional_reason, threads_as_cores) = (policies.optional_reason, policies.threads_as_cores)
        (trusted_service, tunnel_migration) = (policies.trusted_service, policies.tunnel_migration)
    }
}
