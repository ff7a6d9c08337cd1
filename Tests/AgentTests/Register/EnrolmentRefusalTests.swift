import Agent
import Crypto
import EngineClient
import HostModel
import Testing

/// Everything that an engine, or somebody who plays one, can answer wrongly.
@Suite struct EnrolmentRefusalTests {
    typealias Play = EnrolmentTests.Play

    enum Flaw: String, CaseIterable {
        case otherKey
        case otherAuthority
        case sameNameOtherAuthority
        case otherHost
        case engineRole
        case noRole
        case twoRoles
        case expired
        case notYetValid
        case garbage
        case empty
    }

    @Test("a certificate that is not exactly ours is never stored", arguments: Flaw.allCases)
    func certificate(flaw: Flaw) throws {
        var play = try Play()
        try play.becomePending()
        let ours = play.key.publicKey
        let name = "muster:host/\(play.host)"
        let certificate =
            switch flaw {
            case .otherKey: try play.authority.issue(for: P256.Signing.PrivateKey().publicKey, names: [name])
            case .otherAuthority: try TestAuthority(name: "Other").issue(for: ours, names: [name])
            case .sameNameOtherAuthority: try TestAuthority().issue(for: ours, names: [name])
            case .otherHost: try play.authority.issue(for: ours, names: ["muster:host/\(UniqueID.random())"])
            case .engineRole: try play.authority.issue(for: ours, names: ["muster:engine"])
            case .noRole: try play.authority.issue(for: ours, names: [])
            case .twoRoles: try play.authority.issue(for: ours, names: [name, "muster:engine"])
            case .expired: try play.authority.issue(for: ours, names: [name], from: -9, to: -1)
            case .notYetValid: try play.authority.issue(for: ours, names: [name], from: 1)
            case .garbage: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            case .empty: ""
            }
        let actions = play.send(try play.progress(.approved, certificate: certificate))
        #expect(actions == [.wait(milliseconds: 5000)])
        guard case .badCertificate = play.enrolment.status.failure else {
            Issue.record("expected a refused certificate, got \(String(describing: play.enrolment.status.failure))")
            return
        }
        #expect(play.send(.wake) != [.poll(play.claim)], "the claim is lost; the next call is a new claim")
    }

    @Test func approvalWithoutACertificate() throws {
        var play = try Play()
        try play.becomePending()
        #expect(play.send(try play.progress(.approved)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.failure == .protocolViolation)
        #expect(play.send(.wake) == [.poll(play.claim)])
    }

    @Test("a CA that may not sign, or none at all", arguments: ["leaf", "garbage", "two", "empty"])
    func authority(kind: String) throws {
        var play = try Play()
        _ = play.send(.wake)
        let pem =
            switch kind {
            case "leaf": try TestAuthority(mayGive: false).pem
            case "two": String(repeating: try play.authority.pem, count: 2)
            case "garbage": "no certificate"
            default: ""
            }
        #expect(play.send(try play.reply(authority: pem)) == [.wait(milliseconds: 5000)])
        guard case .badAuthority = play.enrolment.status.failure else {
            Issue.record("expected a refused CA")
            return
        }
    }

    @Test("another server certificate in the middle of a claim drops the claim")
    func peerChanged() throws {
        var play = try Play()
        try play.becomePending()
        #expect(play.send(.failed(.peerChanged)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.code == nil, "the old code must not be approved")
        guard case .claim = play.send(.wake).first else {
            Issue.record("expected a new claim")
            return
        }
    }

    @Test("a CA that differs from the one before is said, and the new code covers it")
    func authorityChanged() throws {
        var play = try Play()
        try play.becomePending()
        #expect(play.enrolment.status.warning == nil)
        _ = play.send(try play.progress(.expired))
        _ = play.send(.wake)
        _ = play.send(try play.reply(authority: try TestAuthority().pem, nonce: .random()))
        #expect(play.enrolment.status.warning == .authorityChanged)
    }

    @Test(arguments: [(ClaimProgress.State.rejected, 300_000), (.expired, 5000)])
    func newClaimAfterAWait(state: ClaimProgress.State, milliseconds: Int) throws {
        var play = try Play()
        try play.becomePending()
        #expect(play.send(try play.progress(state)) == [.wait(milliseconds: milliseconds)])
        #expect(play.enrolment.status.code == nil)
        guard case .claim = play.send(.wake).first else {
            Issue.record("expected a new claim")
            return
        }
    }

    @Test("a lost opening is found out and repeated")
    func lostOpening() throws {
        var play = try Play()
        _ = play.send(.wake)
        _ = play.send(try play.reply())
        let lost = CallFailure.transport(reason: "the line is dead", remedy: nil)
        #expect(play.send(.failed(lost)) == [.wait(milliseconds: 5000)])
        #expect(play.send(.wake) == [.poll(play.claim)])
        #expect(play.send(try play.progress(.committed)) == [.open(play.claim, play.nodeNonce)])
        #expect(play.send(try play.progress(.pending)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.failure == nil)
    }

    @Test("F7: back-off doubles from 5 to 60 seconds and honours Retry-After up to that")
    func backOff() throws {
        var play = try Play()
        let failure = CallFailure.transport(reason: "down", remedy: nil)
        var waits: [Enrolment.Action] = []
        for _ in 0..<7 {
            _ = play.send(.wake)
            waits += play.send(.failed(failure))
        }
        #expect(waits == [5, 10, 20, 40, 60, 60, 60].map { .wait(milliseconds: $0 * 1000) })
        var other = try Play()
        _ = other.send(.wake)
        #expect(other.send(.failed(failure, after: 30)) == [.wait(milliseconds: 30_000)])
        _ = other.send(.wake)
        #expect(other.send(.failed(failure, after: 86_400)) == [.wait(milliseconds: 60_000)])
    }

    @Test("a short outage keeps the claim and its code", arguments: [500, 502, 429])
    func keepsTheCode(status: Int) throws {
        var play = try Play()
        try play.becomePending()
        let code = play.enrolment.status.code
        let fault = FaultResource(reason: "Busy", detail: "\u{1b}[31mbusy")
        #expect(play.send(.failed(.refused(status: status, fault))) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.code == code && code != nil)
        #expect(play.enrolment.status.failure?.description.contains("\u{1b}") == false)
        #expect(play.send(.wake) == [.poll(play.claim)])
    }

    @Test("a claim that the engine no longer knows is made anew", arguments: [404, 409, 400])
    func forgotten(status: Int) throws {
        var play = try Play()
        try play.becomePending()
        _ = play.send(.failed(.refused(status: status, FaultResource(reason: "Gone", detail: "gone"))))
        #expect(play.enrolment.status.code == nil)
        guard case .claim = play.send(.wake).first else {
            Issue.record("expected a new claim")
            return
        }
    }

    @Test(
        "an engine cannot make the node poll at once or never",
        arguments: [(Int.min, 1), (0, 1), (7, 7), (Int.max, 60)]
    )
    func pollInterval(asked: Int, seconds: Int) throws {
        var play = try Play()
        _ = play.send(.wake)
        _ = play.send(try play.reply())
        let name = try #require(HostName("n"))
        let progress = ClaimProgress(state: .pending, name: name, time: TestAuthority.now, pollSeconds: asked)
        #expect(play.send(.progressed(progress)) == [.wait(milliseconds: seconds * 1000)])
    }

    @Test(
        "a node that woke in 2099 keeps its certificate once it knows the time",
        arguments: [0, 4_070_908_800, TestAuthority.now]
    )
    func keepsItsCertificate(clock: Int64) throws {
        let template = try Play()
        let known = Credentials(
            authority: try Authority(pem: template.authority.pem),
            certificate: try template.certificate(),
            host: template.host
        )
        var play = template
        play.enrolment = Enrolment(Enrolment.Wish(key: template.key.publicKey, known: known), jitter: { _ in 0 })
        play.now = clock
        _ = play.send(.wake)
        let actions = play.send(try play.reply())
        #expect(actions.last == .finish)
        #expect(actions.contains(.setClock(TestAuthority.now)) == (clock != TestAuthority.now))
        #expect(!actions.contains { if case .store = $0 { true } else { false } })
    }
}

/// Many nodes and an engine that is away.
@Suite struct AwayTests {
    @Test("F7: five hundred nodes, an engine away for an hour: their calls come back spread, all within two minutes")
    func spread() throws {
        let key = P256.Signing.PrivateKey().publicKey
        let failure = CallFailure.transport(reason: "down", remedy: nil)
        let (away, nodes): (Int64, Int) = (3_600_000, 500)
        var firsts: [Int64] = []
        for _ in 0..<nodes {
            var (enrolment, now): (Enrolment, Int64) = (Enrolment(Enrolment.Wish(key: key)), 0)
            while now < away {
                _ = enrolment.handle(.wake, now: TestAuthority.now + now / 1000)
                let actions = enrolment.handle(.failed(failure), now: TestAuthority.now + now / 1000)
                guard case .wait(let milliseconds) = try #require(actions.first) else {
                    Issue.record("\(actions)")
                    return
                }
                #expect(milliseconds <= 75_000, "60 seconds and a quarter")
                now += Int64(milliseconds)
            }
            firsts.append(now - away)
        }
        #expect(firsts.allSatisfy { $0 < 120_000 }, "all are back within two minutes")
        let perSecond = Dictionary(grouping: firsts) { $0 / 1000 }.mapValues(\.count)
        // Evenly 8 a second; all at once would be 500. An engine takes 32 claims at a time and more each second.
        #expect(perSecond.values.max() ?? 0 <= 32, "\(perSecond)")
        #expect(perSecond.count > 45, "\(perSecond.count) seconds")
    }
}
