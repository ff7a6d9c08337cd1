import GRDB
package import HostModel

// Work of other programs that people follow here (oVirt's external jobs): the engine only keeps what it is told.

extension Schema {
    static let externalJobs = """
        CREATE TABLE externalJob (
            id TEXT PRIMARY KEY NOT NULL,
            description TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('started', 'finished', 'failed', 'aborted', 'unknown')),
            started INTEGER NOT NULL,
            ended INTEGER,
            isCleared INTEGER NOT NULL CHECK (isCleared IN (0, 1)),
            user TEXT NOT NULL,
            correlation TEXT
        ) STRICT;
        CREATE TABLE externalStep (
            id TEXT PRIMARY KEY NOT NULL,
            job TEXT NOT NULL REFERENCES externalJob(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            type TEXT NOT NULL CHECK (type IN (
                'validating', 'executing', 'finalizing', 'rebalancing_volume', 'removing_bricks', 'unknown')),
            description TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('started', 'finished', 'failed', 'aborted', 'unknown')),
            started INTEGER NOT NULL,
            ended INTEGER,
            UNIQUE (job, number)
        ) STRICT
        """
}

package struct ExternalStepRecord: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "externalStep"
    package var id: UniqueID
    package var job: UniqueID
    /// From 1 on.
    package var number: Int
    /// `validating`, `executing` or `finalizing`.
    package var type: String
    /// Escaped.
    package var description: String
    /// As `JobRecord.Status`.
    package var status: String
    /// Milliseconds since 1970.
    package var started: Int64
    package var ended: Int64?

    /// oVirt's StepEnum; its Ansible module says `unknown`.
    package static let types = [
        "validating", "executing", "finalizing", "rebalancing_volume", "removing_bricks", "unknown",
    ]
}

package struct ExternalJobRecord: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "externalJob"
    package var id: UniqueID
    /// Escaped.
    package var description: String
    /// As `JobRecord.Status`.
    package var status: String
    /// Milliseconds since 1970.
    package var started: Int64
    package var ended: Int64?
    /// It goes when it has ended.
    package var isCleared: Bool
    package var user: String
    package var correlation: String?

    /// The newest so many are kept; steps of one.
    package static let kept = 1000
    package static let stepsMax = 100
    static let descriptionMax = 1024

    static func require(_ id: UniqueID, in db: Database) throws -> ExternalJobRecord {
        guard let job = try filter(Column("id") == id).fetchOne(db) else {
            throw EngineError(.notFound, "There is no job \(id) of another program.", remedy: "GET jobs lists them.")
        }
        return job
    }

    fileprivate func checkGoing() throws {
        guard ended == nil else {
            throw EngineError(.conflict, "The job has ended (\(status)).", remedy: "Make a new one.")
        }
    }

    fileprivate static func checked(_ text: String?) throws -> String {
        guard let text, !text.isEmpty else {
            throw EngineError(.invalid, "The description is missing.", remedy: "Say in a sentence what is done.")
        }
        return terminalEscaped(text.prefix(descriptionMax))
    }
}

extension HostEngine {
    /// With their steps, the newest first.
    package func externalJobs() async throws(EngineError) -> [(job: ExternalJobRecord, steps: [ExternalStepRecord])] {
        try await store.read { db in
            let steps = try ExternalStepRecord.order(Column("number")).fetchAll(db)
            let byJob = Dictionary(grouping: steps, by: \.job)
            return try ExternalJobRecord.order(Column("started").desc, Column("id")).fetchAll(db).map {
                ($0, byJob[$0.id] ?? [])
            }
        }
    }

    /// `nil` where there is none of another program with this id.
    package func externalJob(
        _ id: UniqueID
    ) async throws(EngineError) -> (job: ExternalJobRecord, steps: [ExternalStepRecord])? {
        try await store.read { db in
            guard let job = try ExternalJobRecord.filter(Column("id") == id).fetchOne(db) else { return nil }
            return (job, try ExternalStepRecord.filter(Column("job") == id).order(Column("number")).fetchAll(db))
        }
    }

    package func addExternalJob(
        _ description: String?,
        isCleared: Bool,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> ExternalJobRecord {
        let now = settings.clock.now()
        return try await store.write { db in
            let job = ExternalJobRecord(
                id: .random(),
                description: try ExternalJobRecord.checked(description),
                status: JobRecord.Status.started.rawValue,
                started: now,
                isCleared: isCleared,
                user: user,
                correlation: correlation
            )
            try job.insert(db)
            try db.execute(
                literal: """
                    DELETE FROM externalJob WHERE id IN (SELECT id FROM externalJob ORDER BY started DESC, rowid DESC
                        LIMIT -1 OFFSET \(ExternalJobRecord.kept))
                    """
            )
            return job
        }
    }

    /// Its steps that still go end with it.
    package func endExternalJob(_ id: UniqueID, succeeded: Bool) async throws(EngineError) {
        let now = settings.clock.now()
        let status = succeeded ? JobRecord.Status.finished : .failed
        try await store.write { db in
            var job = try ExternalJobRecord.require(id, in: db)
            try job.checkGoing()
            (job.status, job.ended) = (status.rawValue, now)
            try db.execute(
                literal: """
                    UPDATE externalStep SET status = \(status.rawValue), ended = \(now)
                    WHERE job = \(id) AND ended IS NULL
                    """
            )
            if job.isCleared { try job.delete(db) } else { try job.update(db) }
        }
    }

    /// Gone at once, or, while it goes, at its end.
    package func clearExternalJob(_ id: UniqueID) async throws(EngineError) {
        try await store.write { db in
            var job = try ExternalJobRecord.require(id, in: db)
            job.isCleared = true
            if job.ended == nil { try job.update(db) } else { try job.delete(db) }
        }
    }

    package func addExternalStep(
        to id: UniqueID,
        _ description: String?,
        type: String?
    ) async throws(EngineError) -> ExternalStepRecord {
        let now = settings.clock.now()
        return try await store.write { db in
            let job = try ExternalJobRecord.require(id, in: db)
            try job.checkGoing()
            guard let type, ExternalStepRecord.types.contains(type) else {
                throw EngineError(
                    .invalid,
                    "The type of a step is none of \(ExternalStepRecord.types.joined(separator: ", ")).",
                    remedy: "Give one of them."
                )
            }
            let count = try ExternalStepRecord.filter(Column("job") == id).fetchCount(db)
            guard count < ExternalJobRecord.stepsMax else {
                throw EngineError(
                    .conflict,
                    "A job has at most \(ExternalJobRecord.stepsMax) steps.",
                    remedy: "Make another job."
                )
            }
            let step = ExternalStepRecord(
                id: .random(),
                job: id,
                number: count + 1,
                type: type,
                description: try ExternalJobRecord.checked(description),
                status: JobRecord.Status.started.rawValue,
                started: now
            )
            try step.insert(db)
            return step
        }
    }

    package func endExternalStep(_ id: UniqueID, of job: UniqueID, succeeded: Bool) async throws(EngineError) {
        let now = settings.clock.now()
        try await store.write { db in
            _ = try ExternalJobRecord.require(job, in: db)
            let step = try ExternalStepRecord.filter(Column("id") == id && Column("job") == job).fetchOne(db)
            guard var step else {
                throw EngineError(.notFound, "There is no step \(id) of this job.", remedy: "List its steps.")
            }
            guard step.ended == nil else {
                throw EngineError(.conflict, "The step has ended (\(step.status)).", remedy: "Nothing is to be done.")
            }
            (step.status, step.ended) = ((succeeded ? JobRecord.Status.finished : .failed).rawValue, now)
            try step.update(db)
        }
    }
}
