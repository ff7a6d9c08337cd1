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

    /// Makes or changes a profile, and keeps it as its newest version.
    func save(_ profile: BootProfile, by user: String, at now: Int64, in db: Database) throws {
        try db.execute(
            literal: """
                INSERT INTO profile (name, mode, image, kernelArguments, kickstart, install, loader)
                VALUES (\(profile.name), \(profile.mode), \(profile.image),
                        \(try ColumnJSON.encode(profile.kernelArguments)),
                        \(try profile.kickstart.map { try ColumnJSON.encode($0) }),
                        \(try profile.install.map { try ColumnJSON.encode($0) }), \(profile.loader))
                ON CONFLICT (name) DO UPDATE
                SET mode = excluded.mode, image = excluded.image, kernelArguments = excluded.kernelArguments,
                    kickstart = excluded.kickstart, install = excluded.install, loader = excluded.loader
                """
        )
        try keepVersion(profile, by: user, at: now, in: db)
    }

    func removeProfile(_ name: String, by user: String, at now: Int64) async throws(EngineError) {
        try await write { db in
            guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
            guard name != BootProfile.defaultName else {
                throw EngineError(.conflict, "The profile default cannot be removed.", remedy: "Change it instead.")
            }
            try requireUnused(name, in: db)
            try db.execute(literal: "DELETE FROM profile WHERE name = \(name)")
            let text = "The boot profile \(name) was removed."
            try record(Occurrence(.profileRemoved, .normal, text, user: user), at: now, in: db)
        }
    }

    private func requireUnused(_ name: String, in db: Database) throws {
        for (table, things) in [("bootAssignment", "hosts"), ("tagProfile", "tags"), ("clusterProfile", "clusters")] {
            let uses = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM \(table) WHERE profile = ?",
                arguments: [name]
            )
            guard uses == 0 else {
                throw EngineError(
                    .conflict,
                    "The profile \(name) is set for \(uses ?? 0) \(things).",
                    remedy: "Give them another profile first."
                )
            }
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
            kickstart: ColumnJSON.decode(row["kickstart"]),
            install: ColumnJSON.decode(row["install"]),
            loader: row["loader"]
        )
    }
}

extension Store {
    /// `nil` takes the host's own profile away, so that its tags, its cluster or `default` count.
    func setBoot(
        _ id: UniqueID,
        profile name: String?,
        when schedule: BootSchedule,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            let when = schedule == .next ? "at its next boot" : "from now on"
            let text: String
            if let name {
                guard try Self.profile(name, in: db) != nil else { throw Self.noProfile(name) }
                try db.execute(
                    literal: """
                        INSERT INTO bootAssignment (host, schedule, profile) VALUES (\(id), \(schedule), \(name))
                        ON CONFLICT (host, schedule) DO UPDATE SET profile = excluded.profile, firstDenied = NULL
                        """
                )
                text = "Host \(host.name) boots \(name) \(when)."
            } else {
                try db.execute(literal: "DELETE FROM bootAssignment WHERE host = \(id) AND schedule = \(schedule)")
                text = "Host \(host.name) has no boot profile of its own any more, \(when)."
            }
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

    /// What a machine boots: the host's profile for the next boot, else its own, else its tag's, else its cluster's, else
    /// `default`. Changes nothing.
    /// A next-boot profile that denied its host at `deniedBefore` or earlier is over.
    func bootAnswer(_ request: BootRequest, deniedBefore: Int64) async throws(EngineError) -> BootAnswer {
        try await read { db in
            let host = try Self.host(mac: request.mac, or: request.hardwareID, in: db)
            let (name, reason) = try Self.profileName(for: host, deniedBefore: deniedBefore, in: db)
            guard var profile = try Self.profile(name, in: db) else { throw Self.noProfile(name) }
            // The answer is for a script; what a kickstart holds beyond goes out with a token and no other way.
            profile.kickstart?.rootPassword = nil
            let manifest = try profile.image.flatMap { try ImageRecord.fetch($0, in: db)?.manifest }
            var answer = BootAnswer(profile: profile, manifest: manifest, reason: reason, host: host?.name)
            if let host, try Self.awaitsToken(host, in: db) { answer.awaitsToken = true }
            if let host, try Self.boots(host, onceBefore: deniedBefore, in: db) { answer.isOnce = true }
            return answer
        }
    }

    /// Whether the profile that counts is one for the next boot.
    private static func boots(_ host: HostRow, onceBefore deniedBefore: Int64, in db: Database) throws -> Bool {
        try SQLRequest<Int>(
            literal: """
                SELECT 1 FROM bootAssignment
                WHERE host = \(host.id) AND schedule = 'next' AND ifnull(firstDenied > \(deniedBefore), TRUE)
                """
        ).fetchOne(db) != nil
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

    static func profileName(
        for host: HostRow?,
        deniedBefore: Int64,
        in db: Database
    ) throws -> (String, reason: String) {
        guard let host else { return (BootProfile.defaultName, "unknown machine") }
        let assignment = try Row.fetchOne(
            db,
            sql: """
                SELECT schedule, profile FROM bootAssignment WHERE host = ? AND ifnull(firstDenied > ?, TRUE)
                ORDER BY schedule = 'next' DESC LIMIT 1
                """,
            arguments: [host.id, deniedBefore]
        )
        guard let assignment else { return try inheritedProfile(of: host, in: db) }
        let schedule: BootSchedule = assignment["schedule"]
        let why = schedule == .next ? "set for the next boot" : "set for every boot"
        return (assignment["profile"], "host \(host.name), \(why)")
    }
}

extension Occurrence {
    /// `server`: the boot server on another segment that saw it; `nil`: the engine's own.
    init(_ step: BootEvent, of host: HostRow?, by server: HostName? = nil) {
        let machine = host.map { "Host \($0.name) (\(step.mac))" } ?? "Machine \(step.mac)"
        let address = step.address.map { " at \($0)" } ?? ""
        let seen = server.map { " (boot server \($0))" } ?? ""
        let text = "\(machine)\(address): \(terminalEscaped(step.detail.prefix(500)))\(seen)"
        switch step.stage {
        case .failed: self.init(.bootFailed, .warning, text, host: host)
        case .denied: self.init(.bootDenied, .warning, text, host: host)
        case .discover, .address, .loader, .script, .kernel, .initramfs, .root, .localDisk, .installed:
            self.init(.bootStep, .normal, text, host: host)
        }
        mac = step.mac
    }
}
