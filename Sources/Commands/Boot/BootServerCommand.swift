import ArgumentParser
import EngineClient
import HostModel

extension CompletionKind {
    static let bootServers = names { try await $0.bootServers().map(\.name) }
}

struct BootServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Boot servers on other segments, and those that ask to be.",
        subcommands: [BootServerList.self]
    )
}

struct BootServerList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the boot servers on other segments: approved, waiting, denied.",
        discussion: "`muster boot status` shows what they do.",
        aliases: ["ls"]
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let servers = try await options.withSession { try await $0.bootServers() }
        output.show(servers, as: bootServerTable(servers, .current))
    }
}

struct BootApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approve a boot server on another segment.",
        discussion: """
            The code stands in the boot server's own log. It proves that the engine talks to that machine and nobody in between, \
            so read it there and nowhere else. Upper or lower case, with or without hyphens. What it may do from then on is to \
            ask what machines boot, and to load images.
            """
    )

    @Argument(help: "Name or id of the boot server.", completion: .bootServers)
    var server: String

    @Option(help: "The approval code, as the boot server shows it.")
    var code: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let code = try HostApprove.code(code)
        try await options.withSession { session in
            try await session.approveBootServer(server, code: code)
            let done = try await session.bootServer(server)
            output.show(done, as: Sentence(words: "\(done.name) is approved"))
        }
    }
}

struct BootDeny: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Turn away a boot server that waits.",
        discussion: "It is kept away for 24 hours; `muster boot remove ID` takes that back."
    )

    @Argument(help: "Name or id of the boot server.", completion: .bootServers)
    var server: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let known = try await session.bootServer(server)
            try await session.denyBootServer(known.id)
            output.show(known, as: Sentence(words: "\(known.name) is denied"))
        }
    }
}

struct BootRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a boot server on another segment; its key counts no more.",
        discussion: """
            Its calls are refused from now on. It learns that at its next call, forgets what it kept, and ends; while it cannot \
            reach the engine it goes on serving what it kept (docs/boot.md, section 8).
            """,
        aliases: ["rm"]
    )

    @Argument(help: "Name or id of the boot server.", completion: .bootServers)
    var server: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let known = try await session.bootServer(server)
            try await session.removeBootServer(known.id)
            output.show(known, as: Sentence(words: "\(known.name) is removed"))
        }
    }
}

/// `muster boot server list`.
func bootServerTable(_ servers: [BootServerResource], _ style: Style) -> Table {
    let rows = servers.map { server in
        let tone: Tone = server.status == "approved" ? .good : server.status == "denied" ? .bad : .waiting
        return [
            Cell(server.name), Cell(server.status, tone), Cell(server.address),
            Cell(LocalTime.text(server.last_heard, style)), Cell(LocalTime.text(server.certificate_end, style)),
            Cell(server.key_fingerprint, .faint), Cell(server.id, .faint),
        ]
    }
    return Table(
        header: ["NAME", "STATUS", "ADDRESS", "HEARD", "CERTIFICATE ENDS", "KEY", "ID"],
        rows: rows,
        isLastOpen: true,
        ifEmpty: "There are no boot servers on other segments, and none asks to be one."
    )
}
