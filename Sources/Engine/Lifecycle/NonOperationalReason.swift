/// Why a host that answers is not fit (oVirt's NonOperationalReason); the raw value is REST's `status_detail`.
enum NonOperationalReason: String, CaseIterable, Hashable, Sendable {
    case cpuTypeIncompatible = "cpu_type_incompatible_with_cluster"
    case networkUnreachable = "network_unreachable"
    case versionIncompatible = "version_incompatible_with_cluster"
    case kvmNotRunning = "kvm_not_running"
    case timeoutRecoveringFromCrash = "timeout_recovering_from_crash"
    case vmNetworkIsBridgeless = "vm_network_is_bridgeless"
    case emulatedMachinesIncompatible = "emulated_machines_incompatible_with_cluster"
    case clusterVersionIncompatible = "cluster_version_incompatible_with_cluster"
    case architectureIncompatible = "architecture_incompatible_with_cluster"
    case rngSources = "rng_sources_incompatible_with_cluster"
    case networkInterfaceIsDown = "network_interface_is_down"
    case emulatedMachinesOfLevel = "emulated_machines_incompatible_with_cluster_level"

    var code: EventCode {
        switch self {
        case .networkUnreachable, .vmNetworkIsBridgeless: .nonOperationalNetwork
        case .networkInterfaceIsDown: .nonOperationalInterfaceDown
        case .cpuTypeIncompatible, .versionIncompatible, .kvmNotRunning, .timeoutRecoveringFromCrash,
            .emulatedMachinesIncompatible, .clusterVersionIncompatible, .architectureIncompatible, .rngSources,
            .emulatedMachinesOfLevel:
            .nonOperational
        }
    }
}

/// A reason, and the sentence that tells a person what is missing.
struct Unfitness: Hashable, Sendable {
    var reason: NonOperationalReason
    var text: String
}
