import ArgumentParser
import EngineClient

struct BootEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show the steps of machines' boots, the oldest first; or watch them come.",
        discussion: "The same as event list, with the steps of boots only. End --follow with Ctrl-C."
    )

    /// The codes of boot steps, of boots that failed, and of machines that are denied (docs/protocols.md).
    private static let codes = "type=20000 or type=20001 or type=20002"

    @Argument(help: "Only those of this host.", completion: .hosts)
    var host: String?

    @Flag(name: [.customLong("follow"), .customShort("f")], help: "Stay, and show each step as it happens.")
    var isFollowing = false

    @Option(help: ArgumentHelp("At most so many of the latest.", valueName: "number"))
    var max = 50

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard max > 0 else { throw ValidationError("Ask for at least one event with --max.") }
    }

    func run() async throws {
        try await options.withSession { session in
            var selection = EventSelection(search: Self.codes, max: max)
            if let host { selection.host = try await session.hostOfEvents(host) }
            guard !isFollowing else { return try await output.follow(selection, in: session) }
            let events = Array(try await session.events(selection).reversed())
            output.show(events, as: eventTable(events, .current))
        }
    }
}
