import AgentWire

/// What a host's capabilities say about its fitness for its cluster.
struct HostFitness: Hashable, Sendable {
    /// The logical networks that the agent reports, and whether each is a bridge.
    var networks: [String: Bool]
    /// The nic or bond below each of them that has one.
    var devices: [String: String] = [:]
    /// False while the agent changes them, or does not know them itself: nothing is said of what is missing then.
    var areNetworksKnown = true
    var hasKVM: Bool
    var flags: Set<Substring> = []
    var engines: [String] = []
    var levels: [String] = []
    var emulatedMachines: [String] = []
    var rngSources: [String] = []

    /// The first rule that is broken, in oVirt's order (ovirt.md 1.4): networks always; processor, versions, KVM, machine
    /// types and random numbers unless the host is up already.
    func firstUnfitness(in cluster: ClusterDemands, isUp: Bool) -> Unfitness? {
        if let unfitness = networkUnfitness(in: cluster) { return unfitness }
        guard !isUp else { return nil }
        return versionUnfitness(in: cluster) ?? processorUnfitness(in: cluster) ?? machineUnfitness(in: cluster)
            ?? rngUnfitness(in: cluster)
    }

    var architecture: Architecture? { Architecture(flags: flags) }

    /// The machine type that a cluster takes over from this host. A host without QEMU has none, and decides nothing.
    var preferredMachine: String? {
        ClusterDemands.emulatedMachines.first { wanted in emulatedMachines.contains { Self.is($0, wanted) } }
    }

    private func networkUnfitness(in cluster: ClusterDemands) -> Unfitness? {
        guard areNetworksKnown else { return nil }
        let missing = cluster.networks.filter { $0.isRequired && networks[$0.name] == nil }.map(\.name)
        if !missing.isEmpty {
            let text = "The networks \(missing.joined(separator: ", ")) are required in the cluster and missing on it."
            return Unfitness(reason: .networkUnreachable, text: text)
        }
        let bridgeless = cluster.networks.filter { $0.isVM && networks[$0.name] == false }.map(\.name)
        guard !bridgeless.isEmpty else { return nil }
        let text = "The VM networks \(bridgeless.joined(separator: ", ")) have no bridge on it."
        return Unfitness(reason: .vmNetworkIsBridgeless, text: text)
    }

    private func versionUnfitness(in cluster: ClusterDemands) -> Unfitness? {
        guard engines.contains(ClusterDemands.engineVersion) else {
            let text = "Its agent does not speak with engines of version \(ClusterDemands.engineVersion): update it."
            return Unfitness(reason: .versionIncompatible, text: text)
        }
        guard !levels.contains(cluster.level) else { return nil }
        let text = "Its agent does not know the cluster's level \(cluster.level): update it."
        return Unfitness(reason: .clusterVersionIncompatible, text: text)
    }

    private func processorUnfitness(in cluster: ClusterDemands) -> Unfitness? {
        if let wanted = cluster.architecture, wanted != architecture {
            let text =
                "The cluster's hosts are \(wanted.rawValue), it is \(architecture?.rawValue ?? "of no known kind")."
            return Unfitness(reason: .architectureIncompatible, text: text)
        }
        guard let architecture else {
            let text = "Its processor has no flags by which its architecture is known."
            return Unfitness(reason: .cpuTypeIncompatible, text: text)
        }
        if architecture == .x86, !flags.contains("nx") {
            let text = "Its processor has no nx flag: enable it in the firmware (execute disable)."
            return Unfitness(reason: .cpuTypeIncompatible, text: text)
        }
        if let cpu = cluster.cpu, !flags.contains("model_\(cpu)") {
            let text = "Its processor cannot run the cluster's CPU model \(cpu)."
            return Unfitness(reason: .cpuTypeIncompatible, text: text)
        }
        guard !hasKVM else { return nil }
        return Unfitness(
            reason: .kvmNotRunning,
            text: "KVM does not run on it: enable virtualization in its firmware."
        )
    }

    private func machineUnfitness(in cluster: ClusterDemands) -> Unfitness? {
        if let wanted = cluster.emulatedMachine, !emulatedMachines.contains(where: { Self.is($0, wanted) }) {
            let text = "Its QEMU has no machine type \(wanted), which the cluster's guests have."
            return Unfitness(reason: .emulatedMachinesIncompatible, text: text)
        }
        guard !emulatedMachines.isEmpty, preferredMachine == nil else { return nil }
        let text = "Its QEMU has none of the machine types of level \(cluster.level)."
        return Unfitness(reason: .emulatedMachinesOfLevel, text: text)
    }

    private func rngUnfitness(in cluster: ClusterDemands) -> Unfitness? {
        let have = Set(rngSources)
        var missing = cluster.rngSources.filter { !have.contains($0) }
        if have.isDisjoint(with: ["random", "urandom"]) { missing.insert("random", at: 0) }
        guard !missing.isEmpty else { return nil }
        let text = "It has no random number source \(missing.joined(separator: ", "))."
        return Unfitness(reason: .rngSources, text: text)
    }

    /// `pc-q35-rhel8.6.0` is a `q35`, `pc-i440fx-7.2` a `pc`.
    private static func `is`(_ machine: String, _ wanted: String) -> Bool {
        switch wanted {
        case "q35": machine == "q35" || machine.hasPrefix("pc-q35-")
        case "pc": machine == "pc" || machine.hasPrefix("pc-i440fx-")
        default: machine == wanted || machine.hasPrefix("\(wanted)-")
        }
    }
}

extension HostFitness {
    init(_ values: HostCapabilities) {
        self.init(
            networks: values.networks.mapValues(\.bridged),
            devices: values.networks.compactMapValues { $0.device(on: values) },
            areNetworksKnown: values.musterNetworkChanging != true,
            hasKVM: values.kvmEnabled.lowercased() == "true",
            flags: Set(values.cpuFlags.split(separator: ",")),
            engines: values.supportedENGINEs,
            levels: values.clusterLevels,
            emulatedMachines: values.emulatedMachines,
            rngSources: values.rngSources
        )
    }
}
