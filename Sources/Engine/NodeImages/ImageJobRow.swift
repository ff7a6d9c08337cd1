import GRDB
import HostModel

/// Work on a host's disks as it stands in the database. What has ended stays for a while, so that people can ask how.
struct ImageJobRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "imageJob"

    enum Kind: String, Sendable, Codable, DatabaseValueConvertible {
        case installDisk = "install_disk"
        case upgrade
        case rollback
        /// Nothing is written: the machine starts once more.
        case reboot
    }

    /// oVirt's words for jobs.
    enum State: String, Sendable, Codable, DatabaseValueConvertible {
        case started
        case finished
        case failed
        case aborted
    }

    /// Also the id of the work on the node, so that it is done once however often it is ordered.
    var id: UniqueID
    var kind: Kind
    var host: UniqueID
    var state: State
    var step: ImageJobStep
    /// Milliseconds since 1970 until the current step must be done.
    var deadline: Int64
    /// How often the node was told to write.
    var orders: Int
    /// JSON of `Plan`.
    var plan: String
    /// 0 to 100, of what the node is at; `nil` where it does not say.
    var percent: Int?
    /// What the node is at, in its words, escaped.
    var activity: String?
    var started: Int64
    var ended: Int64?
    /// Why it failed, and what to do.
    var error: String?
    var remedy: String?
    var user: String?
    var correlation: String?

    /// What was asked for, and what is learnt on the way.
    struct Plan: Hashable, Sendable, Codable {
        /// The image that is to run, with its version; of a rollback as far as the node knows it.
        var name: String
        var version: String
        /// Where the node gets it; `nil` for a rollback.
        var folder: String?
        var disk: DiskWord?
        var wipe: DiskWord?
        /// The host was in maintenance and goes back there.
        var wasInMaintenance = false
        /// The boot and the version that ran when the work began.
        var bootID: String?
        var versionBefore: String?
    }
}

extension ImageJobStep: DatabaseValueConvertible {}

extension ImageJobRow {
    var details: Plan { ColumnJSON.decode(plan) ?? Plan(name: "", version: "") }

    /// Jobs kept of one host, the newest.
    static let keptPerHost = 20

    static func running(of host: UniqueID, in db: Database) throws -> ImageJobRow? {
        try ImageJobRow.filter(Column("host") == host && Column("state") == State.started).fetchOne(db)
    }

    /// `the upgrade to node-debian 0123456789ab`
    var title: String {
        let plan = details
        let image = "\(terminalEscaped(plan.name)) \(terminalEscaped(plan.version))"
        return switch kind {
        case .installDisk: "the installation of \(image) on its disk"
        case .upgrade: "the upgrade to \(image)"
        case .rollback: "the rollback to \(image)"
        case .reboot: "the reboot"
        }
    }
}

extension Schema {
    /// One work at a time on one host; the host's status says that there is one.
    static let nodeImages = """
        ALTER TABLE profile ADD COLUMN install TEXT;
        CREATE TABLE imageJob (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('install_disk', 'upgrade', 'rollback')),
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('started', 'finished', 'failed', 'aborted')),
            step TEXT NOT NULL,
            deadline INTEGER NOT NULL,
            orders INTEGER NOT NULL DEFAULT 0,
            plan TEXT NOT NULL,
            percent INTEGER CHECK (percent BETWEEN 0 AND 100),
            activity TEXT,
            started INTEGER NOT NULL,
            ended INTEGER,
            error TEXT,
            remedy TEXT,
            user TEXT,
            correlation TEXT,
            CHECK ((state = 'started') = (ended IS NULL)),
            CHECK ((state = 'failed') = (error IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX oneRunningImageJob ON imageJob (host) WHERE state = 'started';
        CREATE INDEX imageJobByHost ON imageJob (host, started);
        """
}

extension Schema {
    /// A reboot is work of the same steps, without the writing. SQLite knows no other way to change a CHECK.
    static let reboots = """
        CREATE TABLE newImageJob (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('install_disk', 'upgrade', 'rollback', 'reboot')),
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('started', 'finished', 'failed', 'aborted')),
            step TEXT NOT NULL,
            deadline INTEGER NOT NULL,
            orders INTEGER NOT NULL DEFAULT 0,
            plan TEXT NOT NULL,
            percent INTEGER CHECK (percent BETWEEN 0 AND 100),
            activity TEXT,
            started INTEGER NOT NULL,
            ended INTEGER,
            error TEXT,
            remedy TEXT,
            user TEXT,
            correlation TEXT,
            CHECK ((state = 'started') = (ended IS NULL)),
            CHECK ((state = 'failed') = (error IS NOT NULL))
        ) STRICT;
        INSERT INTO newImageJob SELECT id, kind, host, state, step, deadline, orders, plan, percent, activity, started,
            ended, error, remedy, user, correlation FROM imageJob;
        DROP TABLE imageJob;
        ALTER TABLE newImageJob RENAME TO imageJob;
        CREATE UNIQUE INDEX oneRunningImageJob ON imageJob (host) WHERE state = 'started';
        CREATE INDEX imageJobByHost ON imageJob (host, started);
        """
}

extension EventCode {
    /// HOST_UPGRADE_STARTED, _FAILED, _FINISHED.
    package static let upgradeStarted = EventCode(rawValue: 840)
    package static let upgradeFailed = EventCode(rawValue: 841)
    package static let upgradeFinished = EventCode(rawValue: 842)
    /// HOST_AVAILABLE_UPDATES_STARTED, _FINISHED, _FAILED.
    package static let updatesCheckFailed = EventCode(rawValue: 839)
    package static let updatesCheckStarted = EventCode(rawValue: 884)
    package static let updatesCheckFinished = EventCode(rawValue: 885)
    /// A step of work on a host's disks.
    package static let imageStep = EventCode(rawValue: 20_060)
    package static let diskInstallStarted = EventCode(rawValue: 20_061)
    /// A node gave a new image up and runs the former one.
    package static let imageFellBack = EventCode(rawValue: 20_062)
    /// USER_VDS_RESTART, and how it ended.
    package static let rebootStarted = EventCode(rawValue: 41)
    package static let rebootFinished = EventCode(rawValue: 20_066)
    package static let rebootFailed = EventCode(rawValue: 20_067)
}

extension ImageJobRow.Kind {
    var startedCode: EventCode { codes.0 }
    var finishedCode: EventCode { codes.1 }
    var failedCode: EventCode { codes.2 }

    private var codes: (EventCode, EventCode, EventCode) {
        switch self {
        case .installDisk: (.diskInstallStarted, .systemInstalled, .systemInstallFailed)
        case .upgrade, .rollback: (.upgradeStarted, .upgradeFinished, .upgradeFailed)
        case .reboot: (.rebootStarted, .rebootFinished, .rebootFailed)
        }
    }
}
