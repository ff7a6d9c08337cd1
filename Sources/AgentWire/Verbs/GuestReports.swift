/// A guest in the answer of `Host.getVMList` and `Host.getVMFullList` (vdsm-api.yml, VmShortStatus and VmDefinition).
package struct GuestReport: Hashable, Sendable, VerbPayload {
    /// The guest's UUID.
    package var vmId = ""
    package var vmName = ""
    /// VDSM's words: `Up`, `Paused`, `Powering down`, `Down`.
    package var status = "Down"
    /// When the status began, in milliseconds of a clock that never goes back.
    package var statusTime = "0"
    package var vmType = "kvm"
    /// Virtual CPUs.
    package var smp = "0"
    /// Mebibytes.
    package var memSize = "0"

    package init() {}
}

/// One guest in the answer of `Host.getAllVmStats` (vdsm-api.yml, RunningVmStats), as far as libvirt tells it.
package struct GuestStatistics: Hashable, Sendable, VerbPayload {
    package struct Balloon: Hashable, Sendable, Codable {
        // KiB, as text
        package var balloon_cur = "0"
        package var balloon_max = "0"
        package var balloon_min = "0"
        package var balloon_target = "0"
        package init() {}
    }

    package var vmId = ""
    package var vmName = ""
    package var vmType = "kvm"
    package var status = "Down"
    package var statusTime = "0"
    /// `0`, or `-1` when libvirt has not answered for a while.
    package var monitorResponse = "0"
    package var vcpuCount = "0"
    /// Percent of one processor, with two decimals: the guest's, and QEMU's own.
    package var cpuUser = "0.00"
    package var cpuSys = "0.00"
    /// Nanoseconds of processor time since its start.
    package var cpuUsage = "0"
    /// Percent; `0` where no balloon driver tells.
    package var memUsage = "0"
    package var balloonInfo = Balloon()

    package init() {}
}

/// What `Host.getVMList`, `Host.getVMFullList` and `Host.dumpxmls` are asked.
package struct GuestSelection: Hashable, Sendable {
    /// Ids; `nil` asks for all guests.
    package var ids: Set<String>?
    /// The answer is a list of ids.
    package var onlyIDs = false

    /// The most ids of one call.
    private static let idsMax = 10_000

    /// Reads `vmList` and `onlyUUID`, which is true unless said (VDSM's Bridge.py); an empty list asks for all guests, as in VDSM.
    package init(params: JSONValue) throws(RPCError) {
        onlyIDs = params["onlyUUID"]?.boolean ?? true
        guard let list = params["vmList"], list != .null else { return }
        guard let values = list.array, values.count <= Self.idsMax else {
            throw RPCError(.invalidParams, "vmList is not a list of at most \(Self.idsMax) ids")
        }
        var named: Set<String> = []
        for value in values {
            guard let id = value.string else { throw RPCError(.invalidParams, "vmList is not a list of ids") }
            named.insert(id.lowercased())
        }
        if !named.isEmpty { ids = named }
    }

    package func contains(_ id: String) -> Bool { ids?.contains(id) ?? true }
}
