import ArgumentParser
import EngineClient
import HostModel

// List, show, add, update, remove: the same for every kind.

struct SiteList<Kind: SiteKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the \(Kind.words.many).", aliases: ["ls"])
    }

    @Option(help: ArgumentHelp("Only those that this finds: name=east-*, description=*old*.", valueName: "search"))
    var search: String?

    @OptionGroup var watching: WatchOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.show(watching, output, { try await $0.list(Kind.self, search: search) }, as: Kind.table)
    }
}

struct SiteShow<Kind: SiteKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "show", abstract: "Show one \(Kind.words.one).")
    }

    @Argument(help: "Name or id.", completion: Kind.completion)
    var name: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let found = try await options.withSession { try await $0.find(Kind.self, name) }
        output.show(found, as: Details(fields: found.details))
    }
}

struct SiteAdd<Kind: SiteKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "add", abstract: "Make a \(Kind.words.one).")
    }

    @Argument(help: "Its name: 1 to 40 letters, digits, dots, underscores and hyphens.")
    var name: String

    @OptionGroup var flags: Kind.Flags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let order = try flags.order(name: name)
        let made = try await options.withSession { try await $0.add(Kind.self, order) }
        output.show(made, as: Sentence(words: "the \(Kind.words.one) \(made.name) is added"))
    }
}

struct SiteUpdate<Kind: SiteKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "update",
            abstract: "Change a \(Kind.words.one).",
            discussion: "What is not named stays as it is."
        )
    }

    @Argument(help: "Name or id.", completion: Kind.completion)
    var target: String

    @Option(help: "Another name.")
    var name: String?

    @OptionGroup var flags: Kind.Flags
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let order = try flags.order(name: name)
        try await options.withSession { session in
            let found = try await session.find(Kind.self, target)
            let changed = try await session.update(Kind.self, found.id, order)
            output.show(changed, as: Sentence(words: "the \(Kind.words.one) \(changed.name) is changed"))
        }
    }
}

struct SiteRemove<Kind: SiteKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "remove", abstract: "Remove a \(Kind.words.one).", aliases: ["rm"])
    }

    @Argument(help: "Name or id.", completion: Kind.completion)
    var name: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.find(Kind.self, name)
            try await session.remove(Kind.self, found.id)
            output.show(found, as: Sentence(words: "the \(Kind.words.one) \(found.name) is removed"))
        }
    }
}

/// What hosts are marked with: a tag, an affinity label.
protocol HostMarkKind: SiteKind {}

struct SiteAttach<Kind: HostMarkKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "attach", abstract: "Put a \(Kind.words.one) on hosts.")
    }

    @OptionGroup var marked: MarkedHosts<Kind>
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let (mark, hosts) = try await marked.found(session)
            for host in hosts { try await session.mark(Kind.self, mark.id, host: host.id) }
            let names = hosts.map(\.name)
            output.show(names, as: Sentence(words: "\(names.joined(separator: ", ")): \(Kind.words.one) \(mark.name)"))
        }
    }
}

struct SiteDetach<Kind: HostMarkKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "detach", abstract: "Take a \(Kind.words.one) from hosts.")
    }

    @OptionGroup var marked: MarkedHosts<Kind>
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let (mark, hosts) = try await marked.found(session)
            for host in hosts { try await session.unmark(Kind.self, mark.id, host: host.id) }
            let names = hosts.map(\.name)
            output.show(
                names,
                as: Sentence(words: "\(names.joined(separator: ", ")): no \(Kind.words.one) \(mark.name)")
            )
        }
    }
}

struct MarkedHosts<Kind: HostMarkKind>: ParsableArguments {
    @Argument(help: "Name or id.", completion: Kind.completion)
    var name: String

    @Argument(help: "Names or ids of the hosts.", completion: .hosts)
    var hosts: [String]

    /// Every name is looked up before the first host is touched.
    func found(_ session: EngineSession) async throws -> (Kind, [HostResource]) {
        let mark = try await session.find(Kind.self, name)
        let all = try await session.hosts()
        return (mark, try hosts.map { try UserError.host($0, among: all) })
    }
}
