import Foundation
import GRDB
import HostModel

// The transitions of a machine that was announced and is to come by itself.

extension Store {
    /// The host as it would be stored; refuses what is taken, and a profile by which it could not come.
    func announced(_ order: ArrivalOrder, at now: Int64) async throws(EngineError) -> HostRow {
        try await read { db in
            try Self.refuseTaken(order, in: db)
            try Self.refuseProfile(order.profile ?? BootProfile.defaultName, in: db)
            let cluster = try Self.cluster(order.cluster, in: db)
            try DataCenterRecord.checkRoom(for: order.name, inDataCenterOf: cluster.id, in: db)
            return HostRow(
                id: .random(),
                name: order.name,
                address: "",
                port: 54321,
                status: .installingOS,
                cluster: cluster.id,
                created: now,
                version: 1
            )
        }
    }

    private static func refuseTaken(_ order: ArrivalOrder, in db: Database) throws {
        if try HostRow.filter(Column("name") == order.name.rawValue).fetchCount(db) > 0 {
            throw EngineError(.conflict, "There is a host \(order.name) already.", remedy: "Choose another name.")
        }
        let known = try HostRow.fetchOne(
            db,
            sql: """
                SELECT host.* FROM host JOIN hostMAC ON host.id = hostMAC.host WHERE mac = ? AND NOT (\(isOnlySaid))
                """,
            arguments: [order.mac]
        )
        guard let known else { return }
        throw EngineError(
            .conflict,
            "\(order.mac) is a network card of host \(known.name) already.",
            remedy: "`muster host show \(known.name)` shows it; remove it first if the machine is to start anew."
        )
    }

    /// Only a node that runs from the network registers in the boot that got the token.
    private static func refuseProfile(_ name: String, in db: Database) throws {
        guard let profile = try profile(name, in: db) else { throw noProfile(name) }
        guard profile.mode == .run else {
            throw EngineError(
                .conflict,
                "The boot profile \(name) has the mode \(profile.mode.rawValue); a machine comes by itself with mode run only.",
                remedy: "Give --profile one of mode run; install it on its disk later: `muster host install-disk`."
            )
        }
        guard let image = profile.image, try ImageRecord.fetch(image, in: db)?.manifest != nil else {
            throw EngineError(
                .conflict,
                "The boot profile \(name) has no image that is published.",
                remedy: "Publish one: `muster image publish`."
            )
        }
    }

    func announce(
        _ order: ArrivalOrder,
        _ host: HostRow,
        agent: UniqueID,
        password: Data,
        _ kind: PowerCourse.Kind,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            try Self.refuseTaken(order, in: db)
            try DataCenterRecord.checkRoom(for: order.name, inDataCenterOf: host.cluster, in: db)
            var host = host
            try host.insert(db)
            // A machine that only said that it has the address has it no more.
            try db.execute(
                literal: """
                    INSERT INTO hostMAC (mac, host) VALUES (\(order.mac), \(host.id))
                    ON CONFLICT (mac) DO UPDATE SET host = excluded.host
                    """
            )
            try adoptEvents(of: [order.mac], by: host, in: db)
            if let profile = order.profile {
                try db.execute(
                    literal:
                        "INSERT INTO bootAssignment (host, schedule, profile) VALUES (\(host.id), 'always', \(profile))"
                )
            }
            try FenceAgentRow(agent, of: host.id, order.board, turn: order.board.order ?? 1, password: password)
                .insert(db)
            try Self.changePower(of: host.id, in: db) { $0.isEnabled = true }
            try ArrivalRow(host: host.id, user: context.user, correlation: context.correlation).insert(db)
            let text =
                "Host \(host.name) (\(order.mac)) was announced; it is switched on at "
                + "\(terminalEscaped(order.board.address)) and is to come by itself."
            try tell(.hostAdded, .normal, text, host, context, db)
            _ = try insertPowerJob(kind, of: host, bootsFromNetwork: true, context: context, in: db)
        }
    }

    /// The machine's own MAC address decides alone: a machine id is anybody's word.
    func issueArrival(
        _ token: Nonce,
        for request: BootRequest,
        within window: Int64,
        at now: Int64
    ) async throws(EngineError) -> ArrivalTicket {
        try await write { db in
            guard let host = try Self.host(mac: request.mac, or: nil, in: db), host.status == .installingOS,
                var row = try ArrivalRow.fetch(host.id, in: db), row.isDue(at: now, within: window)
            else { throw EngineError(.conflict, "\(request.mac) gets no token now.") }
            (row.digest, row.handed) = (tokenDigest(token), now)
            try row.update(db)
            let place = request.address.map { "\($0)" } ?? "an unknown address"
            let text = "Host \(host.name) at \(place) got its boot script, with the one token by which it registers."
            try record(Occurrence(.arrivalTicket, .normal, text, host: host), at: now, in: db)
            return ArrivalTicket(token: token)
        }
    }

    /// Whether the script of this host's boot is to have a token.
    static func awaitsToken(_ host: HostRow, in db: Database) throws -> Bool {
        guard host.status == .installingOS, let row = try ArrivalRow.fetch(host.id, in: db) else { return false }
        return row.switched != nil && row.digest == nil
    }

    /// Gives up on machines that did not come in time.
    func endArrivals(within window: Int64, context: TransitionContext) async throws(EngineError) {
        let late = try await read { db in
            try ArrivalRow.fetchAll(
                db,
                sql: "SELECT * FROM arrival WHERE ifnull(handed, switched) < ?",
                arguments: [
                    context.now - window
                ]
            )
        }
        guard !late.isEmpty else { return }
        try await write { db in
            for row in late {
                guard let row = try ArrivalRow.fetch(row.host, in: db),
                    let since = row.handed ?? row.switched, context.now - since > window,
                    var host = try HostRow.fetch(row.host, in: db), host.status == .installingOS
                else { continue }
                try fail(&host, row.isLate(window), context: context, in: db)
            }
        }
    }

    /// The machine will not come by itself.
    func fail(
        _ host: inout HostRow,
        _ failure: ArrivalFailure,
        context: TransitionContext,
        in db: Database
    ) throws {
        var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
        try live(&host, &life, .arrivalFailed(failure), context: context, in: db)
    }
}

extension ArrivalRow {
    fileprivate func isLate(_ window: Int64) -> ArrivalFailure {
        let minutes = window / 60_000
        guard handed != nil else {
            return ArrivalFailure(
                step: .boot,
                reason: "It was switched on and asked for no boot script in \(minutes) minutes.",
                remedy: "See whether its MAC address is the right one and its board can boot it from the network; then "
                    + "`muster host power HOST restart --boot-from network`."
            )
        }
        return ArrivalFailure(
            step: .register,
            reason: "It got its boot script and did not register in \(minutes) minutes.",
            remedy:
                "Look at its console; then `muster host power HOST restart --boot-from network`, or approve it by its code."
        )
    }
}

// MARK: - Its claim

extension Store {
    /// A claim of a machine that was announced.
    struct ArrivingClaim {
        var host: HostRow
        /// It showed the token; else it waits for its code as every other.
        var isProven: Bool
    }

    /// The announced host that a claim is of: by its token, or by one of its network cards. `known`: the host that has the
    /// claim's machine id.
    func arriving(
        _ new: NewClaim,
        known: HostRow?,
        limits: EnrolmentLimits,
        in db: Database
    ) throws -> ArrivingClaim? {
        if let token = new.request.bootToken, let row = try ArrivalRow.fetch(token: token, in: db),
            let host = try HostRow.fetch(row.host, in: db)
        {
            if let refusal = try refusal(of: row, host, new, known: known, limits: limits, in: db) {
                let text =
                    "A machine at \(new.source) showed the token of host \(host.name), which does not count: \(refusal)."
                try record(Occurrence(.arrivalRefused, .warning, text, host: host), at: new.now, in: db)
            } else {
                if let known, known.id != host.id { try HostRow.filter(Column("id") == known.id).deleteAll(db) }
                return ArrivingClaim(host: host, isProven: true)
            }
        }
        guard known == nil else { return nil }
        for mac in new.macs {
            guard let host = try Self.host(mac: mac, or: nil, in: db), host.hardwareID == nil,
                try ArrivalRow.fetch(host.id, in: db) != nil
            else { continue }
            return ArrivingClaim(host: host, isProven: false)
        }
        return nil
    }

    private func refusal(
        of row: ArrivalRow,
        _ host: HostRow,
        _ new: NewClaim,
        known: HostRow?,
        limits: EnrolmentLimits,
        in db: Database
    ) throws -> String? {
        guard host.status == .installingOS else { return "the host is \(host.status.rawValue)" }
        guard let handed = row.handed, new.now - handed <= limits.arrivalSeconds * 1000 else { return "it is too old" }
        // The same node says it again where an answer was lost.
        if let claim = row.claim, try ClaimRow.filter(Column("id") == claim).fetchOne(db)?.publicKey != new.publicKey {
            return "it was used before"
        }
        guard let known, known.id != host.id else { return nil }
        let isSaid = try HostRow.filter(literal: "id = \(known.id) AND \(SQL(sql: Self.isOnlySaid))").fetchCount(db) > 0
        return isSaid ? nil : "the machine is host \(known.name) already"
    }

    func spendToken(of host: UniqueID, for claim: UniqueID, in db: Database) throws {
        try db.execute(literal: "UPDATE arrival SET claim = \(claim) WHERE host = \(host)")
    }
}

extension EventCode {
    package static let arrivalTicket = EventCode(rawValue: 20_099)
    package static let arrivalRefused = EventCode(rawValue: 20_100)
    package static let hostArrived = EventCode(rawValue: 20_101)
}
