package import AgentWire
import Glibc
package import HostModel
package import Netlink
package import SystemPackage

/// Reads what this host is and can, from /proc, /sys and netlink; needs no privilege.
package struct HostInventory: Sendable {
    private let root: FilePath
    private let hooks: InstalledHooks

    /// The cluster levels whose verbs this agent answers.
    private static let clusterLevels = ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"]

    package init(root: FilePath = "/") { (self.root, hooks) = (root, InstalledHooks(root: root)) }

    /// `client` is the local address of the connection that asks.
    package func capabilities(
        _ owned: OwnedHere,
        _ snapshot: KernelSnapshot,
        client: IPv4Address?
    ) -> HostCapabilities {
        var capabilities = HostCapabilities()
        fillProcessor(&capabilities)
        fillSoftware(&capabilities)
        let links = snapshot.state.links
        var inventory = NetworkInventory(
            state: snapshot.state,
            owned: owned,
            speeds: Dictionary(
                uniqueKeysWithValues: links.values.filter { $0.isNIC || $0.isBond }.compactMap { link in
                    speed(link.name).map { (link.name, $0) }
                }
            ),
            bonds: snapshot.bonds
        )
        for link in links.values where link.kind == .device {
            let card = NetworkCard(link: link.name, sysfs: root.appending("sys"))
            inventory.functions[link.name] = card?.report
            inventory.physical[link.name] = card?.physicalLink
        }
        inventory.fill(&capabilities)
        capabilities.lastClientIface = client.flatMap { snapshot.state.link(owning: $0)?.name } ?? ""
        return capabilities
    }

    /// Megabits per second; `nil` when the driver does not say.
    func speed(_ link: String) -> Int? {
        guard let speed = line("sys/class/net/\(link)/speed").flatMap({ Int($0) }), speed > 0 else { return nil }
        return speed
    }

    func text(_ path: String, limit: Int = 1 << 20) -> String {
        String(decoding: (try? readFile(root.appending(path), limit: limit)) ?? [], as: UTF8.self)
    }

    func line(_ path: String) -> String? { readLine(of: root.appending(path)) }

    /// The names in a folder but `.` and `..`; none when it is not there.
    func names(_ path: String) -> [String] {
        NodeDirectory(root.appending(path)).names().filter { $0 != "." && $0 != ".." }
    }

    private func exists(_ path: String) -> Bool { access(root.appending(path).string, F_OK) == 0 }

    private func fillProcessor(_ capabilities: inout HostCapabilities) {
        let processor = ProcessorInformation(cpuinfo: text("proc/cpuinfo", limit: 16 << 20))
        let memory = MemoryInformation(meminfo: text("proc/meminfo"))
        capabilities.kvmEnabled = exists("dev/kvm") ? "true" : "false"
        capabilities.cpuModel = HostileText(processor.model).raw
        capabilities.cpuFlags = processor.reportedFlags
        capabilities.cpuSpeed = processor.megahertz.isEmpty ? "0" : processor.megahertz
        capabilities.cpuSockets = String(processor.socketCount)
        capabilities.cpuCores = String(processor.coreCount)
        capabilities.cpuThreads = String(processor.cpus.count)
        capabilities.onlineCpus = processor.cpus.map { String($0.id) }.joined(separator: ",")
        let topology = HostTopology(self)
        capabilities.cpuTopology = processor.cpus.map { cpu in
            let die = line("sys/devices/system/cpu/cpu\(cpu.id)/topology/die_id").flatMap { Int($0) } ?? 0
            return .init(
                cpu_id: cpu.id,
                numa_cell_id: topology.node(of: cpu.id),
                socket_id: cpu.socket,
                die_id: max(die, 0),
                core_id: cpu.core
            )
        }
        capabilities.vdsmToCpusAffinity = processor.cpus.first.map { [$0.id] } ?? []
        capabilities.memSize = String(memory.mebibytes("MemTotal"))
        fillNUMA(&capabilities, topology, processor, memory)
        capabilities.autoNumaBalancing = line("proc/sys/kernel/numa_balancing").flatMap { Int($0) } ?? 2
        capabilities.hugepages = topology.hugePageSizes
        if capabilities.hugepages.isEmpty, memory["Hugepagesize"] > 0 {
            capabilities.hugepages = [memory["Hugepagesize"]]
        }
        capabilities.nestedVirtualization = ["kvm_intel", "kvm_amd"].contains { module in
            line("sys/module/\(module)/parameters/nested").map { ["Y", "1"].contains($0) } ?? false
        }
    }

    private func fillNUMA(
        _ capabilities: inout HostCapabilities,
        _ topology: HostTopology,
        _ processor: ProcessorInformation,
        _ memory: MemoryInformation
    ) {
        guard !topology.nodes.isEmpty else {
            let total = String(memory.mebibytes("MemTotal"))
            capabilities.numaNodes = ["0": .init(cpus: processor.cpus.map(\.id), totalMemory: total)]
            capabilities.numaNodeDistance = ["0": [10]]
            return
        }
        for node in topology.nodes {
            let pages = node.hugePages.map { (String($0.key), HostCapabilities.HugePages(totalPages: $0.value)) }
            capabilities.numaNodes[String(node.id)] = .init(
                cpus: node.cpus,
                totalMemory: String(node.total),
                hugepages: Dictionary(uniqueKeysWithValues: pages)
            )
            capabilities.numaNodeDistance[String(node.id)] = node.distances.isEmpty ? [10] : node.distances
        }
    }

    private func fillSoftware(_ capabilities: inout HostCapabilities) {
        capabilities.supportedENGINEs = Self.clusterLevels
        capabilities.clusterLevels = Self.clusterLevels
        capabilities.rngSources = (exists("dev/random") ? ["random"] : []) + (exists("dev/hwrng") ? ["hwrng"] : [])
        // What an engine keeps and shows is no place for the console's password.
        let arguments = KernelArguments(text("proc/cmdline", limit: KernelArguments.bytesMax))
        capabilities.kernelArgs = arguments.redacted
        capabilities.boot_uuid = line("proc/sys/kernel/random/boot_id") ?? ""
        capabilities.fipsEnabled = line("proc/sys/crypto/fips_enabled") == "1"
        capabilities.realtimeKernel = line("sys/kernel/realtime") == "1"
        let enforce = line("sys/fs/selinux/enforce")
        capabilities.selinux = .init(mode: enforce ?? "-1")
        capabilities.kdumpStatus = line("sys/kernel/kexec_crash_loaded").flatMap { Int($0) } ?? -1
        capabilities.hostdevPassthrough = exists("sys/class/iommu") && isIOMMUInUse ? "true" : "false"
        let adapters = StorageAdapters(self)
        (capabilities.ISCSIInitiatorName, capabilities.HBAInventory) = (adapters.initiatorName, adapters.report)
        capabilities.hooks = hooks.report
        let kernel = line("proc/sys/kernel/osrelease") ?? ""
        let (version, release) = Self.split(kernel)
        capabilities.packages2 = [
            "kernel": .init(version: version, release: release), "vdsm": .init(version: "4.50", release: "0"),
        ]
        let system = OperatingSystemFile(text: text("etc/os-release"))
        capabilities.operatingSystem.name = system.name
        capabilities.operatingSystem.version = system.version
        capabilities.operatingSystem.release = release
        capabilities.operatingSystem.pretty_name = system.prettyName
        capabilities.emulatedMachines = emulatedMachines
    }

    /// The machine types that every QEMU of the supported releases has; none where there is no QEMU.
    private var emulatedMachines: [String] {
        let isThere = ["usr/libexec/qemu-kvm", "usr/bin/qemu-system-x86_64", "usr/bin/qemu-kvm"].contains(where: exists)
        return isThere ? ["pc", "q35"] : []
    }

    private var isIOMMUInUse: Bool {
        guard let handle = opendir(root.appending("sys/class/iommu").string) else { return false }
        defer { closedir(handle) }
        var entries = 0
        while readdir(handle) != nil { entries += 1 }
        // The directory itself and its parent are entries too.
        return entries > 2
    }

    /// `6.1.0-25-amd64` -> `6.1.0`, `25-amd64`.
    private static func split(_ kernel: String) -> (version: String, release: String) {
        guard let hyphen = kernel.firstIndex(of: "-") else { return (kernel, "") }
        return (String(kernel[..<hyphen]), String(kernel[kernel.index(after: hyphen)...]))
    }
}

/// os-release(5).
package struct OperatingSystemFile: Hashable, Sendable {
    package private(set) var name = ""
    package private(set) var version = ""
    package private(set) var prettyName = ""

    package init(text: some StringProtocol) {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...]
            let isQuoted = value.count >= 2 && value.first == value.last && (value.first == "\"" || value.first == "'")
            values[String(line[..<equals])] = String(isQuoted ? value.dropFirst().dropLast() : value)
        }
        prettyName = values["PRETTY_NAME"] ?? ""
        version = values["VERSION_ID"] ?? ""
        name = Self.name(id: values["ID"] ?? "", variant: values["VARIANT_ID"] ?? "", fallback: values["NAME"] ?? "")
    }

    /// The names that engines compare with.
    private static func name(id: String, variant: String, fallback: String) -> String {
        if variant == "ovirt-node" { return "oVirt Node" }
        switch id {
        case "rhel", "centos", "almalinux", "rocky": return "RHEL"
        case "fedora": return "Fedora"
        case "debian": return "Debian"
        default: return fallback.isEmpty ? id : fallback
        }
    }
}
