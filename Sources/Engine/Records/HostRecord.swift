package import AgentWire
package import HostModel

/// A host as the engine knows it now.
package struct HostRecord: Sendable, Hashable {
    package var id: UniqueID
    package var name: HostName
    /// An IPv4 address or a DNS name.
    package var address: String
    package var port: UInt16
    /// Where it stands; `shownStatus` is what a list shows.
    package var status: HostStatus
    /// The reason of `non_operational`, lower case as in oVirt; the failed step of `install_failed`.
    package var statusDetail: String?
    package var cluster: ClusterRecord
    package var comment: String
    /// -1 (never the storage pool manager) to 10.
    package var spmPriority: Int
    /// Names, sorted.
    package var tags: [String]
    package var affinityLabels: [String]
    package var hardwareID: HardwareID?
    /// What the machine said of itself with its last claim: hostile.
    package var facts: HostFacts?
    /// What the agent reports, once it was heard.
    package var hardware: HostHardware?
    /// Claims that are open now, oldest first.
    package var claims: [ClaimRecord]
    package var bootProfile: String?
    package var nextBootProfile: String?
    /// The address that it is given at its boots, where one is fixed.
    package var fixedAddress: IPv4Address?
    package var macs: [MACAddress]
    /// Milliseconds since 1970 of the last answer of the agent.
    package var lastSeen: Int64?
    /// `O=…,CN=…` of the certificate that the agent must show.
    package var certificateSubject: String?
    /// When that certificate ends, in milliseconds since 1970.
    package var certificateEnd: Int64?
    /// The active version of the image that the host runs, where that is another one.
    package var newerImageVersion: String?
    /// How the engine reaches a converted server by SSH.
    package var server: ServerAccess?

    /// Whether and how the engine switches it.
    package var power = PowerManagement()

    /// What it said last of what it does; `nil` when that is a while ago.
    package var figures: HostFigures?

    /// The MAC address by which the machine is reached: the one that carries its address, where it said so.
    package var mac: MACAddress? {
        let reached = facts?.interfaces.first { $0.addresses.contains { "\($0.address)" == address } }
        return reached?.mac ?? macs.first
    }

    /// A host that no longer answers while a claim waits is a host that waits for approval.
    package var shownStatus: HostStatus {
        let isWaiting = claims.contains { $0.state == .pending }
        return isWaiting && (status == .nonResponsive || status == .down) ? .pendingApproval : status
    }
}

/// What the agent reports of the machine: `getHardwareInfo` and the scalar part of `getCapabilities`.
package struct HostHardware: Sendable, Hashable, Codable {
    package var manufacturer: HostileText?
    package var product: HostileText?
    package var version: HostileText?
    package var serial: HostileText?
    package var family: HostileText?
    package var uuid: HostileText?
    package var cpuModel: HostileText?
    /// Megahertz, as the agent writes it.
    package var cpuSpeed: HostileText?
    package var cpuSockets: Int?
    package var cpuCores: Int?
    package var cpuThreads: Int?
    /// Mebibytes.
    package var memory: Int?
    package var operatingSystem: HostileText?
    package var operatingSystemVersion: HostileText?
    package var kernel: HostileText?
    package var kernelArguments: HostileText?
    package var hasKVM: Bool?
    /// oVirt's words: `enforcing`, `permissive`, `disabled`.
    package var seLinux: String?
    /// oVirt's words: `enabled`, `disabled`, `unknown`.
    package var kdump: String?
    /// oVirt's words: `enable`, `disable`, `unknown`.
    package var numaBalancing: String?
    package var numaNodes: Int?
    package var hasPassthrough: Bool?
    package var initiator: HostileText?
    /// `VERSION` or `VERSION-RELEASE`.
    package var libvirt: HostileText?
    package var vdsm: HostileText?
    /// Which image runs, and from where; `nil` for a host that runs none of ours.
    package var image: NodeImageReport?

    /// Mebibytes that a machine may have: far above what is built, and far below what overflows in bytes.
    package static let memoryRange = 0...1 << 40

    package init() {}

    /// `nil` for mebibytes that no machine has: the number is the host's own word.
    package static func plausible(memory: Int?) -> Int? { memory.flatMap { memoryRange.contains($0) ? $0 : nil } }
}

/// Which hosts are asked for, in which order, and how many of them.
package struct HostFilter: Sendable {
    package var query = SearchQuery()
    /// At most so many, of the query's page; `nil`: all.
    package var max: Int?
    package var isCaseSensitive = false

    /// `name` may hold `*` for any characters.
    package init(name: String? = nil, status: HostStatus? = nil) {
        if let name { query.condition = .comparison(field: "name", .equal, value: name) }
        if let status {
            let isThere = SearchQuery.Condition.comparison(field: "status", .equal, value: status.rawValue)
            query.condition = query.condition == .all ? isThere : .both(query.condition, isThere)
        }
    }

    /// A search in oVirt's language over the fields of hosts.
    package init(search: String, max: Int? = nil) throws(EngineError) {
        query = try SearchQuery(search, fields: HostSearch.columns.fields)
        self.max = max
    }

    package static let all = HostFilter()

    /// What can be searched for.
    package static var fields: [String] { HostSearch.columns.fields }
}

/// When a boot profile applies.
package enum BootSchedule: String, Sendable, Codable {
    /// For the next boot only.
    case next
    case always
}
