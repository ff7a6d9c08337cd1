import GRDB
import HostModel

/// The fields of hosts in searches, and what they are in the database.
enum HostSearch {
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
    private static let tags: SQL = """
        (SELECT '|' || coalesce(group_concat(tag.name, '|'), '') || '|' FROM hostTag JOIN tag ON tag.id = hostTag.tag
         WHERE hostTag.host = host.id)
        """
    private static let affinityLabels: SQL = """
        (SELECT '|' || coalesce(group_concat(affinityLabel.name, '|'), '') || '|' FROM hostAffinityLabel
         JOIN affinityLabel ON affinityLabel.id = hostAffinityLabel.affinityLabel
         WHERE hostAffinityLabel.host = host.id)
        """
    /// Whether another version of the image that runs is the active one (`HostRecord.newerImageVersion`).
    private static let updateAvailable: SQL = """
        CASE WHEN EXISTS (
            SELECT 1 FROM image WHERE image.isActive AND image.name = json_extract(host.hardware, '$.image.name')
            AND image.version <> json_extract(host.hardware, '$.image.version')
        ) THEN 'true' ELSE 'false' END
        """
    private static let architecture: SQL = """
        (SELECT coalesce(architecture, 'undefined') FROM cluster WHERE cluster.id = host.cluster)
        """

    static let columns = SearchColumns(columns: known, word: "host.name", last: "host.name")

    private static let known: [String: (kind: SearchColumns.Kind, sql: SQL)] = [
        "name": (.text, "host.name"), "status": (.text, shownStatus), "address": (.text, "host.address"),
        "id": (.text, "host.id"), "hw_id": (.text, "coalesce(host.hardwareID, '')"), "cluster": (.text, cluster),
        "cluster.name": (.text, cluster), "datacenter": (.text, dataCenter),
        "datacenter.name": (.text, dataCenter), "status_detail": (.text, "coalesce(host.statusDetail, '')"),
        "comment": (.text, "host.comment"),
        "tag": (.list, tags), "affinity_label": (.list, affinityLabels), "spm_priority": (.number, "host.spmPriority"),
        "mac": (.inside, "coalesce((SELECT group_concat(mac) FROM hostMAC WHERE hostMAC.host = host.id), '')"),
        "memory": (.number, "json_extract(host.hardware, '$.memory')"),
        "cpus": (.number, "json_extract(host.hardware, '$.cpuThreads')"),
        "cpu_model": (.text, "coalesce(json_extract(host.hardware, '$.cpuModel'), '')"),
        "version": (.text, "coalesce(json_extract(host.hardware, '$.image.version'), '')"),
        "update_available": (.text, updateAvailable), "architecture": (.text, architecture),
        "external_status": (.text, "'ok'"), "type": (.text, "'ovirt_node'"),
        "cpu_speed": (.number, "CAST(json_extract(host.hardware, '$.cpuSpeed') AS REAL)"),
        "image": (.text, "coalesce(json_extract(host.hardware, '$.image.name'), '')"),
    ]
}
