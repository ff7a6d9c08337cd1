package import HostModel

/// The payload of `Host.getCapabilities`, with VDSM's field names and its mixture of strings and numbers.
///
/// A field that an agent does not send keeps its default, so that an older or a newer agent can still be read.
package struct HostCapabilities: Hashable, Sendable, VerbPayload {
    package struct OperatingSystem: Hashable, Sendable, Codable {
        package var name = ""
        package var version = ""
        package var release = ""
        package var pretty_name = ""
        package init() {}
    }

    package struct CPUTopologyEntry: Hashable, Sendable, Codable {
        package var cpu_id: Int
        package var numa_cell_id: Int
        package var socket_id: Int
        package var die_id: Int
        package var core_id: Int

        package init(cpu_id: Int, numa_cell_id: Int, socket_id: Int, die_id: Int, core_id: Int) {
            (self.cpu_id, self.numa_cell_id, self.socket_id) = (cpu_id, numa_cell_id, socket_id)
            (self.die_id, self.core_id) = (die_id, core_id)
        }
    }

    package struct NUMANode: Hashable, Sendable, Codable {
        package var cpus: [Int]
        /// Mebibytes, as text.
        package var totalMemory: String
        /// By size in KiB.
        package var hugepages: [String: HugePages]
        package init(cpus: [Int], totalMemory: String, hugepages: [String: HugePages] = [:]) {
            (self.cpus, self.totalMemory, self.hugepages) = (cpus, totalMemory, hugepages)
        }
    }

    package struct HugePages: Hashable, Sendable, Codable {
        package var totalPages: Int
        package init(totalPages: Int) { self.totalPages = totalPages }
    }

    /// Adapters to storage, by kind.
    package struct HBAInventory: Hashable, Sendable, Codable {
        package struct FibreChannel: Hashable, Sendable, Codable {
            package var model: String
            /// 16 hex digits each.
            package var wwpn: String
            package var wwnn: String
            package init(model: String, wwpn: String, wwnn: String) {
                (self.model, self.wwpn, self.wwnn) = (model, wwpn, wwnn)
            }
        }

        package struct Initiator: Hashable, Sendable, Codable {
            package var InitiatorName: String
            package init(InitiatorName: String) { self.InitiatorName = InitiatorName }
        }

        package var FC: [FibreChannel] = []
        package var iSCSI: [Initiator] = []
        package init() {}
    }

    /// A program of the administrator that runs at an event.
    package struct Hook: Hashable, Sendable, Codable {
        /// MD5, as VDSM has it: two hosts with the same hooks are seen to be so.
        package var checksum: String
        package init(checksum: String) { self.checksum = checksum }
    }

    package struct PackageVersion: Hashable, Sendable, Codable {
        package var version: String
        package var release: String
        package init(version: String, release: String) { (self.version, self.release) = (version, release) }
    }

    package struct SELinux: Hashable, Sendable, Codable {
        /// `1` enforcing, `0` permissive, `-1` disabled.
        package var mode: String
        package init(mode: String) { self.mode = mode }
    }

    // Processor
    /// `true` or `false`: whether /dev/kvm is there.
    package var kvmEnabled = "false"
    package var cpuCores = "0"
    package var cpuThreads = "0"
    package var cpuSockets = "0"
    /// Megahertz.
    package var cpuSpeed = "0"
    package var cpuModel = ""
    /// Comma list, with `model_NAME` for each of oVirt's CPU models that the processor can run.
    package var cpuFlags = ""
    package var onlineCpus = ""
    package var cpuTopology: [CPUTopologyEntry] = []
    package var vdsmToCpusAffinity: [Int] = []
    package var numaNodes: [String: NUMANode] = [:]
    package var numaNodeDistance: [String: [Int]] = [:]
    package var autoNumaBalancing = 2
    package var nestedVirtualization = false
    package var hugepages: [Int] = []

    // Memory, in mebibytes
    package var memSize = "0"
    package var reservedMem = "321"
    package var guestOverhead = "65"

    // Software
    package var software_version = "4.50"
    package var software_revision = "0"
    package var version_name = "Snow Man"
    package var supportedENGINEs: [String] = []
    package var clusterLevels: [String] = []
    package var vmTypes = ["kvm"]
    package var emulatedMachines: [String] = []
    package var rngSources: [String] = []
    package var selinux = SELinux(mode: "-1")
    package var kdumpStatus = -1
    package var liveSnapshot = "true"
    package var liveMerge = "true"
    package var hostdevPassthrough = "false"
    package var additionalFeatures: [String] = []
    package var hostedEngineDeployed = false
    package var kernelArgs = ""
    package var realtimeKernel = false
    package var fipsEnabled = false
    package var vncEncrypted = false
    package var ovnConfigured = false
    package var backupEnabled = false
    package var coldBackupEnabled = false
    package var boot_uuid = ""
    package var uuid = ""
    package var operatingSystem = OperatingSystem()
    package var packages2: [String: PackageVersion] = [:]
    package var ISCSIInitiatorName = ""
    package var HBAInventory = HBAInventory()
    /// By event and file name.
    package var hooks: [String: [String: Hook]] = [:]
    /// Hertz; empty where libvirt does not say.
    package var tscFrequency = ""
    package var tscScaling = false
    package var domain_versions = [0, 2, 3, 4, 5]
    package var supported_block_size: [String: [Int]] = [:]
    /// Ours: which image runs, from where, and whether it is on trial.
    package var musterImage = NodeImageReport()

    // Network
    /// `True` or `False`: whether the running configuration differs from the one that is restored at boot.
    package var netConfigDirty = "False"
    /// Ours: whether a change of the networks is under way, or what runs is not known; `nil` from agents that do not say.
    package var musterNetworkChanging: Bool?
    /// The device that owns the local address of the connection that asked; empty when there is none.
    package var lastClientIface = ""
    /// Ours: what in the kernel is not as the running configuration says, by network or bond.
    package var musterNetworkDrift: [String: [String]] = [:]
    package var nics: [String: NICReport] = [:]
    package var bondings: [String: BondReport] = [:]
    package var vlans: [String: VLANReport] = [:]
    package var bridges: [String: BridgeReport] = [:]
    package var networks: [String: NetworkReport] = [:]
    package var nameservers: [String] = []
    package var supportsIPv6 = true

    package init() {}
}
