import GRDB

/// The fields of events in searches.
enum EventSearch {
    private static let cluster: SQL = """
        (SELECT cluster.name FROM host JOIN cluster ON cluster.id = host.cluster WHERE host.id = event.host)
        """
    private static let dataCenter: SQL = """
        (SELECT dataCenter.name FROM host JOIN cluster ON cluster.id = host.cluster
         JOIN dataCenter ON dataCenter.id = cluster.dataCenter WHERE host.id = event.host)
        """

    static let columns = SearchColumns(columns: known, word: "event.text", last: #"event."index" DESC"#)

    private static let known: [String: (kind: SearchColumns.Kind, sql: SQL)] = [
        "type": (.number, "event.code"), "id": (.number, #"event."index""#), "index": (.number, #"event."index""#),
        "severity": (.ranked(["normal", "warning", "error", "alert"]), "event.severity"),
        "message": (.text, "event.text"), "time": (.time, "event.time"), "user": (.text, "event.user"),
        "user.name": (.text, "event.user"), "event_user": (.text, "event.user"), "host": (.name, "event.hostName"),
        "host.name": (.name, "event.hostName"), "event_host": (.name, "event.hostName"),
        "host.id": (.text, "event.host"), "correlation_id": (.text, "event.correlation"),
        "origin": (.text, "ifnull(externalEvent.origin, 'oVirt')"), "custom_id": (.number, "externalEvent.customID"),
        "cluster": (.text, cluster), "cluster.name": (.text, cluster), "datacenter": (.text, dataCenter),
        "datacenter.name": (.text, dataCenter),
    ]
}

extension EventQuery {
    /// What can be searched for.
    package static var fields: [String] { EventSearch.columns.fields }

    /// A search in oVirt's language over the fields of events. Throws a sentence that says where it went wrong.
    package mutating func take(search: String, isCaseSensitive: Bool) throws(EngineError) {
        self.search = try SearchQuery(search, fields: EventSearch.columns.fields)
        self.isCaseSensitive = isCaseSensitive
    }
}
