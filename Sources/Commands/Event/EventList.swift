import ArgumentParser
import EngineClient
import HostModel

struct EventList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List events, the newest first; or watch them come.",
        discussion: "With --watch, JSON is one object a line and YAML one document each. End it with Ctrl-C.",
        aliases: ["ls"]
    )

    @Flag(help: "Stay, and show each event as it happens.")
    var watch = false

    @Option(help: "Only events of this host.", completion: .hosts)
    var host: String?

    @Option(help: ArgumentHelp("At most so many of the latest.", valueName: "number"))
    var max = 50

    @Flag(help: "The oldest first, as --watch shows them.")
    var oldestFirst = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard max > 0 else { throw ValidationError("Ask for at least one event with --max.") }
    }

    func run() async throws {
        try await options.withSession { session in
            let name = try await host(in: session)
            let latest = try await session.events(EventSelection(host: name, max: max))
            guard watch else {
                let events = oldestFirst ? latest.reversed() : latest
                return output.show(events, as: eventTable(events, .current))
            }
            try await follow(EventFollower(session, host: name, after: latest.first), from: latest.reversed())
        }
    }

    /// The name behind a name or an id. A host that was removed is known by its events alone.
    private func host(in session: EngineSession) async throws -> String? {
        guard let host else { return nil }
        do {
            return try await session.findHost(host).name
        } catch let error as UserError {
            let isKnown = try await !session.events(EventSelection(host: host, max: 1)).isEmpty
            if isKnown { return host }
            throw error
        }
    }

    private func follow(_ follower: consuming EventFollower, from events: [EventResource]) async throws {
        let style = Style.current
        let format = eventFormat(events, style)
        if [.table, .wide].contains(output.output) {
            Terminal.show(format.lines([], style, headers: !output.noHeaders))
        }
        var events = events
        while true {
            for event in events {
                let text = output.output.renderNext(event) {
                    format.lines([eventCells(event, style)], style, headers: false)
                }
                Terminal.show(text)
            }
            events = try await follower.next()
        }
    }
}
