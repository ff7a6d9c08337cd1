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

    /// Fetches a file until it is whole, each time from where it ended; prints how often it began, and a checksum.
    private static let resuming = """
        n=0; until curl -sf -m 60 --limit-rate 20M -C - -o "$1" "$2"; do n=$((n+1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done
        echo "$n"; sha256sum <"$1"
        """

    @Test(
        "D30: killed in the middle of a storm it is back at once, leases are kept, and a download goes on where it was"
    )
    func comesBack() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withEngine(in: directory, log: log) { data in
                let image = "\(data)/images/try/0123456789ab"
                try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
                let make = "head -c 100000000 /dev/urandom >$1/root.squashfs; sha256sum <$1/root.squashfs"
                let sum = try await network.runServer("sh", "-c", make, "sh", image)
                let client = DHCPClient(network: network, directory: directory)
                let known = try #require(try await client.lease()["ip"])
                try await BootNetwork.ip("-n", network.client, "address", "add", "\(known)/24", "dev", "eth0")
                let before = try #require(try await network.processes(of: "muster-boot").first)
                async let storm = Self.storm(in: network)
                let url = "http://10.77.0.1/images/try/0123456789ab/root.squashfs"
                let copy = "\(directory.path)/copy"
                async let fetched = network.runClient("sh", "-c", Self.resuming, "sh", copy, url)
                let half = "until [ $(stat -c %s \(copy) 2>/dev/null || echo 0) -gt 20000000 ]; do sleep 0.05; done"
                _ = try await network.runServer("sh", "-c", half)
                let killed = ContinuousClock.now
                kill(before, SIGKILL)
                #expect(await log.waits(for: "muster-boot fell"))
                let again = "until curl -sf -m 5 -o /dev/null http://10.77.0.1/boot/ipxe; do sleep 0.02; done"
                _ = try await network.runClient("sh", "-c", again)
                print("storm: served again \(ContinuousClock.now - killed) after kill -9")
                let download = try await fetched
                let words = download.output.split(separator: "\n")
                #expect(download.isSuccess && words.count == 2, "\(download.output)")
                #expect(Int(words.first ?? "") ?? 0 > 0, "it was cut off at least once")
                #expect(words.last.map { $0 + "\n" } == Substring(sum.output))
                _ = try await storm
                #expect(try await client.lease()["ip"] == known)
            }
        }
    }
}
