import GRDB
import HostModel

// What is stored of a host's boards, and what people change of it.

extension Store {
    func fenceAgents(of host: UniqueID) async throws(EngineError) -> [FenceAgentRow] {
        try await read { db in
            _ = try HostRow.require(host, in: db)
            return try FenceAgentRow.fetch(of: host, in: db)
        }
    }

    /// The first one of a host makes its power management enabled.
    func addFenceAgent(
        to id: UniqueID,
        _ settings: FenceAgentSettings,
        _ password: Secret,
        _ box: SecretBox,
        context: TransitionContext
    ) async throws(EngineError) -> FenceAgentRecord {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            return try addFenceAgent(to: host, settings, password, box, context: context, in: db)
        }
    }

    func addFenceAgent(
        to host: HostRow,
        _ settings: FenceAgentSettings,
        _ password: Secret,
        _ box: SecretBox,
        context: TransitionContext,
        in db: Database
    ) throws -> FenceAgentRecord {
        let known = try FenceAgentRow.fetch(of: host.id, in: db)
        guard known.count < FenceAgentSettings.agentsMax else {
            throw EngineError(
                .conflict,
                "Host \(host.name) has \(known.count) fence agents, and more are not kept.",
                remedy: "Remove one first: `muster host power \(host.name) agent remove ID`."
            )
        }
        let id = UniqueID.random()
        let turn = settings.order ?? min(99, (known.map(\.turn).max() ?? 0) + 1)
        let row = try FenceAgentRow(
            id,
            of: host.id,
            settings,
            turn: turn,
            password: try box.seal(password, for: "\(id)")
        )
        try row.insert(db)
        if known.isEmpty { try Self.changePower(of: host.id, in: db) { $0.isEnabled = true } }
        try tellPower(
            .fenceAgentChanged,
            .normal,
            "Host \(host.name) is switched by fence_\(row.type) at \(terminalEscaped(row.address)).",
            host,
            context,
            db
        )
        return row.record
    }

    /// Without a password the former one stays, but never for another board: whoever may change the address must not be able
    /// to have the password sent to a place of his.
    func changeFenceAgent(
        _ agent: UniqueID,
        of id: UniqueID,
        _ change: FenceAgentChange,
        _ box: SecretBox,
        context: TransitionContext
    ) async throws(EngineError) -> FenceAgentRecord {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            let former = try Self.requireAgent(agent, of: id, in: db)
            let settings = change.applied(to: former.settings)
            try settings.check(change.password)
            let isElsewhere =
                settings.address != former.address || settings.port != former.port
                || settings.type != former.type || settings.options != former.settings.options
            guard change.password != nil || !isElsewhere else {
                throw EngineError(
                    .conflict,
                    "Another type, address, port or option of a fence agent needs its password again.",
                    remedy: "Give it: --password-file FILE."
                )
            }
            let sealed = try change.password.map { try box.seal($0, for: "\(agent)") } ?? former.password
            let turn = settings.order ?? former.turn
            let row = try FenceAgentRow(agent, of: id, settings, turn: turn, password: sealed)
            try row.update(db)
            // Whatever was wrong may be mended now.
            try Self.clearFault(of: id, in: db)
            let text =
                "The fence agent fence_\(row.type) at \(terminalEscaped(row.address)) of host \(host.name) was changed."
            try tellPower(.fenceAgentChanged, .normal, text, host, context, db)
            return row.record
        }
    }

    func removeFenceAgent(
        _ agent: UniqueID,
        of id: UniqueID,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            let row = try Self.requireAgent(agent, of: id, in: db)
            try row.delete(db)
            if try FenceAgentRow.fetch(of: id, in: db).isEmpty {
                try Self.changePower(of: id, in: db) { $0.isEnabled = false }
                try Self.clearFault(of: id, in: db)
            }
            let text =
                "The fence agent fence_\(row.type) at \(terminalEscaped(row.address)) of host \(host.name) was removed."
            try tellPower(.fenceAgentChanged, .normal, text, host, context, db)
        }
    }

    static func requireAgent(_ agent: UniqueID, of host: UniqueID, in db: Database) throws -> FenceAgentRow {
        let row = try FenceAgentRow.filter(Column("id") == agent && Column("host") == host).fetchOne(db)
        guard let row else {
            throw EngineError(
                .notFound,
                "The host has no fence agent \(agent).",
                remedy: "`muster host power HOST agent list` lists them."
            )
        }
        return row
    }

    func tellPower(
        _ code: EventCode,
        _ severity: EventRecord.Severity,
        _ text: String,
        _ host: HostRow,
        _ context: TransitionContext,
        _ db: Database
    ) throws {
        let occurrence = Occurrence(
            code,
            severity,
            text,
            host: host,
            user: context.user,
            correlation: context.correlation
        )
        try record(occurrence, at: context.now, in: db)
    }
}

// MARK: - Power management

extension PowerManagement {
    /// A row of its table.
    init(_ row: Row) {
        let words: String = row["proxies"]
        self.init()
        (isEnabled, detectsKdump) = (row["isEnabled"], row["detectsKdump"])
        proxies = words.split(separator: " ").compactMap { PowerProxy(rawValue: String($0)) }
        guard let text: String = row["fault"] else { return }
        fault = PowerFault(
            text: text,
            remedy: row["remedy"] ?? "",
            since: row["faultSince"] ?? 0,
            retry: row["retry"] ?? 0
        )
    }
}

extension Store {
    static func powerManagement(of host: UniqueID, in db: Database) throws -> PowerManagement {
        try Row.fetchOne(db, sql: "SELECT * FROM powerManagement WHERE host = ?", arguments: [host])
            .map(PowerManagement.init) ?? PowerManagement()
    }

    static func changePower(
        of host: UniqueID,
        in db: Database,
        _ change: (inout PowerManagement) throws -> Void
    ) throws {
        var power = try powerManagement(of: host, in: db)
        try change(&power)
        let proxies = power.proxies.map(\.rawValue).joined(separator: " ")
        try db.execute(
            literal: """
                INSERT INTO powerManagement (host, isEnabled, detectsKdump, proxies)
                VALUES (\(host), \(power.isEnabled), \(power.detectsKdump), \(proxies))
                ON CONFLICT (host) DO UPDATE SET isEnabled = excluded.isEnabled,
                    detectsKdump = excluded.detectsKdump, proxies = excluded.proxies
                """
        )
    }

    /// Within a transaction.
    func changePower(
        of id: UniqueID,
        _ change: PowerManagementChange,
        context: TransitionContext,
        in db: Database
    ) throws {
        let host = try HostRow.require(id, in: db)
        if change.isEnabled == true, try FenceAgentRow.fetch(of: id, in: db).isEmpty {
            throw EngineError(
                .conflict,
                "Host \(host.name) has no fence agent, so its power can not be managed.",
                remedy: "Add one: `muster host power \(host.name) agent add --type ipmilan --address A --username U`."
            )
        }
        try Self.changePower(of: id, in: db) { power in
            power.isEnabled = change.isEnabled ?? power.isEnabled
            power.detectsKdump = change.detectsKdump ?? power.detectsKdump
            power.proxies = change.proxies ?? power.proxies
        }
        let power = try Self.powerManagement(of: id, in: db)
        let text = "Power management of host \(host.name) is \(power.isEnabled ? "enabled" : "disabled")."
        try tellPower(.powerManagementChanged, .normal, text, host, context, db)
    }

    static func clearFault(of host: UniqueID, in db: Database) throws {
        try db.execute(
            literal: """
                UPDATE powerManagement SET fault = NULL, remedy = NULL, faultSince = NULL, retry = NULL, failures = 0
                WHERE host = \(host) AND failures > 0
                """
        )
    }

    /// Each failure in a row doubles the time until the engine tries by itself again: a board that locks an account out after
    /// so many wrong passwords must get its rest.
    static func setFault(
        _ failure: PowerFailure,
        of host: UniqueID,
        times: PowerTimes,
        at now: Int64,
        in db: Database
    ) throws {
        try changePower(of: host, in: db) { _ in }
        let failures =
            (try Int.fetchOne(db, sql: "SELECT failures FROM powerManagement WHERE host = ?", arguments: [host]) ?? 0)
            + 1
        let wait = min(times.retryMax, times.retry << Int64(min(failures - 1, 16)))
        try db.execute(
            literal: """
                UPDATE powerManagement SET fault = \(failure.text), remedy = \(failure.remedy), failures = \(failures),
                    faultSince = ifnull(faultSince, \(now)), retry = \(now + wait)
                WHERE host = \(host)
                """
        )
    }

    static func fencingPolicy(of cluster: UniqueID, in db: Database) throws -> FencingPolicy {
        let sql = "SELECT fencing FROM cluster WHERE id = ?"
        return ColumnJSON.decode(try String.fetchOne(db, sql: sql, arguments: [cluster])) ?? FencingPolicy()
    }
}

extension EventCode {
    /// VDS_ALERT_FENCE_IS_NOT_CONFIGURED.
    package static let fenceNotConfigured = EventCode(rawValue: 9000)
    /// VDS_ALERT_FENCE_OPERATION_FAILED.
    package static let fenceFailed = EventCode(rawValue: 9002)
    /// VDS_ALERT_FENCE_OPERATION_SKIPPED.
    package static let fenceSkipped = EventCode(rawValue: 9003)
    package static let kdumpDetected = EventCode(rawValue: 614)
    package static let kdumpNotDetected = EventCode(rawValue: 615)
    package static let kdumpFinished = EventCode(rawValue: 616)
    package static let fenceAgentChanged = EventCode(rawValue: 20_090)
    package static let powerManagementChanged = EventCode(rawValue: 20_091)
    package static let powerStarted = EventCode(rawValue: 20_092)
    package static let powerStep = EventCode(rawValue: 20_093)
    package static let powerFinished = EventCode(rawValue: 20_094)
    package static let softFenced = EventCode(rawValue: 20_095)
    package static let fencingStarted = EventCode(rawValue: 20_096)
    package static let fencingEnded = EventCode(rawValue: 20_097)
    package static let fencingPolicyChanged = EventCode(rawValue: 20_098)
}
