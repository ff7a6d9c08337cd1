import Foundation
import Glibc
import HostModel
import Subprocess
import Testing

@testable import BootServer

/// Ten thousand messages a second of machines that nobody has (boot.md 7). A few seconds; `make test-boot-storm` has a minute.
@Suite(.serialized, .timeLimit(.minutes(10))) struct StormTests {
    private static let rate = 10_000
    private static let seconds = ProcessInfo.processInfo.environment["MUSTER_TEST_STORM"].flatMap { Int($0) } ?? 3
    /// What the server may grow by: its queues and tables are full then. Debug builds hold more than others.
    private static let growthMax = 96 << 20

    private static func storm(in network: BootNetwork) async throws -> String {
        let script = BootNetwork.checkout + "/Tests/BootServerTests/Clients/storm.py"
        let result = try await network.runClient("python3", script, "eth0", "\(rate)", "\(seconds)")
        #expect(result.isSuccess, "\(result.output)")
        return result.output
    }

    /// The most memory that a process ever had, in bytes.
    private static func peak(of pid: pid_t) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber))) << 10
    }

    @Test("D37: in a storm memory is bounded, and a machine that is known gets its address as ever")
    func servesKnownMachines() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withServer(in: directory, log: log) { network in
                let client = DHCPClient(network: network, directory: directory)
                let known = try await client.lease()["ip"]
                let pid = try #require(try await network.processes(of: "muster-boot").first)
                let before = try Self.peak(of: pid)
                async let storm = Self.storm(in: network)
                for _ in 0..<Self.seconds {
                    let again = try await client.lease()
                    #expect(again["ip"] == known && known != nil)
                }
                let sent = try await storm
                let growth = try Self.peak(of: pid) - before
                print("storm: \(sent.trimmingCharacters(in: .newlines)), \(growth >> 20) MiB more at the peak")
                #expect(growth < Self.growthMax, "\(growth) bytes")
                #expect(try await client.lease()["ip"] == known)
                return SIGTERM
            }
        }
        let warnings = log.text.split(separator: "\n").count { $0.contains("warning") }
        #expect(warnings < 1000, "nobody writes a log full")
    }
}
