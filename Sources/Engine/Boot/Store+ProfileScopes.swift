import GRDB
import HostModel

extension BootAssignment.Scope {
    /// The table of the things named, and that of their profiles with its column.
    fileprivate var tables: (things: String, profiles: String, column: String) {
        switch self {
        case .tag: ("tag", "tagProfile", "tag")
        case .cluster: ("cluster", "clusterProfile", "cluster")
        }
    }
}

extension Store {
    func bootAssignments() async throws(EngineError) -> [BootAssignment] {
        try await read { db in
            try BootAssignment.Scope.allCases.flatMap { scope in
                let (things, profiles, column) = scope.tables
                let sql = "SELECT name, profile FROM \(profiles) JOIN \(things) ON id = \(column) ORDER BY name"
                return try Row.fetchAll(db, sql: sql).map { row in
                    BootAssignment(scope: scope, name: row["name"], profile: row["profile"])
                }
            }
        }
    }

    /// Sets what the hosts of a tag or a cluster boot that have no profile of their own; `nil` takes it away.
    func assign(
        _ profile: String?,
        to scope: BootAssignment.Scope,
        _ name: String,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let (things, profiles, column) = scope.tables
            let found = try UniqueID.fetchOne(db, sql: "SELECT id FROM \(things) WHERE name = ?", arguments: [name])
            guard let id = found else {
                throw EngineError(
                    .notFound,
                    "There is no \(scope.rawValue) \(terminalEscaped(name.prefix(64))).",
                    remedy: "`muster \(scope.rawValue) list` shows them."
                )
            }
            if let profile {
                guard try Self.profile(profile, in: db) != nil else { throw Self.noProfile(profile) }
                try db.execute(
                    sql: """
                        INSERT INTO \(profiles) (\(column), profile) VALUES (?, ?)
                        ON CONFLICT (\(column)) DO UPDATE SET profile = excluded.profile
                        """,
                    arguments: [id, profile]
                )
            } else {
                try db.execute(sql: "DELETE FROM \(profiles) WHERE \(column) = ?", arguments: [id])
                guard db.changesCount > 0 else {
                    throw EngineError(
                        .notFound,
                        "The \(scope.rawValue) \(name) has no boot profile.",
                        remedy: "`muster profile assignments` shows which have one."
                    )
                }
            }
            let text =
                profile.map {
                    "Hosts of the \(scope.rawValue) \(name) boot \($0) unless they have a profile of their own."
                }
                ?? "The \(scope.rawValue) \(name) has no boot profile any more."
            try record(
                Occurrence(.bootProfileSet, .normal, text, user: context.user, correlation: context.correlation),
                at: context.now,
                in: db
            )
        }
    }

    /// What a host boots without a profile of its own, and why. Of several tags the first by name counts.
    static func inheritedProfile(of host: HostRow, in db: Database) throws -> (String, reason: String) {
        let byTag = try Row.fetchOne(
            db,
            sql: """
                SELECT tag.name, tagProfile.profile FROM hostTag JOIN tagProfile USING (tag) JOIN tag ON tag.id = hostTag.tag
                WHERE hostTag.host = ? ORDER BY tag.name LIMIT 1
                """,
            arguments: [host.id]
        )
        if let byTag { return (byTag["profile"], "host \(host.name), by its tag \(byTag["name"] as String)") }
        let byCluster = try Row.fetchOne(
            db,
            sql: """
                SELECT cluster.name, clusterProfile.profile FROM host JOIN clusterProfile USING (cluster)
                JOIN cluster ON cluster.id = host.cluster WHERE host.id = ?
                """,
            arguments: [host.id]
        )
        if let byCluster {
            return (byCluster["profile"], "host \(host.name), by its cluster \(byCluster["name"] as String)")
        }
        return (BootProfile.defaultName, "host \(host.name), no profile of its own")
    }
}
