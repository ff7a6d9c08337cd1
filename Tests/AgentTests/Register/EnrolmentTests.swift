import Agent
import Crypto
import EngineClient
import HostModel
import Testing

/// The claim machine without any I/O: what it asks for after each event.
@Suite struct EnrolmentTests {
    /// An engine and a node that talk through function calls.
    struct Play {
        let authority: TestAuthority
        let key = P256.Signing.PrivateKey()
        let claim = UniqueID.random()
        let host = UniqueID.random()
        let engineNonce = Nonce.random()
        let nodeNonce = Nonce.random()
        var now = TestAuthority.now
        var enrolment: Enrolment

        init(fingerprint: Nonce? = nil, known: Credentials? = nil, authority: TestAuthority? = nil) throws {
            self.authority = try authority ?? TestAuthority()
            let nonce = nodeNonce
            enrolment = Enrolment(
                Enrolment.Wish(key: key.publicKey, fingerprint: fingerprint, known: known),
                makeNonce: { nonce },
                jitter: { _ in 0 }
            )
        }

        mutating func send(_ event: Enrolment.Event) -> [Enrolment.Action] { enrolment.handle(event, now: now) }

        func reply(
            authority: String? = nil,
            nonce: Nonce? = nil,
            time: Int64 = TestAuthority.now
        ) throws -> Enrolment.Event {
            .claimed(
                ClaimReply(
                    claim: claim,
                    engineNonce: nonce ?? engineNonce,
                    authority: try authority ?? self.authority.pem,
                    time: time,
                    pollSeconds: 5
                )
            )
        }

        func progress(_ state: ClaimProgress.State, certificate: String? = nil) throws -> Enrolment.Event {
            let name = try #require(HostName("node-5a31"))
            var progress = ClaimProgress(state: state, name: name, time: TestAuthority.now, pollSeconds: 5)
            if state == .approved { (progress.certificate, progress.host) = (certificate, host) }
            return .progressed(progress)
        }

        func certificate(names: [String]? = nil) throws -> String {
            try authority.issue(for: key.publicKey, names: names ?? ["muster:host/\(host)"])
        }

        /// Up to the code on the screen.
        mutating func becomePending() throws {
            _ = send(.wake)
            _ = send(try reply())
            _ = send(try progress(.pending))
            _ = send(.wake)
        }
    }

    @Test("the whole way: commitment, opening, code, polls, certificate")
    func wholeWay() throws {
        var play = try Play()
        let hash = try #require(Nonce(bytes: Array(SHA256.hash(data: play.nodeNonce.bytes))))
        #expect(play.send(.wake) == [.claim(nonceHash: hash)])
        #expect(play.send(try play.reply()) == [.open(play.claim, play.nodeNonce)])
        #expect(play.enrolment.status.code == nil, "no code before the engine has the nonce")
        #expect(play.send(try play.progress(.pending)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.stage == .pending)
        #expect(play.send(.wake) == [.poll(play.claim)])
        #expect(play.send(try play.progress(.pending)) == [.wait(milliseconds: 5000)])
        #expect(play.send(.wake) == [.poll(play.claim)])
        let certificate = try play.certificate()
        let credentials = Credentials(
            authority: try Authority(pem: play.authority.pem),
            certificate: certificate,
            host: play.host
        )
        #expect(play.send(try play.progress(.approved, certificate: certificate)) == [.store(credentials), .finish])
        #expect(play.enrolment.status.stage == .approved && play.enrolment.status.code == nil)
        #expect(play.send(.wake).isEmpty, "done is done")
    }

    @Test("the code is the one that the engine computes from its own side")
    func codeOfBothSides() throws {
        var play = try Play()
        try play.becomePending()
        let transcript = ApprovalCode.transcript(
            nodeKey: Array(play.key.publicKey.derRepresentation),
            authorityKey: Array(play.authority.key.publicKey.derRepresentation),
            engineNonce: play.engineNonce,
            nodeNonce: play.nodeNonce
        )
        #expect(play.enrolment.status.code == ApprovalCode(digest: Array(SHA256.hash(data: transcript))))
    }

    @Test("A9: a man in the middle with a CA of his own changes the code")
    func otherAuthorityOtherCode() throws {
        let honest = try Play()
        var play = honest
        try play.becomePending()
        let code = play.enrolment.status.code
        play = honest
        _ = play.send(.wake)
        _ = play.send(try honest.reply(authority: try TestAuthority().pem))
        _ = play.send(try honest.progress(.pending))
        #expect(play.enrolment.status.code != nil && play.enrolment.status.code != code)
    }

    @Test(
        "A9: another CA than the one whose fingerprint was given is refused, and one forged answer does not stop the node"
    )
    func wrongFingerprint() throws {
        let right = try TestAuthority()
        var play = try Play(fingerprint: right.fingerprint)
        _ = play.send(.wake)
        #expect(
            play.send(try play.reply(time: 4_000_000_000)) == [.wait(milliseconds: 300_000)],
            "nor the clock touched"
        )
        #expect(play.enrolment.status.stage == .halted && play.enrolment.status.warning == .authorityRefused)
        #expect(play.enrolment.status.failure?.remedy?.isEmpty == false)
        guard case .claim = play.send(.wake).first else {
            Issue.record("expected a new claim")
            return
        }
        _ = play.send(.failed(.transport(reason: "down", remedy: nil)))
        #expect(play.enrolment.status.warning == .authorityRefused, "it stays until the right one answers")
        _ = play.send(.wake)
        #expect(
            play.send(try play.reply(authority: right.pem, nonce: .random())) == [.open(play.claim, play.nodeNonce)]
        )
        #expect(play.enrolment.status.warning == nil)
    }

    @Test("an enrolment that was killed goes on with its claim and its code", arguments: [true, false])
    func resumes(isOpened: Bool) throws {
        var play = try Play()
        _ = play.send(.wake)
        _ = play.send(try play.reply())
        if isOpened { _ = play.send(try play.progress(.pending)) }
        let code = play.enrolment.status.code
        #expect((code != nil) == isOpened)
        let open = try #require(play.enrolment.openClaim)
        var next = play
        next.enrolment = Enrolment(Enrolment.Wish(key: play.key.publicKey), resuming: open, jitter: { _ in 0 })
        #expect(next.send(.wake) == [.poll(play.claim)])
        #expect(next.enrolment.status.code == code, "no code before the engine has the nonce")
        if !isOpened {
            #expect(next.send(try play.progress(.committed)) == [.open(play.claim, play.nodeNonce)])
        }
        _ = next.send(try play.progress(.pending))
        #expect(next.enrolment.status.code != nil && next.enrolment.status.stage == .pending)
        _ = next.send(.wake)
        let actions = next.send(try play.progress(.approved, certificate: try play.certificate()))
        #expect(actions.last == .finish && next.enrolment.openClaim == nil)
    }

    @Test("a kept claim of an authority that is no longer the right one is dropped")
    func resumesNotWithAnother() throws {
        var play = try Play()
        try play.becomePending()
        let wish = Enrolment.Wish(key: play.key.publicKey, fingerprint: .random())
        play.enrolment = Enrolment(wish, resuming: play.enrolment.openClaim, jitter: { _ in 0 })
        guard case .claim = play.send(.wake).first else {
            Issue.record("expected a new claim")
            return
        }
    }

    @Test func rightFingerprint() throws {
        let authority = try TestAuthority()
        var play = try Play(fingerprint: authority.fingerprint, authority: authority)
        _ = play.send(.wake)
        #expect(play.send(try play.reply()) == [.open(play.claim, play.nodeNonce)])
    }

    @Test(
        "a clock that is off by more than a minute is set, before anything is judged by it",
        arguments: [(0, true), (4_070_908_800, true), (-61, true), (61, true), (-60, false), (60, false)]
    )
    func clock(value: Int64, isSet: Bool) throws {
        var play = try Play()
        play.now = abs(value) < 100 && value != 0 ? TestAuthority.now + value : value
        _ = play.send(.wake)
        let actions = play.send(try play.reply())
        let opening = Enrolment.Action.open(play.claim, play.nodeNonce)
        #expect(actions == (isSet ? [.setClock(TestAuthority.now), opening] : [opening]))
    }

    @Test(arguments: [0, -5, 1_600_000_000, Int64.max, Int64.min])
    func implausibleTime(time: Int64) throws {
        var play = try Play()
        _ = play.send(.wake)
        #expect(play.send(try play.reply(time: time)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.failure == .implausibleTime)
    }

    @Test("A4: a reply that was heard before is refused, also when another claim asked")
    func replayedReply() throws {
        var play = try Play()
        _ = play.send(.wake)
        let old = try play.reply()
        _ = play.send(old)
        _ = play.send(try play.progress(.expired))
        _ = play.send(.wake)
        #expect(play.send(old) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.failure == .replayed)
    }

    @Test func theNodesOwnNonceIsNotTheEngines() throws {
        var play = try Play()
        _ = play.send(.wake)
        #expect(play.send(try play.reply(nonce: play.nodeNonce)) == [.wait(milliseconds: 5000)])
        #expect(play.enrolment.status.failure == .replayed)
    }

    @Test("answers that nobody waits for change nothing")
    func lateAnswers() throws {
        var play = try Play()
        #expect(play.send(try play.reply()).isEmpty)
        #expect(play.send(try play.progress(.approved, certificate: try play.certificate())).isEmpty)
        _ = play.send(.wake)
        #expect(play.send(try play.progress(.approved, certificate: try play.certificate())).isEmpty)
        #expect(play.send(.wake).isEmpty)
        _ = play.send(try play.reply())
        _ = play.send(try play.progress(.pending))
        #expect(play.send(try play.progress(.pending)).isEmpty, "two waits would poll twice as often")
        #expect(play.send(.failed(.peerChanged)).isEmpty)
    }
}
