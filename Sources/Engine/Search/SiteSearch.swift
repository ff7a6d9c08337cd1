import GRDB

extension SearchTable {
    private static func named(_ table: String, _ more: [String: Column] = [:]) -> SearchTable {
        let name = SQL(sql: "\(table).name")
        let common = [
            "name": Column(.text, name), "id": Column(.exact, SQL(sql: "\(table).id")),
            "description": Column(.text, SQL(sql: "\(table).description")),
        ]
        return SearchTable(columns: common.merging(more) { $1 }, words: name, order: name)
    }

    private static func dataCenter(of table: String) -> [String: Column] {
        let name = SQL(sql: "(SELECT name FROM dataCenter WHERE dataCenter.id = \(table).dataCenter)")
        return ["datacenter": Column(.text, name), "datacenter.name": Column(.text, name)]
    }

    static let dataCenters = named("dataCenter", ["comment": Column(.text, "dataCenter.comment")])
    static let clusters = named(
        "cluster",
        dataCenter(of: "cluster").merging([
            "comment": Column(.text, "cluster.comment"), "architecture": Column(.text, "cluster.architecture"),
            "cpu": Column(.text, "cluster.cpu"),
        ]) { $1 }
    )
    static let users = named(
        "user",
        ["usrname": Column(.text, "user.name"), "role": Column(.text, "user.role")]
    )
    static let tags = named("tag")
    static let affinityLabels = named("affinityLabel")
    static let macPools = named("macPool")
    static let networks = named(
        "network",
        dataCenter(of: "network").merging([
            "mtu": Column(.number, "network.mtu"), "vlanid": Column(.number, "network.vlan"),
            "label": Column(.text, "network.label"),
        ]) { $1 }
    )
}

/// What is asked of a table: a search in oVirt's language, and how much of it.
package struct ListFilter: Sendable {
    package var search: String
    /// At most so many, of the search's page; `nil`: all.
    package var max: Int?

    package static let all = ListFilter(search: "")

    package init(search: String, max: Int? = nil) { (self.search, self.max) = (search, max) }
}

extension SearchTable {
    /// Everything behind `FROM TABLE`.
    func rest(_ filter: ListFilter) throws(EngineError) -> SQL {
        let query = try query(filter.search)
        let rest: SQL = "WHERE \(try sql(query.condition)) ORDER BY \(sql(query.order))"
        guard let max = filter.max else { return rest }
        return "\(rest) LIMIT \(max) OFFSET \((query.page - 1) * max)"
    }
}
