package import HostModel

/// One line of what happened.
package struct EventRecord: Sendable, Hashable {
    package enum Severity: String, Sendable, Codable {
        case normal
        case warning
        case error
        case alert
    }

    /// Grows by one with each event; never used twice.
    package var index: Int64
    package var code: EventCode
    package var severity: Severity
    /// Milliseconds since 1970.
    package var time: Int64
    /// A sentence, safe on a terminal.
    package var text: String
    package var host: UniqueID?
    package var hostName: HostName?
    /// `admin@internal`.
    package var user: String?
    package var correlation: String?
}

/// Which events are asked for; what is `nil` does not restrict.
package struct EventQuery: Sendable {
    /// Only events with a greater index.
    package var after: Int64?
    /// In oVirt's language; its pages are of `max` events. Its order counts where `newestFirst` is true.
    package var search = SearchQuery()
    package var max: Int
    package var newestFirst: Bool

    /// The most events of one answer.
    package static let maxLimit = 1000

    package init(after: Int64? = nil, host: UniqueID? = nil, max: Int = 100, newestFirst: Bool = true) {
        (self.after, self.max, self.newestFirst) = (after, max, newestFirst)
        if let host { search.condition = .comparison(field: "host.id", .equal, value: host.rawValue) }
    }

    /// A search in oVirt's language over the fields of events.
    package init(search: String, max: Int) throws(EngineError) {
        self.init(max: max)
        self.search = try SearchTable.events.query(search)
    }
}
