import Foundation
import GRDB
import HostModel
import SwiftASN1
import X509

extension HostEngine {
    /// What the engine knows of itself and its hosts. No name of a host or a person is in it.
    package func metrics() async throws(EngineError) -> PrometheusText {
        var text = PrometheusText()
        let figures = try await store.read { try Self.figures(in: $0) }
        text.begin("muster_hosts", .gauge, "Hosts by status, as lists show it.")
        let counts = try await hostCounts()
        for status in HostStatus.allCases {
            text.add("muster_hosts", [("status", status.rawValue)], Double(counts[status] ?? 0))
        }
        text.add("muster_claims_open", .gauge, "Claims that wait for a person.", Double(figures.claims))
        text.begin("muster_jobs_running", .gauge, "Jobs under way, by kind.")
        for (kind, count) in figures.jobs.sorted(by: { $0.key < $1.key }) {
            text.add("muster_jobs_running", [("kind", kind)], Double(count))
        }
        text.add(
            "muster_events_recorded_total",
            .counter,
            "The index of the newest event.",
            Double(store.feed.newest)
        )
        addCalls(to: &text)
        addBootServers(to: &text)
        addInstallation(to: &text)
        addProcess(to: &text)
        return text
    }

    private struct Figures: Sendable {
        var claims = 0
        var jobs: [String: Int] = [:]
    }

    private static func figures(in db: Database) throws -> Figures {
        var figures = Figures()
        figures.claims = try Int.fetchOne(db, sql: "SELECT count(*) FROM claim WHERE state = 'pending'") ?? 0
        figures.jobs["install"] = try JobRow.fetchCount(db)
        for kind in ["install_disk", "upgrade", "rollback", "reboot", "convert", "reinstall", "uninstall"] {
            figures.jobs[kind] = 0
        }
        for table in [ImageJobRow.databaseTableName, ConversionRow.databaseTableName] {
            let sql = "SELECT kind, count(*) FROM \(table) WHERE state = 'started' GROUP BY kind"
            for row in try Row.fetchAll(db, sql: sql) { figures.jobs[row[0], default: 0] += row[1] as Int }
        }
        return figures
    }

    private func addCalls(to text: inout PrometheusText) {
        let calls = agentTally.now
        text.begin("muster_agent_calls_total", .counter, "Calls to agents that are watched, by how they ended.")
        text.add("muster_agent_calls_total", [("outcome", "answered")], Double(calls.answered))
        text.add("muster_agent_calls_total", [("outcome", "refused")], Double(calls.refused))
        text.add("muster_agent_calls_total", [("outcome", "failed")], Double(calls.failed))
    }

    private func addInstallation(to text: inout PrometheusText) {
        let size = try? FileManager.default.attributesOfItem(atPath: settings.databasePath)[.size] as? NSNumber
        text.add("muster_database_bytes", .gauge, "Size of the database, without its journal.", size?.doubleValue ?? 0)
        text.begin("muster_certificate_expiry_timestamp_seconds", .gauge, "When certificates of the engine end.")
        let ends: [(name: String, end: Date?)] = [
            ("authority", (try? Certificate(pemEncoded: authorityPEM))?.notValidAfter),
            ("engine", (try? Certificate(pemEncoded: engineCertificatePEM))?.notValidAfter),
            ("web", webCertificate?.end),
        ]
        for (name, end) in ends {
            guard let end = end?.timeIntervalSince1970.rounded() else { continue }
            text.add("muster_certificate_expiry_timestamp_seconds", [("certificate", name)], end)
        }
    }

    private func addProcess(to text: inout PrometheusText) {
        let process = ProcessFigures.read()
        text.add(
            "process_cpu_seconds_total",
            .counter,
            "Processor time of the engine.",
            process.cpuSeconds
        )
        text.add("process_resident_memory_bytes", .gauge, "Memory of the engine.", process.residentBytes)
        text.add("process_open_fds", .gauge, "Open files and sockets.", Double(process.openFiles))
        text.add("process_start_time_seconds", .gauge, "When the engine started.", process.startSeconds)
    }
}
