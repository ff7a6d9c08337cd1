import GRDB
import HostModel
import Testing

@testable import Engine

/// What machines leave behind has an end, whoever they are.
@Suite struct FloodTests {
    private let clock = TestClock()

    private func installation(_ change: (inout EnrolmentLimits) -> Void = { _ in }) async throws -> TestInstallation {
        let clock = clock
        return try await TestInstallation { settings in
            settings.clock = clock.wall
            change(&settings.enrolment)
        }
    }

    private func count(_ sql: String, in engine: HostEngine) async throws -> Int {
        try await engine.store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(sql)") ?? -1 }
    }

    @Test func oneKeyThatClaimsToBeManyMachinesIsOne() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        var node = try TestNode()
        for number in 0..<20 {
            (node.nonce, node.hardwareID) = (.random(), try require(HardwareID("machine-\(number)")))
            _ = try await node.enrol(with: engine)
        }
        #expect(try await engine.hosts(matching: .all).map(\.hardwareID) == [HardwareID("machine-19")])
        #expect(try await count("claim", in: engine) == 1)
    }

    @Test("A1: a source has its share of waiting hosts") func aSourceHasItsShareOfWaitingHosts() async throws {
        let installation = try await installation { $0.waitingHostsPerSourceMax = 2 }
        let engine = try await installation.open()
        for _ in 0..<2 { _ = try await TestNode().enrol(with: engine, from: "192.0.2.1") }
        let refusal = await #expect(throws: EngineError.self) {
            try await TestNode().enrol(with: engine, from: "192.0.2.1")
        }
        #expect(refusal?.kind == .tooMany)
        _ = try await TestNode().enrol(with: engine, from: "192.0.2.2")
        // A day later nothing speaks for the first two any more.
        clock.advance(seconds: 24 * 3600 + 1)
        _ = try await TestNode().enrol(with: engine, from: "192.0.2.1")
        #expect(try await engine.hosts(matching: .all).count == 3)
    }

    @Test("A1: the oldest of the biggest flooder gives way, and a legitimate machine stays")
    func theOldestOfTheBiggestFlooderGivesWay() async throws {
        let installation = try await installation { $0.waitingHostsMax = 4 }
        let engine = try await installation.open()
        let genuine = try await TestNode(name: "genuine").enrol(with: engine, from: "192.0.2.1")
        for number in 0..<9 {
            clock.advance(seconds: 1)
            _ = try await TestNode(name: "flood-\(number)").enrol(with: engine, from: "192.0.2.66")
        }
        let names = try await engine.hosts(matching: .all).map(\.name.rawValue)
        #expect(names == ["flood-6", "flood-7", "flood-8", "genuine"])
        #expect(try await engine.claimProgress(genuine.claim).state == .pending)
    }

    @Test func claimsOnAKnownHostAreFew() async throws {
        let installation = try await installation { $0.openClaimsPerHostMax = 3 }
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let reborn = try await TestNode(node.hardwareID.rawValue).enrol(with: engine, from: "192.0.2.1")
        for _ in 0..<30 {
            clock.advance(seconds: 1)
            _ = try await TestNode(node.hardwareID.rawValue).enrol(with: engine, from: "192.0.2.66")
        }
        let open = try await engine.host(enrolment.host).claims
        #expect(open.count == 3)
        #expect(open.contains { $0.id == reborn.claim }, "the flooder's own gave way")
        #expect(try await count("claim WHERE closed IS NOT NULL AND certificate IS NULL", in: engine) == 8)
        #expect(try await count("claim WHERE closed IS NOT NULL AND facts <> '{}'", in: engine) == 0)
        #expect(try await engine.claimProgress(enrolment.claim).certificate != nil, "what was approved stays")
        try await engine.approve(reborn.host, code: "\(reborn.code)", by: "admin@internal", correlation: nil)
    }

    @Test func spentNoncesAreForgottenButNotThoseOfALivingKey() async throws {
        let installation = try await installation()
        let engine = try await installation.open()
        let (node, stranger) = (try TestNode(), try TestNode())
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        _ = try await engine.receiveClaim(try stranger.request(), from: "192.0.2.66")
        #expect(try await count("spentNonce", in: engine) == 2)
        clock.advance(seconds: 365 * 24 * 3600)
        try await engine.forgetWhatIsOver()
        #expect(try await count("spentNonce", in: engine) == 1)
        let replayed = await #expect(throws: EngineError.self) {
            try await engine.receiveClaim(try node.request(), from: "192.0.2.66")
        }
        #expect(replayed?.kind == .conflict, "a year later")
        #expect(try await engine.host(enrolment.host).claims.isEmpty)
    }

    @Test func whatOnlyRegisteredIsForgotten() async throws {
        let installation = try await installation { $0.waitingHostsMax = 3 }
        let engine = try await installation.open()
        for number in 0..<5 {
            let id = "old-\(number)"
            clock.advance(seconds: 1)
            try await engine.register(
                LegacyRegistration(uniqueID: id, name: id, address: "192.0.2.1", source: "192.0.2.1")
            )
        }
        #expect(try await engine.hosts(matching: .all).map(\.name.rawValue) == ["old-2", "old-3", "old-4"])
        clock.advance(seconds: 4 * 24 * 3600)
        try await engine.register(
            LegacyRegistration(uniqueID: "old-3", name: "old-3", address: "192.0.2.1", source: "192.0.2.1")
        )
        clock.advance(seconds: 4 * 24 * 3600)
        try await engine.forgetWhatIsOver()
        #expect(try await engine.hosts(matching: .all).map(\.name.rawValue) == ["old-3"], "it was heard since")
    }

    @Test func oneFlooderOfTheOldProtocolHoldsUpNobodyElse() async throws {
        let installation = try await installation { $0.claimsPerMinutePerSource = 2 }
        let engine = try await installation.open()
        func register(_ id: String, from source: String) async throws {
            try await engine.register(LegacyRegistration(uniqueID: id, name: id, address: "192.0.2.1", source: source))
        }
        for id in ["a", "b"] { try await register(id, from: "192.0.2.66") }
        await #expect(throws: EngineError.self) { try await register("c", from: "192.0.2.66") }
        try await register("d", from: "192.0.2.1")
    }
}
