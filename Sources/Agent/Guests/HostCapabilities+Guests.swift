import AgentWire
import Virtualization

extension HostCapabilities {
    /// What libvirt knows better than we do; without a libvirt all stays as it is.
    mutating func fill(_ facts: HypervisorFacts) {
        (tscFrequency, tscScaling) = (facts.counterFrequency, facts.scalesCounter)
        if !facts.machines.isEmpty { emulatedMachines = facts.machines }
        let model = "model_\(facts.model)"
        if !facts.model.isEmpty, !cpuFlags.split(separator: ",").contains(where: { $0 == model }) {
            cpuFlags += ",\(model)"
        }
        for (name, version) in [("libvirt", facts.libraryVersion), ("qemu-kvm", facts.hypervisorVersion)]
        where !version.isEmpty {
            packages2[name] = PackageVersion(version: version, release: "")
        }
    }
}
