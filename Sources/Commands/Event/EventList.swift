import ArgumentParser
import EngineClient
import HostModel

struct EventList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List events, the newest first; or watch them come.",
        discussion: """
            With --watch, JSON is one object a line and YAML one document each. End it with Ctrl-C.

            --search takes oVirt's language, as host list does. Fields: type (the code), severity (normal < warning < error < \
            alert), message, time, user, correlation_id, host, host.id, cluster, index. A bare word is looked for in the \
            sentences. A time is today, yesterday, 2026-11-26, 2026-11-26T10:30:00Z, or how long ago: 30m, 2h, 7d.

              muster event list --search 'severity>=warning and time>2h'
              muster event list --search 'type=13 or message=*certificate* sortby time'
            """,
        aliases: ["ls"]
    )

    @Flag(help: "Stay, and show each event as it happens.")
    var watch = false

    @Option(help: "Only events of this host.", completion: .hosts)
    var host: String?

    @Option(help: ArgumentHelp("Only events that this finds.", valueName: "search"))
    var search: String?

    @Option(help: ArgumentHelp("At most so many of the latest.", valueName: "number"))
    var max = 50

    @Flag(help: "The oldest first, as --watch shows them.")
    var oldestFirst = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard max > 0 else { throw ValidationError("Ask for at least one event with --max.") }
        let words = search?.lowercased().split(whereSeparator: \.isWhitespace) ?? []
        guard !(watch || host != nil) || !words.contains(where: { $0 == "sortby" || $0 == "page" }) else {
            throw ValidationError("--watch and --host have an order of their own: leave out sortby and page.")
        }
    }

    func run() async throws {
        try await options.withSession { session in
            let name = try await host(in: session)
            let selection = EventSelection(host: name, search: search, max: max)
            guard watch else {
                let latest = try await session.events(selection)
                let events = oldestFirst ? latest.reversed() : latest
                return output.show(events, as: eventTable(events, .current))
            }
            try await output.follow(selection, in: session)
        }
    }

    private func host(in session: EngineSession) async throws -> String? {
        guard let host else { return nil }
        return try await session.hostOfEvents(host)
    }
}

extension EngineSession {
    /// The name behind a name or an id. A host that was removed is known by its events alone.
    func hostOfEvents(_ host: String) async throws -> String {
        do {
            return try await findHost(host).name
        } catch let error as UserError {
            let isKnown = try await !events(EventSelection(host: host, max: 1)).isEmpty
            if isKnown { return host }
            throw error
        }
    }
}

extension OutputOptions {
    /// Shows the latest events, and then each as it happens.
    func follow(_ selection: EventSelection, in session: EngineSession) async throws {
        let latest = try await session.events(selection)
        var follower = EventFollower(session, selection, after: latest.first)
        var events = Array(latest.reversed())
        let style = Style.current
        let format = eventFormat(events, style)
        if [.table, .wide].contains(output) {
            Terminal.show(format.lines([], style, headers: !noHeaders))
        }
        while true {
            for event in events {
                let text = output.renderNext(event) {
                    format.lines([eventCells(event, style)], style, headers: false)
                }
                Terminal.show(text)
            }
            events = try await follower.next()
        }
    }
}
