import GRDB
import HostModel

extension ImageRecord {
    static func fetchAll(in db: Database) throws -> [ImageRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM image ORDER BY name, created DESC, version").compactMap(Self.init)
    }

    /// A published version: the named one, else the active one.
    static func fetch(_ reference: ImageReference, in db: Database) throws -> ImageRecord? {
        guard let version = reference.version else {
            let sql = "SELECT * FROM image WHERE name = ? AND isActive = 1"
            return try Row.fetchOne(db, sql: sql, arguments: [reference.name]).flatMap(Self.init)
        }
        let image = try fetch(name: reference.name, version: version, in: db)
        return image?.state == .published ? image : nil
    }

    static func fetch(name: String, version: String, in db: Database) throws -> ImageRecord? {
        let sql = "SELECT * FROM image WHERE name = ? AND version = ?"
        return try Row.fetchOne(db, sql: sql, arguments: [name, version]).flatMap(Self.init)
    }

    private init?(_ row: Row) {
        guard let manifest: ImageManifest = ColumnJSON.decode(row["manifest"]) else { return nil }
        self.init(
            name: row["name"],
            version: row["version"],
            state: row["state"],
            isActive: row["isActive"],
            created: row["created"],
            manifest: manifest
        )
    }
}

extension Store {
    func images() async throws(EngineError) -> [ImageRecord] {
        try await read { try ImageRecord.fetchAll(in: $0) }
    }

    func image(_ name: String, _ version: String) async throws(EngineError) -> ImageRecord {
        try await read { db in
            guard let image = try ImageRecord.fetch(name: name, version: version, in: db) else {
                throw Self.noImage(name, version)
            }
            return image
        }
    }

    /// Opens an upload, or finds the one that is open or done. A version is its content: another manifest under the
    /// same version is refused.
    func openUpload(_ manifest: ImageManifest, at now: Int64) async throws(EngineError) -> ImageRecord {
        try await write { db in
            if let known = try ImageRecord.fetch(name: manifest.name, version: manifest.version, in: db) {
                guard known.manifest == manifest else {
                    throw EngineError(
                        .conflict,
                        "Version \(manifest.version) of image \(manifest.name) exists with other content.",
                        remedy: "Build the image again, which gives it a version of its own."
                    )
                }
                return known
            }
            try db.execute(
                literal: """
                    INSERT INTO image (name, version, state, isActive, created, manifest)
                    VALUES (\(manifest.name), \(manifest.version), 'uploading', 0, \(now),
                            \(try ColumnJSON.encode(manifest)))
                    """
            )
            return ImageRecord(
                name: manifest.name,
                version: manifest.version,
                state: .uploading,
                isActive: false,
                created: now,
                manifest: manifest
            )
        }
    }

    /// Marks a version as published; the first one of a name becomes active.
    func publishImage(_ name: String, _ version: String, by user: String, at now: Int64) async throws(EngineError) {
        try await write { db in
            guard let image = try ImageRecord.fetch(name: name, version: version, in: db) else {
                throw Self.noImage(name, version)
            }
            guard image.state == .uploading else { return }
            let sql = "SELECT 1 FROM image WHERE name = ? AND isActive = 1"
            let isFirst = try Row.fetchOne(db, sql: sql, arguments: [name]) == nil
            try db.execute(
                literal: """
                    UPDATE image SET state = 'published', isActive = \(isFirst)
                    WHERE name = \(name) AND version = \(version)
                    """
            )
            let text = "Version \(version) of image \(name) was published\(isFirst ? " and is active" : "")."
            try record(Occurrence(.imagePublished, .normal, text, user: user), at: now, in: db)
        }
    }

    func activateImage(_ name: String, _ version: String, by user: String, at now: Int64) async throws(EngineError) {
        try await write { db in
            guard let image = try ImageRecord.fetch(name: name, version: version, in: db) else {
                throw Self.noImage(name, version)
            }
            guard image.state == .published else {
                throw EngineError(
                    .conflict,
                    "Version \(version) of image \(name) is not published yet.",
                    remedy: "Run `muster image publish \(name)`."
                )
            }
            guard !image.isActive else { return }
            try db.execute(literal: "UPDATE image SET isActive = 0 WHERE name = \(name)")
            try db.execute(literal: "UPDATE image SET isActive = 1 WHERE name = \(name) AND version = \(version)")
            let text = "Version \(version) of image \(name) is active: machines get it from their next boot on."
            try record(Occurrence(.imageActivated, .normal, text, user: user), at: now, in: db)
        }
    }

    private static func noImage(_ name: String, _ version: String) -> EngineError {
        EngineError(
            .notFound,
            "There is no version \(terminalEscaped(version.prefix(64))) of an image \(terminalEscaped(name.prefix(64))).",
            remedy: "`muster image list` shows the images."
        )
    }
}
