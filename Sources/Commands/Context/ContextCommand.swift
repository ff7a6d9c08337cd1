import ArgumentParser
import HostModel

struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "The engines that you work with.",
        discussion: """
            muster login makes a context: an engine, a user, the engine's CA and a session, under a name. One of them is the \
            current one. For one command another is named with --context, for a shell with MUSTER_CONTEXT.
            """,
        subcommands: [ContextList.self, ContextUse.self, ContextRename.self, ContextRemove.self]
    )
}

/// `--config` alone: these commands talk to no engine.
struct ContextFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file; see muster login.", valueName: "file"), completion: .file())
    var config: String?

    var file: ContextFile {
        get throws(UserError) {
            var options = EngineOptions()
            (options.config, options.context) = (config, nil)
            return try options.file
        }
    }
}

struct ContextList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the contexts; a star marks the current one.",
        aliases: ["ls"]
    )

    @OptionGroup var options: ContextFileOptions
    @OptionGroup var output: OutputOptions

    /// What is shown of a context: everything but its token.
    private struct Row: Encodable {
        var name: String
        var engine: String
        var user: String
        var current: Bool
        var session: Bool
    }

    func run() async throws {
        let book = try options.file.read()
        let rows = book.contexts.sorted { $0.key < $1.key }.map { name, context in
            Row(
                name: name,
                engine: context.engine,
                user: context.user,
                current: name == book.current,
                session: context.token != nil
            )
        }
        let table = Table(
            header: ["CURRENT", "NAME", "ENGINE", "USER", "SESSION"],
            rows: rows.map { row in
                [
                    Cell(row.current ? "*" : ""), Cell(row.name), Cell(row.engine), Cell(row.user),
                    Cell(row.session ? "yes" : "logged out"),
                ]
            },
            ifEmpty: "There are no contexts: muster login https://ENGINE makes one."
        )
        output.show(rows, as: table)
    }
}

struct ContextUse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "use", abstract: "Make a context the current one.")

    @Argument(help: "Its name.", completion: .contexts)
    var name: String

    @OptionGroup var options: ContextFileOptions

    func run() async throws {
        let file = try options.file
        _ = try file.read().name(name)
        try file.update { (book) throws(UserError) in book.current = try book.name(name) }
        Terminal.show("\(name) is the current context\n")
    }
}

struct ContextRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a context another name.")

    @Argument(help: "Its name.", completion: .contexts)
    var name: String

    @Argument(help: "Its name from now on.")
    var newName: String

    @OptionGroup var options: ContextFileOptions

    func validate() throws {
        guard ContextBook.isName(newName) else {
            throw ValidationError("A context's name is letters, digits, . _ and -, at most \(ContextBook.nameMax).")
        }
    }

    func run() async throws {
        let file = try options.file
        _ = try file.read().name(name)
        try file.update { (book) throws(UserError) in
            let context = try book.context(name)
            guard name == newName || book.contexts[newName] == nil else {
                throw UserError(
                    .badData,
                    "there is a context \(newName) already",
                    remedy: "take another name, or muster context remove \(newName)"
                )
            }
            book.contexts[name] = nil
            book.contexts[newName] = context
            if book.current == name { book.current = newName }
        }
        Terminal.show("\(name) is \(newName) now\n")
    }
}

struct ContextRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a context and its session.",
        discussion: "The session ends at its engine by itself; muster logout --context NAME ends it at once.",
        aliases: ["rm"]
    )

    @Argument(help: "Its name.", completion: .contexts)
    var name: String

    @OptionGroup var options: ContextFileOptions

    func run() async throws {
        let file = try options.file
        _ = try file.read().name(name)
        try file.update { (book) throws(UserError) in
            book.contexts[try book.name(name)] = nil
            if book.current == name { book.current = nil }
        }
        Terminal.show("\(name) is forgotten\n")
    }
}
