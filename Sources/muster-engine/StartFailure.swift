import ArgumentParser
import Engine
import EngineAPI
import HostModel
import LogLines

/// Why the program could not start, for a person and, as its exit status (sysexits.h), for a supervisor or a script:
/// a status of these is not cured by starting again.
struct StartFailure: Error, Hashable, Sendable {
    enum Status: Int32, CaseIterable, Sendable {
        /// EX_USAGE: flags that make no sense.
        case usage = 64
        /// EX_UNAVAILABLE: a port or socket is taken.
        case unavailable = 69
        /// EX_NOPERM: the user may not do this.
        case notPermitted = 77
        /// EX_CONFIG: settings, data directory or database are not usable as they are.
        case configuration = 78
    }

    var status: Status
    var detail: String
    var remedy: String

    init(_ status: Status, _ detail: String, remedy: String) {
        (self.status, self.detail, self.remedy) = (status, detail, remedy)
    }

    init(_ error: ListenError) { self.init(.unavailable, error.detail, remedy: error.remedy) }

    init(_ error: EngineError) {
        let remedy = error.remedy ?? "Check --data-directory."
        self.init(error.kind == .forbidden ? .notPermitted : .configuration, error.detail, remedy: remedy)
    }

    /// Writes the two sentences to standard error and gives the status to leave with.
    func report() -> ExitCode {
        Console.error.write("muster-engine: \(terminalEscaped(detail))\n  try: \(terminalEscaped(remedy))")
        return ExitCode(status.rawValue)
    }
}
