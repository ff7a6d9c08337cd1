package import HostModel

/// Which events to ask for.
package struct EventSelection: Hashable, Sendable {
    /// Only those with a greater index.
    package var after: Int64?
    /// Only those of the host of this name.
    package var host: String?
    /// In oVirt's language; together with `host`.
    package var search: String?
    /// At most so many; the engine has a limit of its own.
    package var max: Int?
    /// With `after`: hold the answer this many seconds for one to come; at most `waitMax`.
    package var waitSeconds: Int?

    /// What the engine holds an answer at most.
    package static let waitMax = 30

    package init(
        after: Int64? = nil,
        host: String? = nil,
        search: String? = nil,
        max: Int? = nil,
        waitSeconds: Int? = nil
    ) {
        (self.after, self.host, self.search) = (after, host, search)
        (self.max, self.waitSeconds) = (max, waitSeconds)
    }

    /// Both as one search.
    private var expression: String? {
        guard let host else { return search }
        let term = "host.name=\"\(host)\""
        return search.map { "\(term) and (\($0))" } ?? term
    }

    var query: String {
        let fields = [
            after.map { "from=\($0)" },
            max.map { "max=\($0)" },
            expression.map { "search=\(percentEncoded($0))" },
            waitSeconds.map { "wait=\(Swift.min($0, Self.waitMax))" },
        ].compactMap(\.self)
        return fields.isEmpty ? "" : "?" + fields.joined(separator: "&")
    }
}

extension EngineSession {
    /// Events, newest first. With `after` and more of them than `max`, the oldest come first, so that a caller who goes
    /// on after the newest one in hand misses none.
    package func events(_ selection: EventSelection) async throws(CallError) -> [EventResource] {
        try await decode(EventCollection.self, .get("\(Self.api)/events\(selection.query)")).event ?? []
    }
}
