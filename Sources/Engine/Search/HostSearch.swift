import GRDB

extension SearchTable {
    /// What a list shows as a host's status: one that no longer answers while a claim waits is a host that waits for
    /// approval (`HostRecord.shownStatus`).
    static let shownStatus: SQL = """
        CASE WHEN host.status IN ('non_responsive', 'down')
            AND EXISTS (SELECT 1 FROM claim WHERE claim.host = host.id AND claim.state = 'pending')
        THEN 'pending_approval' ELSE host.status END
        """

    private static let cluster: SQL = "(SELECT name FROM cluster WHERE cluster.id = host.cluster)"
    private static let dataCenter: SQL = """
        (SELECT dataCenter.name FROM cluster JOIN dataCenter ON dataCenter.id = cluster.dataCenter
         WHERE cluster.id = host.cluster)
        """

    /// Each between bars, so that a whole name is found in them.
    private static let tagsOfHost: SQL = """
        (SELECT '|' || coalesce(group_concat(tag.name, '|'), '') || '|' FROM hostTag JOIN tag ON tag.id = hostTag.tag
         WHERE hostTag.host = host.id)
        """
    private static let labelsOfHost: SQL = """
        (SELECT '|' || coalesce(group_concat(affinityLabel.name, '|'), '') || '|' FROM hostAffinityLabel
         JOIN affinityLabel ON affinityLabel.id = hostAffinityLabel.affinityLabel
         WHERE hostAffinityLabel.host = host.id)
        """
    private static let macsOfHost: SQL = "(SELECT group_concat(mac) FROM hostMAC WHERE hostMAC.host = host.id)"

    /// The fields of hosts.
    static let hosts = SearchTable(
        columns: [
            "name": Column(.text, "host.name"), "status": Column(.text, shownStatus),
            "address": Column(.text, "host.address"), "id": Column(.exact, "host.id"),
            "hw_id": Column(.text, "host.hardwareID"), "cluster": Column(.text, cluster),
            "cluster.name": Column(.text, cluster), "datacenter": Column(.text, dataCenter),
            "datacenter.name": Column(.text, dataCenter), "status_detail": Column(.text, "host.statusDetail"),
            "comment": Column(.text, "host.comment"), "tag": Column(.list, tagsOfHost),
            "affinity_label": Column(.list, labelsOfHost), "spm_priority": Column(.number, "host.spmPriority"),
            "mac": Column(.within, macsOfHost), "memory": Column(.number, "json_extract(host.hardware, '$.memory')"),
            "cpus": Column(.number, "json_extract(host.hardware, '$.cpuThreads')"),
            "cpu_model": Column(.text, "json_extract(host.hardware, '$.cpuModel')"),
            "version": Column(.text, "json_extract(host.hardware, '$.image.version')"),
            "image": Column(.text, "json_extract(host.hardware, '$.image.name')"),
        ],
        words: "host.name",
        order: "host.name"
    )
}
