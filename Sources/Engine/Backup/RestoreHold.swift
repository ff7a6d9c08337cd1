import Foundation
import GRDB
import Glibc
import HostModel
import Logging

/// What keeps two engines of one installation from ruling the same hosts. An installation that came out of a backup has the
/// keys of the engine that the backup is of, so every agent would obey both. Until a person says that the other one runs no
/// more, it speaks to no host that it knows from the backup: a file in the data directory says since when. Hosts that are
/// approved after that are its own.
package struct RestoreHold: Sendable {
    private let path: String

    /// In the data directory.
    static let name = "restored"

    init(directory: String) { path = "\(directory)/\(Self.name)" }

    /// When the installation was restored, in milliseconds since 1970; `nil`: nothing is held.
    func since() -> Int64? {
        guard access(path, F_OK) == 0 else { return nil }
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0.prefix(64), as: UTF8.self) }
        // A mark that cannot be read holds all.
        return text.flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? .max
    }

    /// Whether a host with a certificate of this time is held.
    func holds(certificateOf issued: Int64?) -> Bool {
        guard let since = since() else { return false }
        return issued.map { $0 <= since } ?? true
    }

    func begin(at now: Int64) throws(EngineError) {
        try DurableFile.write(Array("\(now)\n".utf8), to: path, mode: 0o644)
    }

    /// `muster-engine take-over`: the engine of the backup runs no more. False where nothing was held. An engine that runs
    /// begins to watch its hosts within a second.
    package static func end(_ settings: EngineSettings) throws(EngineError) -> Bool {
        let hold = RestoreHold(directory: settings.dataDirectory)
        guard unlink(hold.path) == 0 else {
            if errno == ENOENT { return false }
            throw DurableFile.failure("remove \(hold.path)")
        }
        try DurableFile.syncDirectory(of: hold.path)
        return true
    }
}

extension InstallationBackup {
    /// What was under way when the backup was made is not gone on with: nobody knows how far it came since. Hosts are what
    /// their agents will say.
    static func endUnfinishedWork(at now: Int64, in db: Database) throws {
        let (error, remedy) = (
            "The installation was restored from a backup meanwhile.", "Look at the host, and begin anew."
        )
        if try db.tableExists("conversion") {
            // What a server is in the middle of a conversion nobody knows; `muster host reinstall` finds out.
            try db.execute(
                sql: """
                    UPDATE host SET status = 'install_failed' WHERE status IN ('installing', 'reboot')
                    AND id IN (SELECT host FROM conversion WHERE state = 'started') AND id NOT IN (SELECT host FROM job)
                    """
            )
        }
        if try db.tableExists("powerJob") {
            // Ordered to restart: nobody waits for its agent any more.
            try db.execute(
                sql: """
                    UPDATE host SET status = 'unassigned', statusDetail = NULL
                    WHERE status = 'reboot' AND id IN (SELECT host FROM powerJob WHERE state = 'started')
                    """
            )
        }
        for table in ["imageJob", "powerJob", "conversion"] where try db.tableExists(table) {
            if table == "imageJob" {
                // Where such work ends, the host goes back to what it was.
                try db.execute(
                    sql: """
                        UPDATE host SET statusDetail = NULL, status = (
                            SELECT iif(json_extract(plan, '$.wasInMaintenance'), 'maintenance', 'unassigned')
                            FROM imageJob WHERE imageJob.host = host.id AND state = 'started')
                        WHERE status IN ('installing', 'reboot', 'preparing_for_maintenance')
                        AND id IN (SELECT host FROM imageJob WHERE state = 'started')
                        """
                )
            }
            try db.execute(
                sql: "UPDATE \(table) SET state = 'failed', ended = ?, error = ?, remedy = ? WHERE state = 'started'",
                arguments: [now, error, remedy]
            )
        }
        try db.execute(
            sql: """
                UPDATE host SET status = 'unassigned', statusDetail = NULL
                WHERE status IN ('up', 'connecting', 'initializing', 'non_responsive', 'non_operational', 'error', 'kdumping')
                """
        )
    }
}

extension EventCode {
    /// The installation was restored, and speaks to no host of the backup.
    package static let restoreHolds = EventCode(rawValue: 20_032)
    /// A person said that the engine of the backup runs no more.
    package static let tookOver = EventCode(rawValue: 20_033)
}

extension HostEngine {
    /// Throws for a host that a restored engine may not touch yet.
    func refuseHeld(_ host: HostName, certificateOf issued: Int64?) throws(EngineError) {
        guard hold.holds(certificateOf: issued) else { return }
        throw EngineError(
            .conflict,
            "This installation was restored from a backup, and holds back from host \(host): the engine of the backup may rule it.",
            remedy: "Where that engine runs no more: muster-engine take-over."
        )
    }

    static let holdLookInterval = Duration.seconds(1)

    /// Says that hosts are held, waits until a person ends that, and then watches them.
    func watchHold() async {
        guard hold.since() != nil else { return }
        let text =
            "This installation was restored from a backup. Hosts that were approved before are not spoken to "
            + "until `muster-engine take-over` says that the engine of the backup runs no more."
        logger.warning("\(text)")
        try? await store.record([Occurrence(.restoreHolds, .alert, text)], at: settings.clock.now())
        while hold.since() != nil {
            try? await Task.sleep(for: Self.holdLookInterval)
            if Task.isCancelled { return }
        }
        let end = "This engine takes over the hosts of the backup that it was restored from."
        logger.notice("\(end)")
        try? await store.record([Occurrence(.tookOver, .warning, end)], at: settings.clock.now())
        for host in (try? await store.hostsToWatch()) ?? [] {
            supervisor.watch(host)
            powers.watch(host)
        }
    }
}
