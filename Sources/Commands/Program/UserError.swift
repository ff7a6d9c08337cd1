import EngineClient
import HostModel

/// The exit codes of `muster`: sysexits.h, so that a script can tell a typing error from an outage.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    case failed = 1
    case usage = 64
    case badData = 65
    case unavailable = 69
    case tryAgain = 75
    case noPermission = 77
    case configuration = 78

    /// For `--help` and docs/cli.md.
    package var meaning: String {
        switch self {
        case .success: "done"
        case .failed: "the engine refused, or the job failed"
        case .usage: "the command line is wrong"
        case .badData: "an input is wrong: an unknown name, a mistyped code, a bad file"
        case .unavailable: "the engine cannot be reached or trusted, or a tool is missing"
        case .tryAgain: "busy, too slow, or the wait ran out: it may work later"
        case .noPermission: "not logged in, or not allowed"
        case .configuration: "the configuration file is unusable"
        }
    }
}

/// The one error that a person sees: a sentence of cause and one of what to do. Lower floors throw their own types; each
/// edge translates once.
package struct UserError: Error, Hashable, Sendable, CustomStringConvertible {
    package var exit: ExitStatus
    /// Without a full stop, and safe on a terminal.
    package var message: String
    package var remedy: String

    package init(_ exit: ExitStatus, _ message: String, remedy: String) {
        (self.exit, self.message, self.remedy) = (exit, message, remedy)
    }

    package var description: String { "error: \(message)\n  try: \(remedy)" }
}

extension UserError {
    /// A call to the engine that failed.
    init(_ error: CallError) {
        let remedy = error.remedy ?? "read the engine's log for more"
        self.init(Self.exit(error), error.description, remedy: remedy)
        if case .signedOut = error { message = "the engine does not accept this session any more" }
    }

    private static func exit(_ error: CallError) -> ExitStatus {
        switch error {
        case .transport(.timedOut), .transport(.closed): .tryAgain
        case .transport(.misconfigured): .configuration
        case .transport(.bodyFailed), .unreadable: .badData
        case .transport: .unavailable
        case .signedOut: .noPermission
        case .refused(let status, _): exit(status: status)
        case .unexpected: .unavailable
        }
    }

    private static func exit(status: Int) -> ExitStatus {
        switch status {
        case 400, 404, 413, 422: .badData
        case 403: .noPermission
        case 429, 502, 503, 504: .tryAgain
        case 500...: .unavailable
        default: .failed
        }
    }
}
