import ArgumentParser
import EngineClient
import HostModel

/// A kind of thing that a site is ordered by, on the command line: what differs from kind to kind. What is the same for all of
/// them stands in `SiteCommands.swift`.
protocol SiteKind: SiteResource, ListedElement {
    associatedtype Flags: SiteFlags where Flags.Order == Order

    /// For sentences: `data center`, `data centers`.
    static var words: (one: String, many: String) { get }
    /// `datacenter`.
    static var command: String { get }
    static var header: [String] { get }
    /// What people may call it.
    var names: [String] { get }
    var row: [Cell] { get }
    var details: [(name: String, value: Cell)] { get }
}

/// The options of `add` and `update`.
protocol SiteFlags: ParsableArguments {
    associatedtype Order
    func order(name: String?) throws -> Order
}

extension SiteKind {
    var names: [String] { [name] }

    static func table(_ all: [Self]) -> Table {
        Table(header: header, rows: all.map(\.row), ifEmpty: "There are no \(words.many).")
    }

    static var completion: CompletionKind { .names { try await $0.list(Self.self).map(\.name) } }
}

extension EngineSession {
    /// The one of this name or id.
    func find<Kind: SiteKind>(_ kind: Kind.Type, _ text: String) async throws -> Kind {
        let all = try await list(kind)
        let wanted = text.lowercased()
        if let found = all.first(where: { $0.id == wanted || $0.names.contains { $0.lowercased() == wanted } }) {
            return found
        }
        throw UserError(
            .badData,
            "no \(Kind.words.one) has the name or id \(terminalEscaped(text))",
            remedy: "muster \(Kind.command) list"
        )
    }
}
