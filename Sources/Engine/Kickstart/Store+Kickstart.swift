import GRDB
import HostModel

/// What a kickstart is made with at one moment.
struct KickstartContext: Sendable {
    var now: Int64
    /// A next-boot profile that denied its host then or earlier is over.
    var deniedBefore: Int64
    var limits: KickstartLimits
    /// The agent's checksum, or why there is none.
    var agent: Result<Nonce, EngineError>
    var address: IPv4Address?
}

extension Store {
    // MARK: Settings of a host

    func hostKickstart(_ id: UniqueID) async throws(EngineError) -> HostKickstart {
        try await read { db in
            let host = try HostRow.require(id, in: db)
            guard let settings = try Self.hostKickstart(id, in: db) else { throw Self.noDisk(host) }
            return settings
        }
    }

    /// `nil` removes them.
    func setHostKickstart(
        _ id: UniqueID,
        _ settings: HostKickstart?,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            if let settings {
                try db.execute(
                    literal: """
                        INSERT INTO hostKickstart (host, settings) VALUES (\(id), \(try ColumnJSON.encode(settings)))
                        ON CONFLICT (host) DO UPDATE SET settings = excluded.settings
                        """
                )
            } else {
                try db.execute(literal: "DELETE FROM hostKickstart WHERE host = \(id)")
            }
            let text = "The kickstart settings of host \(host.name) were \(settings == nil ? "removed" : "saved")."
            let occurrence = Occurrence(
                .kickstartSettingsSaved,
                .normal,
                text,
                host: host,
                user: context.user,
                correlation: context.correlation
            )
            try record(occurrence, at: context.now, in: db)
        }
    }

    private static func hostKickstart(_ id: UniqueID, in db: Database) throws -> HostKickstart? {
        let sql = "SELECT settings FROM hostKickstart WHERE host = ?"
        return ColumnJSON.decode(try String.fetchOne(db, sql: sql, arguments: [id]))
    }

    private static func noDisk(_ host: HostRow) -> EngineError {
        EngineError(
            .notFound,
            "No disk is named for host \(host.name), and none is chosen for it.",
            remedy: "Name it: `muster host kickstart set \(host.name) FILE`."
        )
    }

    // MARK: Tickets

    /// Stores a ticket for the machine's host, if the host can be installed now.
    func issueTicket(
        _ token: Nonce,
        for request: BootRequest,
        _ context: KickstartContext
    ) async throws(EngineError) -> KickstartTicket {
        try await write { db in
            guard let host = try Self.host(mac: request.mac, or: request.hardwareID, in: db) else {
                throw EngineError(
                    .conflict,
                    "Only a host that is known is installed, and \(request.mac) is none.",
                    remedy: "Let it register first, with a profile of mode run."
                )
            }
            let (profile, _) = try Self.profileName(for: host, deniedBefore: context.deniedBefore, in: db)
            _ = try Self.installation(of: host, profile, context.agent, in: db)
            let row = InstallTokenRow(
                digest: tokenDigest(token),
                host: host.id,
                purpose: .kickstart,
                profile: profile,
                firmware: request.firmware,
                created: context.now,
                expires: context.now + context.limits.ticketSeconds * 1000
            )
            try row.insert(db)
            let keeping = context.limits.openTicketsPerHost
            try InstallTokenRow.spend(.kickstart, of: host.id, keeping: keeping, at: context.now, in: db)
            try InstallTokenRow.forget(before: context.now - context.limits.keptSeconds * 1000, in: db)
            let minutes = context.limits.ticketSeconds / 60
            let text =
                "Host \(host.name) got a link to its kickstart (\(profile)), good for one fetch in \(minutes) minutes."
            try record(Occurrence(.kickstartIssued, .normal, text, host: host), at: context.now, in: db)
            return KickstartTicket(token: token, lifetimeSeconds: context.limits.ticketSeconds)
        }
    }

    /// Spends a ticket and every other of its host, stores the token of the report, and gives the kickstart out.
    func spendTicket(
        _ token: Nonce,
        report: Nonce,
        _ context: KickstartContext
    ) async throws(EngineError) -> KickstartAnswer {
        try await write { db in
            guard let row = try InstallTokenRow.fetch(token, .kickstart, in: db) else {
                return KickstartAnswer(.unknown)
            }
            let host = try HostRow.require(row.host, in: db)
            let source = context.address.map { "\($0)" } ?? "an unknown address"
            if let refusal = row.refusal(at: context.now) {
                let text =
                    "\(source) asked for the kickstart of host \(host.name) by a link that is \(refusal.rawValue)."
                try record(Occurrence(.kickstartRefused, .warning, text, host: host), at: context.now, in: db)
                return KickstartAnswer(refusal)
            }
            var kickstart: Kickstart
            do {
                kickstart = try Self.installation(of: host, row.profile, context.agent, in: db)
            } catch let error as EngineError {
                let text =
                    "\(source) asked for the kickstart of host \(host.name), which cannot be made: \(error.detail)"
                try record(Occurrence(.kickstartRefused, .warning, text, host: host), at: context.now, in: db)
                return KickstartAnswer(.withdrawn)
            }
            (kickstart.firmware, kickstart.reportToken) = (row.firmware, report)
            try InstallTokenRow.spend(.kickstart, of: host.id, at: context.now, in: db)
            try InstallTokenRow.spend(.report, of: host.id, at: context.now, in: db)
            var next = row
            (next.digest, next.purpose, next.created) = (tokenDigest(report), .report, context.now)
            next.expires = context.now + context.limits.reportSeconds * 1000
            try next.insert(db)
            // The machine has what its next boot was to give.
            try db.execute(literal: "DELETE FROM bootAssignment WHERE host = \(host.id) AND schedule = 'next'")
            let text = "Host \(host.name) is being installed (\(row.profile)): its kickstart was fetched by \(source)."
            try record(Occurrence(.kickstartFetched, .normal, text, host: host), at: context.now, in: db)
            return KickstartAnswer(kickstart)
        }
    }

    /// Everything of a kickstart but the firmware and the report's token, which the caller puts in.
    private static func installation(
        of host: HostRow,
        _ name: String,
        _ agent: Result<Nonce, EngineError>,
        in db: Database
    ) throws -> Kickstart {
        guard let profile = try profile(name, in: db) else { throw noProfile(name) }
        guard profile.mode == .kickstart, let settings = profile.kickstart else {
            throw EngineError(
                .conflict,
                "The boot profile \(name) installs nothing: its mode is \(profile.mode.rawValue)."
            )
        }
        guard let machine = try hostKickstart(host.id, in: db) else { throw noDisk(host) }
        return Kickstart(
            host: host.name,
            profile: name,
            firmware: .bios,
            payload: try profile.image.map { try image($0, in: db) } ?? .packages(agent: try agent.get()),
            settings: settings,
            machine: machine,
            reportToken: tokenDigest(.random())
        )
    }

    private static func image(_ reference: ImageReference, in db: Database) throws -> Kickstart.Payload {
        guard let manifest = try ImageRecord.fetch(reference, in: db)?.manifest else {
            throw EngineError(
                .conflict,
                "The image \(reference) is not published.",
                remedy: "Publish it: `muster image publish \(reference.name)`."
            )
        }
        guard let root = manifest.files.first(where: { $0.role.rawValue == "root" }) else {
            throw EngineError(
                .conflict,
                "The image \(manifest.name) \(manifest.version) has no root file, so there is nothing to unpack.",
                remedy: "Use an image with a root file system of its own, or install packages."
            )
        }
        return .image(
            Kickstart.Image(name: manifest.name, version: manifest.version, file: root.name, sha256: root.sha256)
        )
    }

    // MARK: Reports

    /// Spends the token of a report. A host that is installed boots from its own disk from then on.
    func spendReport(_ report: InstallReport, at now: Int64) async throws(EngineError) -> InstallReportAnswer {
        try await write { db in
            guard let row = try InstallTokenRow.fetch(report.token, .report, in: db) else {
                return InstallReportAnswer(.unknown)
            }
            let host = try HostRow.require(row.host, in: db)
            if let refusal = row.refusal(at: now) {
                let text = "An installation of host \(host.name) reported by a token that is \(refusal.rawValue)."
                try record(Occurrence(.kickstartRefused, .warning, text, host: host), at: now, in: db)
                return InstallReportAnswer(refusal)
            }
            try InstallTokenRow.spend(.report, of: host.id, at: now, in: db)
            switch report.outcome {
            case .installed: try installed(host, row, at: now, in: db)
            case .failed:
                let detail = report.detail.map { ": \($0.escapedForTerminal)" } ?? "; its screen says more"
                let text = "The installation of host \(host.name) (\(row.profile)) failed\(detail)"
                try record(Occurrence(.systemInstallFailed, .error, text, host: host), at: now, in: db)
            }
            return InstallReportAnswer()
        }
    }

    private func installed(_ host: HostRow, _ row: InstallTokenRow, at now: Int64, in db: Database) throws {
        let local = try bootFromDisk(host, at: now, in: db)
        let text = "Host \(host.name) is installed (\(row.profile)); it boots from its own disk from now on (\(local))."
        try record(Occurrence(.systemInstalled, .normal, text, host: host), at: now, in: db)
    }

    /// From now on the host boots from its own disk. Returns the profile's name.
    func bootFromDisk(_ host: HostRow, at now: Int64, in db: Database) throws -> String {
        let local = try localProfile(at: now, in: db)
        try db.execute(literal: "DELETE FROM bootAssignment WHERE host = \(host.id)")
        try db.execute(
            literal: "INSERT INTO bootAssignment (host, schedule, profile) VALUES (\(host.id), 'always', \(local))"
        )
        return local
    }

    /// A profile of the mode `local`; made where somebody removed the last one.
    private func localProfile(at now: Int64, in db: Database) throws -> String {
        let sql = "SELECT name FROM profile WHERE mode = 'local' ORDER BY name = 'local' DESC, name LIMIT 1"
        if let name = try String.fetchOne(db, sql: sql) { return name }
        let isTaken = try Self.profile("local", in: db) != nil
        let profile = BootProfile(name: isTaken ? "local-disk" : "local", mode: .local)
        try save(profile, by: BootProfile.maker, at: now, in: db)
        return profile.name
    }
}
