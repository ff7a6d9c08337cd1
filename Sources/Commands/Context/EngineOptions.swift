import ArgumentParser
import EngineClient
import Foundation

/// `--config` and `--context`, which every command that talks to the engine takes.
struct EngineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file; see muster login.", valueName: "file"),
        completion: .file()
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Which engine; see muster context. Else MUSTER_CONTEXT, else the current one.",
            valueName: "name"
        ),
        completion: .contexts
    )
    var context: String?

    /// What names the context, if anything does.
    var chosen: String? {
        context ?? ProcessInfo.processInfo.environment["MUSTER_CONTEXT"].flatMap { $0.isEmpty ? nil : $0 }
    }

    var file: ContextFile {
        get throws(UserError) {
            try ContextFile(option: config, environment: ProcessInfo.processInfo.environment)
        }
    }

    /// Does something with the engine that was logged in to, and says in a person's words what went wrong.
    func withSession<Result>(
        limits: TransportLimits = TransportLimits(),
        _ body: (EngineSession) async throws -> Result
    ) async throws -> Result {
        let session = try file.read().context(chosen).session(limits: limits)
        defer { session.transport.close() }
        do { return try await body(session) } catch let error as CallError { throw UserError(error) }
    }
}
