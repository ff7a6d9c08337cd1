import AgentWire
import GRDB
import HostModel

/// A host with the network of its data center and the key that its agent must show: what a watch needs.
struct WatchedHost: Sendable {
    var row: HostRow
    var publicKey: CertificateRow?
    var networks: [NetworkRecord]
}

extension Store {
    /// `nil` when the host was removed.
    func watched(_ id: UniqueID) async throws(EngineError) -> WatchedHost? {
        try await read { db in
            guard let row = try HostRow.fetch(id, in: db) else { return nil }
            let cluster = try ClusterRecord.fetchAll(in: db).first { $0.id == row.cluster }
            return WatchedHost(
                row: row,
                publicKey: try CertificateRow.valid(of: id, in: db),
                networks: try NetworkRecord.fetchAll(in: db).filter { $0.dataCenter == cluster?.dataCenter }
            )
        }
    }

    /// Hosts that need a task when the engine starts.
    func hostsToWatch() async throws(EngineError) -> [UniqueID] {
        try await read { db in
            let watched = HostStatus.allCases.filter { $0.isMonitored || $0 == .installing }
            return try HostRow.filter(watched.contains(Column("status"))).fetchAll(db).map(\.id)
        }
    }

    /// Keeps what the agent reports. Not a transition: the version stays.
    func saveReport(
        of id: UniqueID,
        _ capabilities: ReportedCapabilities,
        _ hardware: HostHardware,
        at now: Int64
    ) async throws(EngineError) {
        try await write { db in
            try db.execute(
                literal: """
                    UPDATE host SET capabilities = \(try ColumnJSON.encode(capabilities.json)),
                                    hardware = \(try ColumnJSON.encode(hardware)), lastSeen = \(now)
                    WHERE id = \(id)
                    """
            )
        }
    }

    func saveContact(with id: UniqueID, at now: Int64) async throws(EngineError) {
        try await write { try $0.execute(literal: "UPDATE host SET lastSeen = \(now) WHERE id = \(id)") }
    }
}

extension HostHardware {
    /// Condenses the agent's reports. Empty strings are what the firmware does not say.
    init(_ hardware: HardwareInformation, _ capabilities: HostCapabilities) {
        self.init()
        func said(_ text: String) -> HostileText? { text.isEmpty ? nil : HostileText(text) }
        (manufacturer, product) = (said(hardware.systemManufacturer), said(hardware.systemProductName))
        (version, serial) = (said(hardware.systemVersion), said(hardware.systemSerialNumber))
        (family, uuid) = (said(hardware.systemFamily), said(hardware.systemUUID))
        (cpuModel, cpuSpeed) = (said(capabilities.cpuModel), said(capabilities.cpuSpeed))
        (cpuSockets, cpuCores) = (Int(capabilities.cpuSockets), Int(capabilities.cpuCores))
        (cpuThreads, memory) = (Int(capabilities.cpuThreads), Int(capabilities.memSize))
        let system = capabilities.operatingSystem
        operatingSystem = said(system.pretty_name) ?? said(system.name)
        operatingSystemVersion = said([system.version, system.release].filter { !$0.isEmpty }.joined(separator: " - "))
        kernel = capabilities.packages2["kernel"].flatMap { said($0.version) }
        kernelArguments = said(capabilities.kernelArgs)
        hasKVM = capabilities.kvmEnabled.lowercased() == "true"
    }
}
