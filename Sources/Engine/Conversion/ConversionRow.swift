import GRDB
import HostConversion
import HostModel

/// What somebody said about a conversion; what is `nil` stays as it was said before.
package struct ConversionChoices: Hashable, Sendable {
    package var repository: String?
    package var needsVirtualization: Bool?
    package var mayReboot: Bool?
    package var undoesFailure: Bool?
    package var wantsKdump: Bool?
    package var takesOver: Bool?
    package var activates: Bool?

    package init() {}

    /// That a failure is taken back, or a host from another engine, and where the host is to end are said of one conversion
    /// only: the next one may be a repair of a host that works.
    package func applied(to known: ConversionOptions) -> ConversionOptions {
        var options = known
        options.repository = repository ?? known.repository
        options.needsVirtualization = needsVirtualization ?? known.needsVirtualization
        options.mayReboot = mayReboot ?? known.mayReboot
        options.undoesFailure = undoesFailure ?? false
        (options.takesOver, options.activates) = (takesOver, activates)
        options.wantsKdump = wantsKdump ?? known.wantsKdump
        return options
    }
}

/// What people may choose about a conversion.
package struct ConversionOptions: Hashable, Sendable, Codable {
    /// A package repository beside the server's own; `nil`: the engine's, where it has one for the server.
    package var repository: String?
    /// Whether a server without virtualization is refused.
    package var needsVirtualization = true
    /// Whether the server is rebooted at the end where it needs that.
    package var mayReboot = true
    /// Whether a conversion that fails is taken back at once.
    package var undoesFailure = false
    package var wantsKdump = false
    /// Whether a server that is another engine's host is taken over; `nil`: no.
    package var takesOver: Bool?
    /// Whether the host goes into service when it is done, or into maintenance; `nil`: to where it was, and a new one into service.
    package var activates: Bool?

    package init() {}
}

/// The conversion of a server, or the way back, as it stands in the database. It outlives its host, so that people can ask
/// how it ended.
struct ConversionRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "conversion"

    enum Kind: String, Sendable, Codable, DatabaseValueConvertible {
        /// A server is added and becomes a node.
        case convert
        /// A host is converted once more, which mends what is missing.
        case reinstall
        case uninstall
    }

    /// Who works on it.
    enum Stage: String, Sendable, Codable, DatabaseValueConvertible {
        /// Scripts on the server, over SSH.
        case server
        /// The installation over the agent, as of every node.
        case network
        case reboot
    }

    struct Step: Hashable, Sendable, Codable {
        var name: String
        var title: String
        /// oVirt's words, as `JobRecord.Status`.
        var status: String
        /// What it is at: the connection broke, a remark.
        var note: String?
        /// When it was under way first, and when it ended, in milliseconds since 1970; of steps on the server.
        var began: Int64?
        var ended: Int64?

        init(_ name: String, _ title: String, _ status: JobRecord.Status = .unknown) {
            (self.name, self.title, self.status) = (name, title, status.rawValue)
        }
    }

    struct Details: Hashable, Sendable, Codable {
        var options = ConversionOptions()
        /// Where the host goes back to when nothing was changed, and when it is done unless something else was said.
        var wasInMaintenance = false
        /// It had failed before: an order that changes nothing leaves it so.
        var hadFailed: Bool?
        var needsReboot = false
        /// The boot that was when the reboot began, and until when another one must be there (milliseconds since 1970).
        var bootID: String?
        var rebootDeadline: Int64?
        /// What is not as it was after the way back, a line each.
        var report: [String]?
        /// The server was reached for it, and something on it may be another than before.
        var hasBegun: Bool?
        /// What the way back did, once it was done but for the engine's key.
        var undone: ConversionUndo.Report?
        /// Why it failed, while it is taken back for that (`undoesFailure`).
        var failure: ConversionFailure?
        /// Somebody wants it ended.
        var abort: Abort?
        /// The host is there; until when it must be fit, in milliseconds since 1970, else it is taken back; and why it is not.
        var proofDeadline: Int64?
        var unfit: String?

        /// Where the host goes to when it is done.
        var endsInMaintenance: Bool { options.activates.map { !$0 } ?? wasInMaintenance }
    }

    struct Abort: Hashable, Sendable, Codable {
        var user: String?
        var correlation: String?
        /// How it ended, once it has: a sentence.
        var outcome: String?
    }

    var id: UniqueID
    var kind: Kind
    /// No foreign key: the record stays when the host is gone.
    var host: UniqueID
    var hostName: HostName
    var state: ImageJobRow.State
    var stage: Stage
    /// JSON of `[Step]` and of `Details`.
    var steps: String
    var details: String
    var started: Int64
    var ended: Int64?
    var error: String?
    var remedy: String?
    var user: String?
    var correlation: String?

    /// Records kept of one host, and of all.
    static let keptPerHost = 20
    static let keptMax = 10_000
}

extension ConversionRow {
    static func running(of host: UniqueID, in db: Database) throws -> ConversionRow? {
        try filter(Column("host") == host && Column("state") == ImageJobRow.State.started).fetchOne(db)
    }

    static func require(_ id: UniqueID, in db: Database) throws -> ConversionRow? {
        let row = try filter(Column("id") == id).fetchOne(db)
        return row?.state == .started ? row : nil
    }

    var stepList: [Step] {
        get { ColumnJSON.decode(steps) ?? [] }
        set { steps = (try? ColumnJSON.encode(newValue)) ?? "[]" }
    }

    var detail: Details {
        get { ColumnJSON.decode(details) ?? Details() }
        set { details = (try? ColumnJSON.encode(newValue)) ?? "{}" }
    }

    var title: String {
        switch kind {
        case .convert: "its conversion into a node"
        case .reinstall: "its conversion once more"
        case .uninstall: "the way back to the server that it was"
        }
    }

    /// Whether an engine worked on it before: the first connection that fails may be one that only broke.
    var wasBegun: Bool { stepList.first.map { $0.status != JobRecord.Status.unknown.rawValue } ?? false }

    /// It failed, and is taken back.
    mutating func beginUndo(for failure: ConversionFailure) {
        detail.failure = failure
        mark(failure.step, .failed)
        var step = ConversionSteps.undo
        step.status = JobRecord.Status.started.rawValue
        stepList = stepList.filter { $0.name != step.name } + [step]
    }

    /// What a step is at.
    mutating func remark(_ name: String, _ note: String) {
        var list = stepList
        guard let index = list.firstIndex(where: { $0.name == name }) else { return }
        list[index].note = note
        stepList = list
    }

    /// The step that is under way, by name.
    var currentStep: String? {
        stepList.last { $0.status == JobRecord.Status.started.rawValue }?.name
    }

    /// Writes down when the steps that changed since `before` began or ended.
    mutating func time(since before: [Step], at now: Int64) {
        let known = Dictionary(before.map { ($0.name, $0.status) }) { first, _ in first }
        stepList = stepList.map { step in
            var step = step
            guard step.status != known[step.name] ?? JobRecord.Status.unknown.rawValue else { return step }
            step.began = step.began ?? now
            step.ended = step.status == JobRecord.Status.started.rawValue ? nil : now
            return step
        }
    }

    /// How that ended.
    mutating func endUndo(_ status: JobRecord.Status) {
        stepList = stepList.map { step in
            var step = step
            if step.name == ConversionSteps.undoName { step.status = status.rawValue }
            return step
        }
    }

    /// Marks a step, and everything before it as done.
    mutating func mark(_ name: String, _ status: JobRecord.Status, note: String? = nil) {
        var list = stepList
        guard let index = list.firstIndex(where: { $0.name == name }) else { return }
        for earlier in 0..<index where list[earlier].status != JobRecord.Status.finished.rawValue {
            list[earlier].status = JobRecord.Status.finished.rawValue
        }
        (list[index].status, list[index].note) = (status.rawValue, note)
        stepList = list
    }
}

/// A server's address, user and host key, beside its host.
struct ServerAccessRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "serverAccess"

    var host: UniqueID
    /// JSON of `ServerAccess`.
    var access: String

    static func fetch(_ host: UniqueID, in db: Database) throws -> ServerAccess? {
        ColumnJSON.decode(try filter(Column("host") == host).fetchOne(db)?.access)
    }

    static func save(_ access: ServerAccess, of host: UniqueID, in db: Database) throws {
        try ServerAccessRow(host: host, access: try ColumnJSON.encode(access)).save(db)
    }
}

extension Schema {
    static let conversions = """
        CREATE TABLE serverAccess (
            host TEXT PRIMARY KEY NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            access TEXT NOT NULL
        ) STRICT;
        CREATE TABLE conversion (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('convert', 'reinstall', 'uninstall')),
            host TEXT NOT NULL,
            hostName TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('started', 'finished', 'failed', 'aborted')),
            stage TEXT NOT NULL CHECK (stage IN ('server', 'network', 'reboot')),
            steps TEXT NOT NULL,
            details TEXT NOT NULL,
            started INTEGER NOT NULL,
            ended INTEGER,
            error TEXT,
            remedy TEXT,
            user TEXT,
            correlation TEXT,
            CHECK ((state = 'started') = (ended IS NULL)),
            CHECK ((state = 'failed') = (error IS NOT NULL))
        ) STRICT;
        CREATE UNIQUE INDEX oneRunningConversion ON conversion (host) WHERE state = 'started';
        CREATE INDEX conversionByHost ON conversion (host, started);
        CREATE TABLE conversionLine (
            job TEXT NOT NULL REFERENCES conversion(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            time INTEGER NOT NULL,
            step TEXT NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (job, number)
        ) STRICT, WITHOUT ROWID;
        """
}

extension EventCode {
    /// VDS_INSTALL_IN_PROGRESS's neighbours of ours: what a conversion tells beside its steps.
    package static let conversionStarted = EventCode(rawValue: 20_070)
    package static let conversionFinished = EventCode(rawValue: 20_071)
    package static let conversionWaits = EventCode(rawValue: 20_072)
    package static let uninstallStarted = EventCode(rawValue: 20_073)
    package static let uninstalled = EventCode(rawValue: 20_074)
    package static let uninstallFailed = EventCode(rawValue: 20_075)
    /// A step of an installation over the agent waits, of a booted node too.
    package static let installWaits = EventCode(rawValue: 20_076)
    package static let jobAborted = EventCode(rawValue: 20_077)
    /// A host that came up is not operational, and is taken back for it unless that is mended.
    package static let conversionUnfit = EventCode(rawValue: 20_078)
}
