import FoundationEssentials
import Glibc
import HostConversion
import SystemPackage
import Testing

@testable import HostModel

/// What a conversion costs over the package manager's own time, and what many at once cost over one. `make bench-convert`
/// prints the table and writes .build/bench/convert.json.
@Suite(.serialized, .enabled(if: getenv("MUSTER_BENCH_CONVERT") != nil)) struct ConversionBenchmark {
    struct Row: Encodable {
        var `case`: String
        var unit = "s"
        var ours: Double
        var peer: Double
        var peerName: String
        var ratio: Double
        var goal: Double
    }

    static let rounds = 3
    /// Seconds that the issue allows over the package manager.
    static let overheadGoal = 15.0
    /// Servers at once, and how often as long as one they may take.
    static let servers = 20
    static let parallelGoal = 2.0

    @Test(.timeLimit(.minutes(30))) func bench() async throws {
        var rows = [try await overhead(), try await parallel()]
        rows[0].ratio = rows[0].peer / max(rows[0].ours, 0.001)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let folder = Project.root.appending(".build/bench").string
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try encoder.encode(rows).write(to: URL(filePath: folder + "/convert.json"))
        for row in rows {
            print(
                "bench: \(row.case): \(rounded(row.ours)) s, \(row.peerName) \(rounded(row.peer)) s, ratio \(rounded(row.ratio))"
            )
        }
    }

    /// In turn on fresh servers: apt-get alone, and the whole conversion with the same packages.
    private func overhead() async throws -> Row {
        var alone: [Double] = []
        var whole: [Double] = []
        for _ in 0..<Self.rounds {
            let plain = try await ConversionBed()
            alone.append(
                try await seconds {
                    try await plain.server.shell(
                        """
                        export DEBIAN_FRONTEND=noninteractive
                        echo 'deb [trusted=yes] \(TestRepository.url) ./' > /etc/apt/sources.list
                        apt-get update && apt-get -y --no-install-recommends install \(TestRepository.packages.joined(separator: " "))
                        """
                    )
                }
            )
            let bed = try await ConversionBed()
            whole.append(try await seconds { try await bed.conversion(EventList()).run() })
        }
        let over = whole.sorted()[Self.rounds / 2] - alone.sorted()[Self.rounds / 2]
        return Row(
            case: "overhead of a conversion over apt-get alone",
            ours: over,
            peer: Self.overheadGoal,
            peerName: "target",
            ratio: 0,
            goal: 1
        )
    }

    /// Steps that wait on the server, as a package manager waits for its mirror: this machine's two cores are all servers'.
    private func parallel() async throws -> Row {
        let bed = try await ConversionBed()
        let steps = [ConversionStep.ID.tuning, .firewall, .kdump].map { id in
            let file = "/run/muster-bench-\(id.rawValue)"
            return ConversionStep(
                id: id,
                event: "waits",
                limit: 120,
                check: "[ -e \(file) ]",
                action: "sleep 10; : > \(file)",
                undo: ":",
                remedy: "none"
            )
        }
        let plan = ConversionPlan(steps: steps)
        let one = try await seconds { try await run(plan, on: bed.server, bed) }
        var servers: [TestServer] = []
        for _ in 0..<Self.servers { servers.append(try await TestServer.boot(size: 64 << 20)) }
        let all = servers
        let many = try await seconds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for server in all { group.addTask { try await run(plan, on: server, bed) } }
                try await group.waitForAll()
            }
        }
        return Row(
            case: "\(Self.servers) servers at once, each of which waits",
            ours: many,
            peer: one * Self.parallelGoal,
            peerName: "twice one server",
            ratio: one * Self.parallelGoal / many,
            goal: 1
        )
    }

    private func run(_ plan: ConversionPlan, on server: TestServer, _ bed: ConversionBed) async throws {
        let target = try server.target()
        try await Conversion(plan, agentFile: bed.agent, authority: bed.authority, record: EventList()) {
            () async throws(ConversionError) in try await SSHConnection.open(target)
        }.run()
    }

    private func seconds(_ body: () async throws -> Void) async throws -> Double {
        let time = try await ContinuousClock().measure { try await body() }
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
