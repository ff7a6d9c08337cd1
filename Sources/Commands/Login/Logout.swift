import ArgumentParser
import EngineClient

struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "End the session.",
        discussion: "The engine's address and its CA stay known, so that the next login asks for the password only."
    )

    @OptionGroup var options: EngineOptions

    func run() async throws {
        let file = try options.file
        let book = try file.read()
        let name = try book.name(options.chosen)
        let context = try book.context(name)
        let session = try context.session()
        defer { session.transport.close() }
        // The token goes from here whatever the engine says; an engine out of reach lets it expire.
        try file.update { book in
            // Somebody may have logged in anew meanwhile: that session is another one.
            if book.contexts[name]?.token == context.token { book.contexts[name]?.token = nil }
        }
        do { try await session.logOut() } catch {
            var error = UserError(error)
            error.message = "the session is forgotten here, but the engine was not told: \(error.message)"
            throw error
        }
        Terminal.show("logged out from \(context.engine)\n")
    }
}
