import GRDB
import HostModel

extension Store {
    func profiles() async throws(EngineError) -> [BootProfile] {
        try await read { try Row.fetchAll($0, sql: "SELECT * FROM profile ORDER BY name").map(BootProfile.init) }
    }

    func profile(_ name: String) async throws(EngineError) -> BootProfile {
        try await read { db in
            guard let profile = try Self.profile(name, in: db) else { throw Self.noProfile(name) }
            return profile
        }
    }

    static func profile(_ name: String, in db: Database) throws -> BootProfile? {
        try Row.fetchOne(db, sql: "SELECT * FROM profile WHERE name = ?", arguments: [name]).map(BootProfile.init)
    }

    func save(_ profile: BootProfile, in db: Database) throws {
        try db.execute(
            literal: """
                INSERT INTO profile (name, mode, image, kernelArguments, kickstart)
                VALUES (\(profile.name), \(profile.mode), \(profile.image),
                        \(try ColumnJSON.encode(profile.kernelArguments)),
                        \(try profile.kickstart.map { try ColumnJSON.encode($0) }))
                ON CONFLICT (name) DO UPDATE
                SET mode = excluded.mode, image = excluded.image, kernelArguments = excluded.kernelArguments,
                    kickstart = excluded.kickstart
                """
        )
    }

    func removeProfile(_ name: String, by user: String, at now: Int64) async throws(EngineError) {
        try await write { db in
            guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
            guard name != BootProfile.defaultName else {
                throw EngineError(.conflict, "The profile default cannot be removed.", remedy: "Change it instead.")
            }
            let uses = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM bootAssignment WHERE profile = ?",
                arguments: [name]
            )
            guard uses == 0 else {
                throw EngineError(
                    .conflict,
                    "The profile \(name) is set for \(uses ?? 0) hosts.",
                    remedy: "Give them another profile first."
                )
            }
            try db.execute(literal: "DELETE FROM profile WHERE name = \(name)")
            let text = "The boot profile \(name) was removed."
            try record(Occurrence(.profileRemoved, .normal, text, user: user), at: now, in: db)
        }
    }

    static func noProfile(_ name: String) -> EngineError {
        EngineError(
            .notFound,
            "There is no boot profile \(terminalEscaped(name.prefix(64))).",
            remedy: "`muster profile list` shows the profiles."
        )
    }
}

extension BootProfile {
    init(_ row: Row) {
        self.init(
            name: row["name"],
            mode: row["mode"],
            image: row["image"],
            kernelArguments: ColumnJSON.decode(row["kernelArguments"]) ?? [],
            kickstart: ColumnJSON.decode(row["kickstart"])
        )
    }
}

extension Store {
    func setBoot(
        _ id: UniqueID,
        profile name: String,
        when schedule: BootSchedule,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
            try db.execute(
                literal: """
                    INSERT INTO bootAssignment (host, schedule, profile) VALUES (\(id), \(schedule), \(name))
                    ON CONFLICT (host, schedule) DO UPDATE SET profile = excluded.profile
                    """
            )
            let text = "Host \(host.name) boots \(name) \(schedule == .next ? "at its next boot" : "from now on")."
            try record(
                Occurrence(
                    .bootProfileSet,
                    .normal,
                    text,
                    host: host,
                    user: context.user,
                    correlation: context.correlation
                ),
                at: context.now,
                in: db
            )
        }
    }

    /// What a machine boots: the host's profile for the next boot, else its own, else `default`. Changes nothing.
    func bootAnswer(_ request: BootRequest) async throws(EngineError) -> BootAnswer {
        try await read { db in
            let host = try Self.host(mac: request.mac, or: request.hardwareID, in: db)
            let (name, reason) = try Self.profileName(for: host, in: db)
            guard var profile = try Self.profile(name, in: db) else { throw Self.noProfile(name) }
            // The answer is for a script; what a kickstart holds beyond goes out with a token and no other way.
            profile.kickstart?.rootPassword = nil
            let manifest = try profile.image.flatMap { try ImageRecord.fetch($0, in: db)?.manifest }
            return BootAnswer(profile: profile, manifest: manifest, reason: reason, host: host?.name)
        }
    }

    /// The MAC address decides; the machine id counts where the MAC is not known.
    static func host(mac: MACAddress, or id: HardwareID?, in db: Database) throws -> HostRow? {
        let byMAC = try HostRow.fetchOne(
            db,
            sql: "SELECT host.* FROM host JOIN hostMAC ON host.id = hostMAC.host WHERE mac = ?",
            arguments: [mac]
        )
        if let byMAC { return byMAC }
        return try id.flatMap { try HostRow.filter(Column("hardwareID") == $0).fetchOne(db) }
    }

    static func profileName(for host: HostRow?, in db: Database) throws -> (String, reason: String) {
        guard let host else { return (BootProfile.defaultName, "unknown machine") }
        let assignment = try Row.fetchOne(
            db,
            sql: "SELECT schedule, profile FROM bootAssignment WHERE host = ? ORDER BY schedule = 'next' DESC LIMIT 1",
            arguments: [host.id]
        )
        guard let assignment else { return (BootProfile.defaultName, "host \(host.name), no profile of its own") }
        let schedule: BootSchedule = assignment["schedule"]
        let why = schedule == .next ? "set for the next boot" : "set for every boot"
        return (assignment["profile"], "host \(host.name), \(why)")
    }

    /// Records boot steps as events of the machine's host, and spends the next-boot profile of a machine that got what
    /// it says.
    func record(_ steps: [BootEvent], at now: Int64) async throws(EngineError) {
        guard !steps.isEmpty else { return }
        try await write { db in
            for step in steps {
                let host = try Self.host(mac: step.mac, or: nil, in: db)
                try record(Occurrence(step, of: host), at: now, in: db)
                guard let host, step.stage.endsBoot else { continue }
                try db.execute(literal: "DELETE FROM bootAssignment WHERE host = \(host.id) AND schedule = 'next'")
            }
        }
    }
}

extension Occurrence {
    init(_ step: BootEvent, of host: HostRow?) {
        let machine = host.map { "Host \($0.name) (\(step.mac))" } ?? "Machine \(step.mac)"
        let address = step.address.map { " at \($0)" } ?? ""
        let text = "\(machine)\(address): \(terminalEscaped(step.detail.prefix(500)))"
        switch step.stage {
        case .failed: self.init(.bootFailed, .warning, text, host: host)
        case .denied: self.init(.bootDenied, .warning, text, host: host)
        case .discover, .address, .loader, .script, .kernel, .initramfs, .localDisk:
            self.init(.bootStep, .normal, text, host: host)
        }
        mac = step.mac
    }
}

extension BootEvent.Stage {
    /// True once the machine has what its profile gives: the initramfs is fetched last.
    var endsBoot: Bool {
        switch self {
        case .initramfs, .localDisk, .denied: true
        case .discover, .address, .loader, .script, .kernel, .failed: false
        }
    }
}
