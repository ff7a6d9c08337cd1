import ArgumentParser
import EngineClient
import Foundation

/// `--config`, which every command that talks to the engine takes.
struct EngineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file; see muster login.", valueName: "file"),
        completion: .file()
    )
    var config: String?

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
        guard let context = try file.read() else { throw UserError.notLoggedIn }
        let session = try context.session(limits: limits)
        defer { session.transport.close() }
        do { return try await body(session) } catch let error as CallError { throw UserError(error) }
    }
}
