import GRDB

extension SearchTable {
    /// Events (ovirt.md 4.5): `type` is the code.
    static let events = SearchTable(
        columns: [
            "type": Column(.number, "event.code"), "index": Column(.number, #"event."index""#),
            "severity": Column(.ranked(["normal", "warning", "error", "alert"]), "event.severity"),
            "message": Column(.text, "event.text"), "time": Column(.time, "event.time"),
            "host": Column(.text, "event.hostName"), "host.name": Column(.text, "event.hostName"),
            "host.id": Column(.exact, "event.host"), "user": Column(.text, "event.user"),
            "correlation_id": Column(.text, "event.correlation"), "cluster": Column(.text, clusterOfEvent),
            "cluster.name": Column(.text, clusterOfEvent),
        ],
        words: "event.text",
        order: #"event."index" DESC"#
    )

    /// Of the host as it is now.
    private static let clusterOfEvent: SQL = """
        (SELECT cluster.name FROM host JOIN cluster ON cluster.id = host.cluster WHERE host.id = event.host)
        """
}
