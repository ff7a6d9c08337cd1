import HostConversion
import HostModel
import Testing

@testable import Engine

/// What the engine sees of a server for whoever asks before a conversion. Takes root.
@Suite(.serialized) struct ServerLookTests {
    private func refusal(_ engine: HostEngine, _ order: ServerOrder) async throws -> EngineError {
        do throws(EngineError) { _ = try await engine.look(at: order) } catch { return error }
        Issue.record("it was looked at")
        throw CancellationError()
    }

    @Test("first the host key, and no password before it is confirmed; then the report; nothing is stored or changed")
    func looks() async throws {
        let bed = try await EngineBed()
        let before = try await bed.server.state()
        let keys = try await bed.server.shell("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        try await bed.running { engine in
            var order = try bed.order()
            // One that would be noticed, if it were sent.
            order.credentials = .password("wrong")
            let first = try await engine.look(at: order)
            let key = try #require(first.key)
            #expect(first.report == nil && first.jumpKey == nil && keys.contains(key.fingerprint.rawValue))
            let tries = "journalctl -u ssh --no-pager | grep -c 'Failed password' || true"
            #expect(try await bed.server.shell(tries) == "0\n")
            order.access.fingerprint = HostKeyFingerprint(rawValue: String(repeating: "A", count: 43))
            #expect(try await refusal(engine, order).detail.contains(key.fingerprint.rawValue))
            #expect(try await bed.server.shell(tries) == "0\n")
            order.access.fingerprint = key.fingerprint
            let wrong = try await refusal(engine, order)
            #expect(wrong.kind == .conflict && wrong.detail.contains("did not accept the password"), "\(wrong)")
            order.credentials = .password(TestServer.password)
            let seen = try await engine.look(at: order)
            let report = try #require(seen.report)
            #expect(!report.findings.isEmpty && !report.isBlocked, "\(report.table)")
            #expect(try await engine.hosts(matching: HostFilter()).isEmpty)
        }
        let difference = ConversionTests.difference(before, try await bed.server.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    @Test("a host in front of it is confirmed before anything goes through it")
    func looksThroughJumpHost() async throws {
        let bed = try await EngineBed()
        try await bed.running { engine in
            var order = try bed.order()
            // The server stands for both: from itself it is at port 22.
            order.access.jump = ServerAccess.Jump(address: "127.0.0.1", port: bed.server.port)
            order.access.port = 22
            let first = try await engine.look(at: order)
            let key = try #require(first.jumpKey)
            #expect(first.key == nil && first.report == nil)
            order.access.jump?.fingerprint = key.fingerprint
            let second = try await engine.look(at: order)
            #expect(second.key == key && second.report == nil)
            order.access.fingerprint = key.fingerprint
            #expect(try await engine.look(at: order).report?.isBlocked == false)
        }
    }
}
