import GRDB
import HostModel

/// Something that is being done with a host's power, as it stands in the database.
struct PowerJobRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "powerJob"

    var id: UniqueID
    var host: UniqueID
    var kind: PowerCourse.Kind
    var state: PowerCourse.State
    var step: PowerCourse.Step
    var since: Int64
    var attempts: Int
    var bootsFromNetwork: Bool
    var told: String?
    var started: Int64
    var ended: Int64?
    var error: String?
    var remedy: String?
    var user: String?
    var correlation: String?

    static func running(of host: UniqueID, in db: Database) throws -> PowerJobRow? {
        try filter(Column("host") == host && Column("state") == PowerCourse.State.started).fetchOne(db)
    }

    var course: PowerCourse { PowerCourse(kind, step: step, since: since, attempts: attempts, told: told) }

    mutating func take(_ course: PowerCourse) {
        (step, since, attempts, told) = (course.step, course.since, course.attempts, course.told)
    }
}

extension PowerCourse.Kind: DatabaseValueConvertible {}
extension PowerCourse.State: DatabaseValueConvertible {}
extension PowerCourse.Step: DatabaseValueConvertible {}

extension JobRecord {
    init(_ row: PowerJobRow, of host: HostRow) {
        (id, kind, self.host, hostName) = (row.id, "power_\(row.kind.rawValue)", row.host, host.name)
        description = row.kind.title
        status = Status(rawValue: row.state.rawValue) ?? .unknown
        (started, ended, error, remedy) = (row.started, row.ended, row.error, row.remedy)
        (user, correlation) = (row.user, row.correlation)
        let (order, current) = (row.kind.steps, status)
        let position = order.firstIndex(of: row.step) ?? 0
        steps = order.enumerated().map { index, step in
            Step(
                name: step.rawValue,
                description: step.title,
                status: index < position ? .finished : index == position ? current : .unknown
            )
        }
        if status == .finished { for index in steps.indices { steps[index].status = .finished } }
    }
}
