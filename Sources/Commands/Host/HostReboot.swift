import ArgumentParser
import EngineClient
import HostModel

struct HostReboot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot",
        abstract: "Have a host start once more.",
        discussion: """
            By its own agent, so the host must answer; `muster host power HOST restart` does it by the board. Refused while \
            guests run on it. A host in maintenance goes back there.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var job: JobOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let action = try await session.reboot(found.id)
            try await session.follow(
                action,
                of: found,
                wait: job.wait,
                seconds: job.timeout,
                output,
                begun: "\(found.name) reboots",
                done: "\(found.name) is back"
            )
        }
    }
}

struct HostRefresh: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Read everything of a host now.",
        discussion: "What a host has is read every few minutes, and when it says that its networks changed."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.refresh(found.id)
            output.show(found, as: Sentence(words: "\(found.name) is read anew"))
        }
    }
}
