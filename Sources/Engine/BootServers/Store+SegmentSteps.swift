import GRDB
import HostModel

extension Store {
    /// Records the steps that this boot server had not handed over before, and says how many it could not keep.
    func record(_ reports: [BootStepReport], ofBootServer id: UniqueID, at now: Int64) async throws(EngineError) {
        try await write { db in
            guard let server = try BootServerRow.fetchOne(db, key: id) else {
                throw EngineError(.forbidden, "This boot server was removed.")
            }
            var (last, series) = (server.lastEvent, server.lastSeries)
            var fresh: [BootStepReport] = []
            for report in reports {
                // One without a number cannot be told from another one.
                guard let number = report.step.number else {
                    fresh.append(report)
                    continue
                }
                // After a start the numbers go on; where they do not, what was kept is lost, and these steps are new.
                guard number > last || report.step.series != series else { continue }
                if number > last + 1 {
                    let text =
                        "The boot server \(server.name) could not keep \(number - last - 1) steps of machines for the engine."
                    try record(Occurrence(.bootStepsLost, .warning, text), at: now, in: db)
                }
                (last, series) = (number, report.step.series)
                fresh.append(report)
            }
            try record(fresh, by: server.name, at: now, in: db)
            guard last != server.lastEvent || series != server.lastSeries else { return }
            try db.execute(
                literal: "UPDATE bootServer SET lastEvent = \(last), lastSeries = \(series) WHERE id = \(id)"
            )
        }
    }
}
