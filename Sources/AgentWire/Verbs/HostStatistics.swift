/// The payload of `Host.getStats`, with VDSM's field names and its mixture of strings and numbers (ovirt.md 5.6).
package struct HostStatistics: Hashable, Sendable, VerbPayload {
    package struct CPUUse: Hashable, Sendable, Codable {
        /// Percent with two decimals.
        package var cpuUser: String
        package var cpuSys: String
        package var cpuIdle: String
        package var nodeIndex: Int

        package init(cpuUser: String, cpuSys: String, cpuIdle: String, nodeIndex: Int) {
            (self.cpuUser, self.cpuSys, self.cpuIdle, self.nodeIndex) = (cpuUser, cpuSys, cpuIdle, nodeIndex)
        }
    }

    package struct LinkCounters: Hashable, Sendable, Codable {
        package var name: String
        /// `up` or `down`.
        package var state: String
        /// Megabits per second; 1000 where the driver does not say.
        package var speed: String
        package var duplex: String
        /// Bytes since the link was made.
        package var rx: String
        package var tx: String
        package var rxErrors: String
        package var txErrors: String
        package var rxDropped: String
        package var txDropped: String
        /// Seconds since 1970.
        package var sampleTime: Double

        package init(name: String, state: String, speed: String, duplex: String, sampleTime: Double) {
            (self.name, self.state, self.speed, self.duplex) = (name, state, speed, duplex)
            (rx, tx, rxErrors, txErrors, rxDropped, txDropped) = ("0", "0", "0", "0", "0", "0")
            self.sampleTime = sampleTime
        }
    }

    package struct NUMANodeMemory: Hashable, Sendable, Codable {
        package var memFree: String
        package var memPercent: Int
        package init(memFree: String, memPercent: Int) { (self.memFree, self.memPercent) = (memFree, memPercent) }
    }

    /// Huge pages of one size, under the kernel's own names.
    package struct HugePages: Hashable, Sendable, Codable {
        package var nr_hugepages: Int
        package var free_hugepages: Int
        package init(nr_hugepages: Int, free_hugepages: Int) {
            (self.nr_hugepages, self.free_hugepages) = (nr_hugepages, free_hugepages)
        }
    }

    package struct DiskSpace: Hashable, Sendable, Codable {
        /// Mebibytes.
        package var free: String
        package init(free: String) { self.free = free }
    }

    package struct HostedEngine: Hashable, Sendable, Codable {
        package var configured = false
        package var active = false
        package var score = 0
        package var localMaintenance = false
        package var globalMaintenance = false
        package init() {}
    }

    // Processor: percent as text
    package var cpuUser = "0.00"
    package var cpuSys = "0.00"
    package var cpuIdle = "100.00"
    /// The load average of five minutes.
    package var cpuLoad = "0.00"
    package var cpuUserVdsmd = "0.00"
    package var cpuSysVdsmd = "0.00"
    package var cpuStatistics: [String: CPUUse] = [:]
    /// Seconds since the agent started.
    package var elapsedTime = "0"
    /// Seconds since 1970 of the host's start.
    package var bootTime = "0"

    // Memory: mebibytes; `memUsed` is percent as text
    package var memUsed = "0"
    package var memFree = 0
    package var memShared = 0
    package var anonHugePages = "0"
    package var swapTotal = 0
    package var swapFree = 0
    package var numaNodeMemFree: [String: NUMANodeMemory] = [:]
    /// By size in kibibytes.
    package var hugepages: [String: HugePages] = [:]
    package var ksmState = false
    package var ksmPages = 0
    package var ksmCpu = 0
    package var ksmMergeAcrossNodes = true
    package var thpState = "never"

    // Guests
    package var vmCount = 0
    package var vmActive = 0
    package var vmMigrating = 0
    package var incomingVmMigrations = 0
    package var outgoingVmMigrations = 0

    // Network and storage
    package var network: [String: LinkCounters] = [:]
    package var rxDropped = "0"
    package var txDropped = "0"
    package var diskStats: [String: DiskSpace] = [:]
    /// `True` or `False`.
    package var netConfigDirty = "False"

    /// `YYYY-MM-DDTHH:MM:SS GMT`.
    package var dateTime = "1970-01-01T00:00:00 GMT"
    package var momStatus = "disabled"
    package var haStats = HostedEngine()

    package init() {}
}
