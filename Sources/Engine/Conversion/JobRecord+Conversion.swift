import GRDB
import HostModel

extension JobRecord {
    /// While the agent is asked, how far that is stands in the installation's own record.
    init(_ row: ConversionRow, in db: Database) throws {
        var row = row
        if row.state == .started, row.stage == .network {
            let installation = try JobRow.filter(Column("host") == row.host).fetchOne(db)
            if let step = installation?.step { row.mark(step.rawValue, .started) }
        }
        (id, kind, host, hostName) = (row.id, row.kind.rawValue, row.host, row.hostName)
        (description, started, ended) = (row.title, row.started, row.ended)
        (error, remedy, report) = (row.error ?? row.detail.abort?.outcome, row.remedy, row.detail.report)
        (user, correlation) = (row.user, row.correlation)
        status = Status(rawValue: row.state.rawValue) ?? .unknown
        steps = row.stepList.map { step in
            Step(
                name: step.name,
                description: step.title,
                status: Status(rawValue: step.status) ?? .unknown,
                percent: nil,
                activity: step.note,
                began: step.began,
                ended: step.ended
            )
        }
    }
}
