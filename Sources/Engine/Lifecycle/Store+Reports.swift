import AgentWire
import GRDB
import HostModel

/// A host with the networks of its cluster and the key that its agent must show: what a watch needs.
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
            return WatchedHost(
                row: row,
                publicKey: try CertificateRow.valid(of: id, in: db),
                networks: try NetworkRecord.fetchAll(of: row.cluster, in: db)
            )
        }
    }

    /// A host that wrote a crash dump, and whose power nobody works on any more, is looked at anew.
    func releaseStrandedDumps() async throws(EngineError) {
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE host SET status = 'unassigned', statusDetail = NULL, version = version + 1
                    WHERE status = 'kdumping' AND id NOT IN (SELECT host FROM powerJob WHERE state = 'started')
                    """
            )
        }
    }

    /// Hosts that need a task when the engine starts.
    func hostsToWatch() async throws(EngineError) -> [UniqueID] {
        try await read { db in
            let watched = HostStatus.allCases.filter { $0.isMonitored || $0 == .installing || $0 == .reboot }
            return try HostRow.filter(watched.contains(Column("status"))).select(Column("id"), as: UniqueID.self)
                .fetchAll(db)
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
            try warnOfSELinux(on: id, capabilities, at: now, in: db)
            try tellFallBack(of: id, hardware.image, at: now, in: db)
            try db.execute(
                literal: """
                    UPDATE host SET capabilities = \(capabilities.json),
                                    hardware = \(try ColumnJSON.encode(hardware)), lastSeen = \(now)
                    WHERE id = \(id)
                    """
            )
        }
    }
}

extension Store {
    /// Compares a host with its cluster, in one transaction with what the cluster takes over from the first host that
    /// fits: two hosts at once must not both be first. `required`: the networks that the cluster requires.
    func judge(
        _ id: UniqueID,
        _ fitness: HostFitness,
        isUp: Bool
    ) async throws(EngineError) -> (unfitness: Unfitness?, required: Set<String>) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            let demands = try ClusterDemands.fetch(host.cluster, without: id, in: db)
            let required = Set(demands.networks.filter(\.isRequired).map(\.name))
            if let unfitness = fitness.firstUnfitness(in: demands, isUp: isUp) { return (unfitness, required) }
            let architecture = demands.architecture ?? fitness.architecture
            let machine = demands.emulatedMachine ?? fitness.preferredMachine
            try db.execute(
                literal: """
                    UPDATE cluster SET architecture = \(architecture?.rawValue), emulatedMachine = \(machine)
                    WHERE id = \(host.cluster) AND (architecture, emulatedMachine)
                        IS NOT (\(architecture?.rawValue), \(machine))
                    """
            )
            return (nil, required)
        }
    }

    /// A node that gave a new image up says so once, whoever ordered that image. Its reason may come later and is not told
    /// again.
    private func tellFallBack(of id: UniqueID, _ image: NodeImageReport?, at now: Int64, in db: Database) throws {
        guard let image, let fallBack = image.fallBack, let host = try HostRow.fetch(id, in: db) else { return }
        let known: HostHardware? = ColumnJSON.decode(host.hardware)
        let last = known?.image?.fallBack
        guard last?.version != fallBack.version || last?.slot != fallBack.slot else { return }
        let slot = fallBack.slot.map { " in slot \(terminalEscaped($0))" } ?? ""
        let why = fallBack.reason.map { ": \($0.escapedForTerminal)" } ?? "."
        let text =
            "Host \(host.name) gave up version \(fallBack.version.escapedForTerminal)\(slot) and runs "
            + "\(image.version.escapedForTerminal)\(why)"
        try record(Occurrence(.imageFellBack, .warning, text, host: host), at: now, in: db)
    }

    /// oVirt warns of a host without SELinux and takes it all the same; told once for each mode that the agent reports.
    private func warnOfSELinux(
        on id: UniqueID,
        _ capabilities: ReportedCapabilities,
        at now: Int64,
        in db: Database
    ) throws {
        struct Known: Decodable { var selinux: HostCapabilities.SELinux? }
        let mode = capabilities.values.selinux.mode
        guard mode != "1", let host = try HostRow.fetch(id, in: db) else { return }
        let known: Known? = ColumnJSON.decode(try HostRow.capabilities(of: id, in: db))
        guard known?.selinux?.mode != mode else { return }
        let what = mode == "0" ? "permissive" : "disabled"
        let text = "SELinux is \(what) on host \(host.name); enforcing it keeps guests apart."
        try record(Occurrence(.selinuxNotEnforcing, .warning, text, host: host), at: now, in: db)
    }
}

extension ClusterDemands {
    /// What was taken over from hosts counts only as long as another host lives by it.
    static func fetch(_ id: UniqueID, without host: UniqueID, in db: Database) throws -> ClusterDemands {
        var demands = ClusterDemands()
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM cluster WHERE id = ?", arguments: [id]) else {
            return demands
        }
        (demands.level, demands.cpu) = (row["level"], row["cpu"])
        let sources: String = row["rngSources"]
        demands.rngSources = sources.split(separator: " ").map(String.init)
        demands.networks = try NetworkRecord.fetchAll(of: id, in: db)
        let others = """
            SELECT 1 FROM host WHERE cluster = ? AND id <> ? AND status NOT IN
            ('pending_approval', 'installing_os', 'installing', 'install_failed', 'initializing', 'non_operational')
            """
        guard try Row.fetchOne(db, sql: others, arguments: [id, host]) != nil else { return demands }
        let architecture: String? = row["architecture"]
        (demands.architecture, demands.emulatedMachine) = (
            architecture.flatMap(Architecture.init), row["emulatedMachine"]
        )
        return demands
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
        (cpuThreads, memory) = (Int(capabilities.cpuThreads), Self.plausible(memory: Int(capabilities.memSize)))
        let system = capabilities.operatingSystem
        operatingSystem = said(system.pretty_name) ?? said(system.name)
        operatingSystemVersion = said([system.version, system.release].filter { !$0.isEmpty }.joined(separator: " - "))
        kernel = capabilities.packages2["kernel"].flatMap { said($0.version) }
        kernelArguments = said(capabilities.kernelArgs)
        hasKVM = capabilities.kvmEnabled.lowercased() == "true"
        seLinux = ["1": "enforcing", "0": "permissive", "-1": "disabled"][capabilities.selinux.mode]
        kdump = [1: "enabled", 0: "disabled"][capabilities.kdumpStatus] ?? "unknown"
        numaBalancing = [1: "enable", 0: "disable"][capabilities.autoNumaBalancing] ?? "unknown"
        numaNodes = capabilities.numaNodes.isEmpty ? nil : capabilities.numaNodes.count
        hasPassthrough = capabilities.hostdevPassthrough.lowercased() == "true"
        initiator = said(capabilities.ISCSIInitiatorName)
        func reported(_ package: String) -> HostileText? {
            capabilities.packages2[package].flatMap {
                said([$0.version, $0.release].filter { !$0.isEmpty }.joined(separator: "-"))
            }
        }
        (libvirt, vdsm) = (reported("libvirt"), reported("vdsm"))
        let reported = capabilities.musterImage
        image = reported == NodeImageReport() ? nil : reported
    }
}
