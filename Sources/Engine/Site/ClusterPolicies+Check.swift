package import HostModel

extension FencingPolicy {
    package func changed(by order: FencingPolicyResource) -> FencingPolicy {
        var policy = self
        policy.isEnabled = order.enabled ?? isEnabled
        policy.skipsBrokenConnectivity = order.skip_if_connectivity_broken?.enabled ?? skipsBrokenConnectivity
        policy.threshold = order.skip_if_connectivity_broken?.threshold?.value ?? threshold
        return policy
    }
}

extension ClusterPolicies {
    /// Octets of a word whose meaning nobody here knows.
    private static let wordMax = 64
    private static let percentRange = 0...10_000

    /// Throws for a word that oVirt has not.
    func check() throws {
        func known(_ word: String?, _ words: [String], _ what: String) throws {
            if let word { _ = try ClusterRecord.known(word, of: words, what) }
        }
        try known(switch_type, ["legacy", "ovs"], "A switch_type")
        try known(firewall_type, ["firewalld", "iptables"], "A firewall_type")
        let inheritable = ["true", "false", "inherit"]
        try known(migration?.auto_converge, inheritable, "migration.auto_converge")
        try known(migration?.compressed, inheritable, "migration.compressed")
        try known(migration?.encrypted, inheritable, "migration.encrypted")
        let methods = ["auto", "hypervisor_default", "custom"]
        try known(migration?.bandwidth?.assignment_method, methods, "migration.bandwidth.assignment_method")
        guard migration?.policy?.id.map({ $0.utf8.count <= Self.wordMax }) ?? true else {
            throw EngineError(.invalid, "migration.policy has no such id.", remedy: "Give the UUID of a policy.")
        }
        guard memory_policy?.over_commit?.percent.map({ Self.percentRange.contains($0.value) }) ?? true else {
            let range = Self.percentRange
            throw EngineError(
                .invalid,
                "memory_policy.over_commit.percent is \(range.lowerBound) to \(range.upperBound).",
                remedy: "Give another number; 100 is no more than there is."
            )
        }
    }
}
