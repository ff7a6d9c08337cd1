import ArgumentParser
import EngineClient
import HostModel

/// `--watch`, which every list takes.
struct WatchOptions: ParsableArguments {
    @Flag(help: "Stay, and show a line again when something in it changes. End it with Ctrl-C.")
    var watch = false
}

/// What is told from its likes by an id, and named to people.
protocol ListedElement: Encodable {
    var id: String { get }
}

extension HostResource: ListedElement {}
extension JobResource: ListedElement {}
extension NetworkResource: ListedElement {}

/// What a list showed, so that only what differs is shown again: a change is one of a column, not of a time stamp that no
/// column has.
struct ListChanges {
    private var rows: [String: [Cell]] = [:]
    private var order: [String] = []

    enum Change: Hashable {
        /// An element, by its place in the list that was taken, which is new or has changed.
        case shown(Int)
        /// One that is there no longer, with the row that it had.
        case gone(id: String, row: [Cell])
    }

    /// Takes the list as it is now. `ids` and `rows` belong together.
    mutating func take(_ ids: [String], _ now: [[Cell]]) -> [Change] {
        let gone = Set(order).subtracting(ids)
        let lost = order.filter(gone.contains).map { Change.gone(id: $0, row: rows[$0] ?? []) }
        let changed = ids.indices.filter { rows[ids[$0]] != now[$0] }.map(Change.shown)
        order = ids
        rows = zip(ids, now).reduce(into: [:]) { $0[$1.0] = $1.1 }
        return lost + changed
    }
}

/// A list that is shown, and that is looked at again whenever the engine has an event, and at least every few seconds.
struct ListWatch<Element: ListedElement> {
    let output: OutputOptions
    let fetch: (EngineSession) async throws -> [Element]
    let table: ([Element]) -> Table

    /// A look without an event comes after so many seconds.
    static var lookSeconds: Int { 5 }
    /// Looks are so far apart at least: a storm of events is no storm of lists.
    static var pause: Duration { .milliseconds(500) }

    /// What is written of an element that is gone, for programs.
    private struct Gone: Encodable {
        var id: String
        var removed = true
    }

    /// Until it is cut off, or the engine stays away.
    func run(_ session: EngineSession) async throws {
        var seen = try await session.events(EventSelection(max: 1)).first.flatMap { Int64($0.index) } ?? 0
        let first = try await fetch(session)
        var changes = ListChanges()
        let style = Style.current
        let format = TableFormat(header: shownHeader(first), rows: shownRows(table(first)), isLastOpen: true)
        if isTable { Terminal.show(format.lines([], style, headers: !output.noHeaders)) }
        tell(changes.take(first.map(\.id), table(first).rows), first, format, style)
        while true {
            seen = try await HostWait.enduring { try await hear(session, after: seen) }
            let now = try await HostWait.enduring { try await fetch(session) }
            tell(changes.take(now.map(\.id), table(now).rows), now, format, style)
            try await Task.sleep(for: Self.pause)
        }
    }

    /// The newest event that there was.
    private func hear(_ session: EngineSession, after seen: Int64) async throws -> Int64 {
        let selection = EventSelection(after: seen, max: EventFollower.pageMax, waitSeconds: Self.lookSeconds)
        return try await session.events(selection).compactMap { Int64($0.index) }.max() ?? seen
    }

    private var isTable: Bool { [.table, .wide].contains(output.output) }

    private func shownHeader(_ elements: [Element]) -> [String] {
        let table = table(elements)
        return Array(table.header.prefix(shownCount(table)))
    }

    private func shownRows(_ table: Table) -> [[Cell]] { table.rows.map { Array($0.prefix(shownCount(table))) } }

    private func shownCount(_ table: Table) -> Int {
        output.output == .wide ? table.header.count : table.usual ?? table.header.count
    }

    private func tell(_ changes: [ListChanges.Change], _ elements: [Element], _ format: TableFormat, _ style: Style) {
        let rows = shownRows(table(elements))
        for change in changes {
            switch change {
            case .shown(let place):
                Terminal.show(
                    output.output.renderNext(elements[place]) { format.lines([rows[place]], style, headers: false) }
                )
            case .gone(let id, let row):
                switch output.output {
                case .table, .wide, .json, .yaml:
                    let cells =
                        [Cell("\(row.first?.text ?? id) (removed)", .faint)]
                        + row.dropFirst().prefix(format.header.count - 1).map { Cell($0.text, .faint) }
                    Terminal.show(
                        output.output.renderNext(Gone(id: id)) { format.lines([cells], style, headers: false) }
                    )
                case .name, .path: break
                }
            }
        }
    }
}

extension EngineOptions {
    /// Shows a list; with `--watch` also what becomes of it.
    func show<Element: ListedElement>(
        _ watch: WatchOptions,
        _ output: OutputOptions,
        _ fetch: @escaping (EngineSession) async throws -> [Element],
        as table: @escaping ([Element]) -> Table
    ) async throws {
        try await withSession { session in
            guard watch.watch else {
                let all = try await fetch(session)
                return output.show(all, as: table(all))
            }
            try await ListWatch(output: output, fetch: fetch, table: table).run(session)
        }
    }
}
