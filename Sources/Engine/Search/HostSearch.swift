import GRDB
import HostModel

/// The fields of hosts in searches, and what they are in the database.
enum HostSearch {
    private enum Kind {
        /// Compared with `=` and `!=` only, without case, `*` for any characters.
        case text
        case number
    }

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
    /// Fields that hold several values: one that fits is enough.
    private static let lists: Set<String> = ["tag", "affinity_label"]

    private static let columns: [String: (kind: Kind, sql: SQL)] = [
        "name": (.text, "host.name"), "status": (.text, shownStatus), "address": (.text, "host.address"),
        "id": (.text, "host.id"), "hw_id": (.text, "coalesce(host.hardwareID, '')"), "cluster": (.text, cluster),
        "cluster.name": (.text, cluster), "datacenter": (.text, dataCenter),
        "datacenter.name": (.text, dataCenter), "status_detail": (.text, "coalesce(host.statusDetail, '')"),
        "comment": (.text, "host.comment"),
        "tag": (.text, tags), "affinity_label": (.text, affinityLabels), "spm_priority": (.number, "host.spmPriority"),
        "mac": (.text, "coalesce((SELECT group_concat(mac) FROM hostMAC WHERE hostMAC.host = host.id), '')"),
        "memory": (.number, "json_extract(host.hardware, '$.memory')"),
        "cpus": (.number, "json_extract(host.hardware, '$.cpuThreads')"),
        "cpu_model": (.text, "coalesce(json_extract(host.hardware, '$.cpuModel'), '')"),
        "version": (.text, "coalesce(json_extract(host.hardware, '$.image.version'), '')"),
        "image": (.text, "coalesce(json_extract(host.hardware, '$.image.name'), '')"),
    ]

    static var fields: [String] { columns.keys.sorted() }

    /// The condition in SQL. Throws for a comparison that the field does not know.
    static func sql(_ condition: SearchQuery.Condition) throws(EngineError) -> SQL {
        switch condition {
        case .all: return "1"
        case .word(let word): return match("host.name", word.contains("*") ? word : "*\(word)*")
        case .not(let inner): return "NOT (\(try sql(inner)))"
        case .both(let left, let right): return "(\(try sql(left))) AND (\(try sql(right)))"
        case .either(let left, let right): return "(\(try sql(left))) OR (\(try sql(right)))"
        case .comparison(let field, let comparison, let value): return try sql(field, comparison, value)
        }
    }

    private static func sql(
        _ field: String,
        _ comparison: SearchQuery.Comparison,
        _ value: String
    ) throws(EngineError) -> SQL {
        guard let column = columns[field] else { return "0" }
        switch column.kind {
        case .text:
            switch comparison {
            case .equal: return equal(field, column.sql, value)
            case .different: return "NOT (\(equal(field, column.sql, value)))"
            case .less, .greater, .lessOrEqual, .greaterOrEqual:
                throw EngineError(
                    .invalid,
                    "\(field) is text, which \(comparison.rawValue) does not compare.",
                    remedy: "Use = or !=."
                )
            }
        case .number:
            guard let number = Int64(value) else {
                throw EngineError(.invalid, "\(field) is a number, and \"\(value.prefix(64))\" is none.")
            }
            let operation = SQL(sql: comparison == .different ? "IS NOT" : comparison.rawValue)
            return "\(column.sql) \(operation) \(number)"
        }
    }

    private static func equal(_ field: String, _ column: SQL, _ value: String) -> SQL {
        if lists.contains(field) { return match(column, "*|\(value)|*") }
        return match(column, value, inside: field == "mac")
    }

    /// LIKE compares ASCII without case, and names have nothing else.
    private static func match(_ column: SQL, _ pattern: String, inside: Bool = false) -> SQL {
        var like = ""
        for character in inside ? "*\(pattern)*" : pattern {
            switch character {
            case "*": like += "%"
            case "%", "_", "\\": like += "\\\(character)"
            default: like.append(character)
            }
        }
        return "\(column) LIKE \(like) ESCAPE '\\'"
    }

    /// Names last, so that pages of equal hosts do not overlap.
    static func order(_ order: SearchQuery.Order?) -> SQL {
        guard let order, let column = columns[order.field] else { return "host.name" }
        return "\(column.sql) \(SQL(sql: order.descends ? "DESC" : "ASC")), host.name"
    }
}
