/// Why a host that answers is not fit (oVirt's NonOperationalReason); the raw value is REST's `status_detail`.
enum NonOperationalReason: String, CaseIterable, Hashable, Sendable {
    case networkUnreachable = "network_unreachable"
    case kvmNotRunning = "kvm_not_running"
    case timeoutRecoveringFromCrash = "timeout_recovering_from_crash"
    case vmNetworkIsBridgeless = "vm_network_is_bridgeless"

    var code: EventCode {
        switch self {
        case .networkUnreachable, .vmNetworkIsBridgeless: .nonOperationalNetwork
        case .kvmNotRunning, .timeoutRecoveringFromCrash: .nonOperational
        }
    }
}

/// A reason, and the sentence that tells a person what is missing.
struct Unfitness: Hashable, Sendable {
    var reason: NonOperationalReason
    var text: String
}

/// What a host's capabilities say about its fitness for its cluster.
struct HostFitness: Hashable, Sendable {
    /// The logical networks that the agent reports, and whether each is a bridge.
    var networks: [String: Bool]
    var hasKVM: Bool

    /// The first rule that is broken, in oVirt's order: a required network is missing, a VM network is no bridge, and,
    /// unless the host is up already, KVM does not run.
    func firstUnfitness(in cluster: [NetworkRecord], isUp: Bool) -> Unfitness? {
        let missing = cluster.filter { $0.isRequired && networks[$0.name] == nil }.map(\.name)
        if !missing.isEmpty {
            let text = "The networks \(missing.joined(separator: ", ")) are required in the cluster and missing on it."
            return Unfitness(reason: .networkUnreachable, text: text)
        }
        let bridgeless = cluster.filter { $0.isVM && networks[$0.name] == false }.map(\.name)
        if !bridgeless.isEmpty {
            let text = "The VM networks \(bridgeless.joined(separator: ", ")) have no bridge on it."
            return Unfitness(reason: .vmNetworkIsBridgeless, text: text)
        }
        guard !isUp, !hasKVM else { return nil }
        let text = "KVM does not run on it: enable virtualization in its firmware."
        return Unfitness(reason: .kvmNotRunning, text: text)
    }
}
