import Engine
import HostModel
import Testing

/// What a person types, right and wrong.
@Suite struct ApprovalTests {
    private static func enrolled() async throws -> (TestInstallation, HostEngine, Enrolment) {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        return (installation, engine, try await TestNode(name: "web").enrol(with: engine))
    }

    /// A code that is well formed and belongs to nobody.
    private static func wrongCode(not code: ApprovalCode) throws -> String {
        for seed in UInt8.min...UInt8.max {
            let other = try require(ApprovalCode(digest: [seed, 1, 2, 3, 4]))
            if other != code { return "\(other)" }
        }
        throw Missing()
    }

    @Test func theCodeCountsInAnyWriting() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        let typed = " \("\(enrolment.code)".lowercased().replacing("-", with: " ")) "
        try await engine.approve(enrolment.host, code: typed, by: "admin@internal", correlation: "flow-1")
        #expect(try await engine.host(enrolment.host).status == .installing)
        let event = try #require(try await engine.events(EventQuery()).first { $0.code == .approved })
        #expect(event.user == "admin@internal")
        #expect(event.correlation == "flow-1")
    }

    @Test func withoutACodeThereIsARemedy() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: nil, by: "admin@internal", correlation: nil)
        }
        #expect(refusal?.kind == .conflict)
        #expect(refusal?.remedy?.contains("muster host approve web --code CODE") == true)
    }

    @Test(arguments: ["nonsense", "K7QD-W3MA-0", "12", "\u{1B}[2J"])
    func aTypingErrorIsNotAWrongCode(_ typed: String) async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        for _ in 0..<10 {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.approve(enrolment.host, code: typed, by: "admin@internal", correlation: nil)
            }
            #expect(refusal?.kind == .invalid)
        }
        #expect(try await engine.codes() == [828], "nothing is counted, nothing recorded")
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
    }

    @Test func wrongCodesAreRecordedAndCloseTheClaim() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        let wrong = try Self.wrongCode(not: enrolment.code)
        for attempt in 1...5 {
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.approve(enrolment.host, code: wrong, by: "admin@internal", correlation: nil)
            }
            #expect(refusal?.kind == .conflict)
            #expect(refusal?.detail.contains("is not the code") == true)
            let state = try await engine.claimProgress(enrolment.claim).state
            #expect(state == (attempt < 5 ? .pending : .rejected))
        }
        #expect(try await engine.codes() == [828, 499, 499, 499, 499, 499, EventCode.claimClosed.rawValue])
        let tooLate = await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        }
        #expect(tooLate?.detail.contains("rejected") == true)
        #expect(try await engine.host(enrolment.host).status == .pendingApproval)
    }

    @Test func aWrongCodeIsRecordedAlsoWhenNothingWaits() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let wrong = try Self.wrongCode(not: enrolment.code)
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: wrong, by: "admin@internal", correlation: "flow-1")
        }
        #expect(refusal?.kind == .conflict)
        let event = try #require(try await engine.events(EventQuery(max: 1)).first)
        #expect(event.code == .approveFailed)
        #expect((event.user, event.correlation) == ("admin@internal", "flow-1"))
    }

    @Test("A32: a second approval is refused by a sentence and does nothing") func aSecondApprovalIsAConflict()
        async throws
    {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let again = await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        }
        #expect(again?.kind == .conflict)
        #expect(again?.detail.contains("approved already") == true)
        #expect(try await engine.codes() == [828, 498])
    }

    @Test("A32: eight approvals at once issue one certificate") func twoApprovalsAtOnceIssueOneCertificate()
        async throws
    {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        let successes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (try? await engine.approve(
                        enrolment.host,
                        code: "\(enrolment.code)",
                        by: "admin@internal",
                        correlation: nil
                    )) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(successes == 1)
        #expect(try await engine.codes() == [828, 498])
    }

    @Test("A8: the code of another machine approves nothing, and no code a host that is unknown")
    func theCodeOfAnotherHostIsWrong() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        let other = try await TestNode().enrol(with: engine)
        await #expect(throws: EngineError.self) {
            try await engine.approve(enrolment.host, code: "\(other.code)", by: "admin@internal", correlation: nil)
        }
        let unknown = await #expect(throws: EngineError.self) {
            try await engine.approve(.random(), code: "\(other.code)", by: "admin@internal", correlation: nil)
        }
        #expect(unknown?.kind == .notFound)
    }

    @Test func rejectingForgetsAMachineThatNeverWasAHost() async throws {
        let (installation, engine, enrolment) = try await Self.enrolled()
        defer { withExtendedLifetime(installation) {} }
        try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        #expect(try await engine.hosts(matching: .all).isEmpty)
        let gone = await #expect(throws: EngineError.self) {
            try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        }
        #expect(gone?.kind == .notFound)
    }

    @Test func rejectingAClaimKeepsTheHost() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode()
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let rival = try await TestNode(node.hardwareID.rawValue).enrol(with: engine, from: "192.0.2.66")
        try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        #expect(try await engine.claimProgress(rival.claim).state == .rejected)
        #expect(try await engine.host(enrolment.host).status == .installing)
        let nothing = await #expect(throws: EngineError.self) {
            try await engine.reject(enrolment.host, by: "admin@internal", correlation: nil)
        }
        #expect(nothing?.kind == .conflict)
    }
}
