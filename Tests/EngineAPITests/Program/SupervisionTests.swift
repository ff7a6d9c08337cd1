import HostModel
import Testing

@testable import muster_engine

@Suite struct RestartPolicyTests {
    @Test func pausesDoubleUpToTheLimitAndThenItGivesUp() {
        var policy = RestartPolicy()
        let pauses = (1..<RestartPolicy.fallsMax).map { _ in policy.fell(afterRunning: .seconds(1)) }
        #expect(
            pauses.prefix(3) == [
                .restart(after: .seconds(0.5)), .restart(after: .seconds(1)), .restart(after: .seconds(2)),
            ]
        )
        #expect(pauses.last == .restart(after: RestartPolicy.pauseMax))
        #expect(policy.fell(afterRunning: .seconds(1)) == .giveUp)
    }

    @Test func aHealthyRunForgetsTheFallsBefore() {
        var policy = RestartPolicy()
        for _ in 0..<5 { _ = policy.fell(afterRunning: .zero) }
        #expect(policy.fell(afterRunning: RestartPolicy.healthy) == .restart(after: RestartPolicy.pauseFirst))
    }
}

@Suite struct ChildProgramTests {
    @Test func startsWithNothingButWhatIsNamed() throws {
        let program = ChildProgram(
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
    }

    @Test func anAccountIsANameOrANumber() throws {
        #expect(try Account("0", setting: .user) == Account("root", setting: .user))
        #expect(try Account("4000000", setting: .user).group == 4_000_000)
        #expect(throws: StartFailure.self) { try Account("no-such-account", setting: .user) }
        #expect(throws: StartFailure.self) { try Account("4294967295", setting: .user) }
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
