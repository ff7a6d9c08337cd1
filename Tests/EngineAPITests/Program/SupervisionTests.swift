import Foundation
import Glibc
import HostModel
import Logging
import Testing

@testable import muster_engine

@Suite struct RestartPolicyTests {
    @Test func pausesDoubleUpToTheLimitAndItNeverGivesUp() {
        var policy = RestartPolicy()
        let pauses = (0..<1000).map { _ in policy.fell(afterRunning: .seconds(1)) }
        #expect(pauses.prefix(3) == [.seconds(0.5), .seconds(1), .seconds(2)])
        #expect(pauses.last == RestartPolicy.pauseMax)
    }

    @Test func aHealthyRunForgetsTheFallsBefore() {
        var policy = RestartPolicy()
        for _ in 0..<5 { _ = policy.fell(afterRunning: .zero) }
        #expect(policy.fell(afterRunning: RestartPolicy.healthy) == RestartPolicy.pauseFirst)
    }
}

@Suite struct ChildProgramTests {
    @Test func startsWithNothingButWhatIsNamed() throws {
        var program = ChildProgram(
            name: "child",
            path: "/usr/bin/child",
            arguments: ["--a", "b; rm -rf /"],
            account: try Account("64700", setting: .user),
            groups: [64701],
            capabilities: [.bindService, .raw]
        )
        #expect(
            program.launch == [
                "--reuid=64700", "--regid=64700", "--groups=64701",
                "--inh-caps=-all,+net_bind_service,+net_raw", "--ambient-caps=-all,+net_bind_service,+net_raw",
                "--bounding-set=-all,+net_bind_service,+net_raw", "--no-new-privs", "--pdeathsig=TERM", "--",
                "/usr/bin/child", "--a", "b; rm -rf /",
            ]
        )
        program.niceness = 5
        #expect(
            program.launch.suffix(8)
                == [
                    "--pdeathsig=TERM", "--", "/usr/bin/nice", "-n", "5", "--", "/usr/bin/child", "--a", "b; rm -rf /",
                ].suffix(8)
        )
    }

    @Test func anAccountIsANameOrANumber() throws {
        #expect(try Account("0", setting: .user) == Account("root", setting: .user))
        #expect(try Account("4000000", setting: .user).group == 4_000_000)
        #expect(throws: StartFailure.self) { try Account("no-such-account", setting: .user) }
        #expect(throws: StartFailure.self) { try Account("4294967295", setting: .user) }
    }
}

/// Children as processes.
@Suite struct ChildServiceTests {
    private static func service(
        _ script: String,
        onLine: @escaping @Sendable (String) async -> Void = { _ in }
    ) throws -> ChildService {
        let program = ChildProgram(
            name: "child",
            path: "/bin/sh",
            arguments: ["-c", script],
            account: try Account("64700", setting: .user),
            capabilities: [],
            refusals: [64, 78]
        )
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return ChildService(name: "child", program: { program }, onLine: onLine, logger: logger)
    }

    @Test func aFirstStartThatCannotSucceedIsTheEnd() async throws {
        let ended = await #expect(throws: ChildEnded.self) { try await Self.service("exit 78").run() }
        #expect(ended?.status == 78)
    }

    @Test func everythingElseIsAFall() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "muster-child-\(UniqueID.random())").path
        try #require(mkdir(directory, 0o777) == 0 && chmod(directory, 0o777) == 0)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (lines, line) = AsyncStream.makeStream(of: String.self)
        let script = "echo up; [ -e \(directory)/second ] && exit 78; : > \(directory)/second; exit 1"
        let service = try Self.service(script) { line.yield($0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await service.run() }
            var starts = 0
            for await line in lines where line == "up" {
                starts += 1
                if starts == 3 { break }
            }
            #expect(starts == 3, "neither 1 nor a later 78 ends it")
            group.cancelAll()
        }
    }

    @Test func aDirectoryThatWasThereGetsItsModeToo() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "muster-place-\(UniqueID.random())").path
        let link = "\(directory).link"
        try #require(mkdir(directory, 0o755) == 0 && symlink(directory, link) == 0)
        defer { for path in [link, directory] { try? FileManager.default.removeItem(atPath: path) } }
        #expect(!InstalledPlaces.give(link, mode: 0o777, user: getuid(), group: getgid()), "no link is followed")
        #expect(InstalledPlaces.give(directory, mode: 0o750, user: getuid(), group: getgid()))
        let mode = try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int
        #expect(mode == 0o750)
    }
}

@Suite struct ReadyLineTests {
    private let fingerprint = Nonce.random()

    @Test(arguments: [(443, "engine.example.org"), (8443, "engine.example.org:8443")])
    func readsWhatItWrites(_ port: Int, _ engine: String) throws {
        let address = try #require(HostName("engine.example.org"))
        let line = ReadyLine(listen: "0.0.0.0", port: port, address: address, fingerprint: fingerprint)
        #expect(line.engine == engine)
        #expect(ReadyLine(line.description) == line)
        let program = ChildProgram(
            name: "b",
            path: "/b",
            arguments: ["--x"],
            account: try Account("1", setting: .bootUser),
            capabilities: []
        )
        #expect(
            program.telling(of: line).arguments == ["--x", "--engine=\(engine)", "--engine-fingerprint=\(fingerprint)"]
        )
    }

    @Test func readsNothingElse() {
        let good = "ready: https=0.0.0.0:443 engine=h fingerprint=\(fingerprint)"
        #expect(ReadyLine(good) != nil)
        for length in 0..<good.utf8.count { #expect(ReadyLine(String(good.prefix(length))) == nil) }
        for engine in ["-x", "a b", "a:b", "a:1:2", "", "a;b", "a:99999"] {
            #expect(ReadyLine("ready: https=0.0.0.0:443 engine=\(engine) fingerprint=\(fingerprint)") == nil)
        }
    }
}
