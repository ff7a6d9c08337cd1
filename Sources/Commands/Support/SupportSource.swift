import EngineClient
import Foundation
import HostModel
import NIOCore
import Subprocess
import SystemPackage

/// One file of a support bundle, and where it comes from.
struct SupportSource: Sendable {
    enum Form: Sendable {
        case json
        case text
    }

    /// In the bundle.
    var path: String
    /// For people who ask what will be in it.
    var what: String
    var form: Form
    var read: @Sendable (EngineSession) async throws -> Data

    /// Lines of a host's logs, and of the journal.
    static let lines = 500
    /// The newest lines of the journal, and the bytes that are taken of them.
    static let journalLines = 5000
    static let journalBytesMax = 4 << 20

    private static func api(_ path: String, _ file: String, _ what: String) -> SupportSource {
        SupportSource(path: file, what: what, form: .json) { Data(try await $0.document(path).readableBytesView) }
    }

    /// What every bundle has. Neither kickstart settings (hashes of passwords), nor boot profiles' arguments, nor transcripts of
    /// conversions (what programs on servers said) are asked for.
    static func ofEngine(events: Int) -> [SupportSource] {
        [
            api(
                "diagnostics",
                "engine/diagnostics.json",
                "version, settings, schema, rows of each table, chains of events"
            ),
            SupportSource(path: "engine/log.txt", what: "the newest lines of the engine's own log", form: .text) {
                Data(try await $0.document("diagnostics/log").readableBytesView)
            },
            SupportSource(path: "engine/metrics.txt", what: "figures, as Prometheus reads them", form: .text) {
                Data(try await $0.metrics().readableBytesView)
            },
            api("", "engine/api.json", "version and summary of the API"),
            api("events?max=\(events)", "events.json", "the newest events, those of boot servers among them"),
            api("jobs?max=500", "jobs.json", "the newest jobs with their steps"),
            api("hosts", "hosts.json", "hosts, their states, hardware and claims"),
            api("clusters", "clusters.json", "clusters"),
            api("datacenters", "datacenters.json", "data centers"),
            api("networks", "networks.json", "networks"),
            api("nodeimages", "images.json", "published images"),
            api("rejections", "rejections.json", "machines that a person turned away"),
        ]
    }

    /// What a host says when it is asked now, of those that were named.
    static func ofHost(_ host: HostResource) -> [SupportSource] {
        let (folder, id) = ("hosts/\(fileName(host.name))", percent(host.id))
        return [
            api(
                "hosts/\(id)/capabilities",
                "\(folder)/capabilities.json",
                "what the agent of \(host.name) reported last"
            ),
            api("hosts/\(id)/networkattachments", "\(folder)/networks.json", "the networks of \(host.name)"),
            api(
                "hosts/\(id)/logs?lines=\(lines)",
                "\(folder)/logs.json",
                "the ends of the logs of \(host.name), asked of it now"
            ),
        ]
    }

    /// systemd's journal of a unit on this machine.
    static func journal(of unit: String) -> SupportSource {
        SupportSource(path: "engine/journal.txt", what: "the journal of \(unit) on this machine", form: .text) { _ in
            let result = try await Subprocess.run(
                .name("journalctl"),
                arguments: ["--unit", unit, "--no-pager", "--output", "short-iso", "--lines", "\(journalLines)"],
                output: .string(limit: journalBytesMax),
                error: .string(limit: 4096)
            )
            guard result.terminationStatus.isSuccess else {
                throw UserError(
                    .unavailable,
                    "journalctl failed: \(terminalEscaped(result.standardError.prefix(200)))",
                    remedy: "run this on the engine's machine, as root"
                )
            }
            return Data(result.standardOutput.utf8)
        }
    }

    /// A host's name, whatever it is, as one harmless component of a path.
    static func fileName(_ name: String) -> String {
        let kept = name.lowercased().map {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") ? $0 : "_"
        }
        let text = String(kept.prefix(100))
        return text.isEmpty || text.hasPrefix(".") ? "host\(text)" : text
    }

    private static func percent(_ id: String) -> String {
        id.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["-"])) ?? ""
    }
}
