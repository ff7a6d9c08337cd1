import Crypto
package import EngineClient
import FoundationEssentials
package import HostModel
package import Logging
import NIOCore

/// A boot server becomes its engine's, as a node does (docs/protocols.md, section 1): a claim with a key made here, a nonce on
/// both sides, a code that a person compares. It asks until a person has decided, across its own restarts.
package struct SegmentEnrolment: Sendable {
    /// The engine, and what is known of it before the first word.
    package struct Wish: Sendable {
        package var endpoint: Endpoint
        /// SHA-256 of the only CA that is taken; `nil`: any, for the code covers it.
        package var fingerprint: Fingerprint?
        /// The name that it would like to have there.
        package var name: HostName?

        package init(endpoint: Endpoint, fingerprint: Fingerprint?, name: HostName?) {
            (self.endpoint, self.fingerprint, self.name) = (endpoint, fingerprint, name)
        }
    }

    private let wish: Wish
    private let folder: MembershipFolder
    private let clock: SegmentClock
    private let logger: Logger
    /// One second of waiting; tests have shorter ones.
    private let second: Duration

    private static let path = "/ovirt-engine/services/muster-boot-claim"
    /// Waits between tries that failed, in seconds.
    private static let pauses = [2, 5, 10, 30]
    /// Before it asks again, when a person turned its claim away, or another CA answered.
    private static let deniedSeconds = 300
    /// The least and the most that a poll waits, whatever the engine says.
    private static let pollSeconds = 1...60

    /// Why a claim did not come to its end.
    enum End: Error {
        /// The claim is over, and the next try makes another one.
        case again(String)
        /// The engine is busy, or starts: the claim stands.
        case later(String)
        case denied
        /// The engine has another CA than the one that is wanted.
        case otherAuthority(Fingerprint)
    }

    /// Key, certificate and the open claim lie in the folder `engine` of the state directory. `second` is one second of waiting.
    package init(
        _ wish: Wish,
        stateDirectory: String,
        clock: SegmentClock = .system,
        second: Duration = .seconds(1),
        logger: Logger
    ) throws {
        folder = try MembershipFolder(stateDirectory: stateDirectory)
        (self.wish, self.clock, self.second, self.logger) = (wish, clock, second, logger)
    }

    private var now: Int64 { clock.now() / 1000 }

    /// What the state directory holds: `nil` where this boot server is nobody's. Throws where it is another engine's than the
    /// one that is wanted, or what is there cannot be used. A wrong clock is only told: the engine knows better.
    package func membership() throws(StartFailure) -> SegmentMembership? {
        guard let known = try folder.membership(of: wish.fingerprint) else { return nil }
        if let doubt = folder.doubt(now: now) { logger.error("\(doubt.what); \(doubt.remedy)") }
        return known
    }

    /// Gives up what an approval brought: the engine has removed this boot server.
    package func forget() { folder.forget() }

    /// Returns once a person has approved it; throws when cancelled, when the state directory cannot be written, and a
    /// `StartFailure` when what is kept there is not this engine's.
    package func enrol() async throws -> SegmentMembership {
        var failures = 0
        while true {
            if let known = try membership() { return known }
            do {
                return try await claim()
            } catch let end as End {
                failures += 1
                try await wait(after: end, failures)
            } catch let error as TransportError {
                try Task.checkCancellation()
                logger.warning("the engine cannot be asked: \(error); \(error.remedy ?? "it is asked again")")
                try await pause(Self.pauses[min(failures, Self.pauses.count - 1)])
                failures += 1
            }
        }
    }

    func wait(after end: End, _ failures: Int) async throws {
        switch end {
        case .again(let reason):
            logger.warning("the engine did not take the claim: \(reason); it is asked again")
            folder.forgetClaim()
            try await pause(Self.pauses[min(failures - 1, Self.pauses.count - 1)])
        case .later(let reason):
            logger.warning("the engine cannot answer now: \(reason); it is asked again")
            try await pause(Self.pauses[min(failures - 1, Self.pauses.count - 1)])
        case .denied:
            // Key and claim stay: another claim would undo what that person decided.
            logger.error("a person denied this boot server; it asks again in \(Self.deniedSeconds) seconds")
            try await pause(Self.deniedSeconds)
        case .otherAuthority(let shown):
            logger.error(
                "the engine at \(wish.endpoint) has the CA \(shown), not the one of --ca-fingerprint: it is not trusted"
            )
            folder.forgetClaim()
            try await pause(Self.deniedSeconds)
        }
    }

    private func pause(_ seconds: Int) async throws { try await Task.sleep(for: second * seconds) }

    private func claim() async throws -> SegmentMembership {
        let (claim, key) = try await openClaim()
        let authority = try checked(claim.authority)
        let code = try Self.code(claim, authority, key)
        var isSaid = false
        while true {
            let progress = try await call(ClaimProgress.self, .get("\(Self.path)/\(claim.id)"), claim.peer).value
            switch progress.state {
            case .approved: return try store(progress, authority, key)
            case .rejected: throw End.denied
            case .expired: throw End.again("nobody approved it in time")
            case .committed: throw End.again("its nonce did not arrive")
            case .pending:
                if !isSaid { say(code, progress.name, authority) }
                isSaid = true
                try await pause(min(max(claim.pollSeconds, Self.pollSeconds.lowerBound), Self.pollSeconds.upperBound))
            }
        }
    }

    private func say(_ code: ApprovalCode, _ name: HostName, _ authority: Authority) {
        logger.notice(
            "this boot server waits for approval as \(name): its code is \(code), the engine's CA SHA256:\(authority.fingerprint)"
        )
        logger.notice("compare the code, and run: muster boot approve \(name) --code \(code)")
    }

    /// The claim of an earlier run, or a new one with a key of its own; opened.
    private func openClaim() async throws -> (MembershipFolder.OpenClaim, P256.Signing.PrivateKey) {
        if let open = folder.openClaim(), let key = folder.key() {
            return (open.isOpened ? open : try await opened(open), key)
        }
        let (key, nonce) = (try folder.makeKey(), Nonce.random())
        guard let hash = Nonce(bytes: Array(SHA256.hash(data: nonce.bytes))) else { throw End.again("no digest") }
        let request = BootClaimRequest(
            certificateRequest: try MembershipFolder.certificateRequest(key),
            nonceHash: hash,
            name: wish.name
        )
        let body = ByteBuffer(bytes: try JSONEncoder().encode(request))
        let (reply, peer) = try await call(ClaimReply.self, .post(Self.path, body), nil)
        _ = try checked(reply.authority)
        guard let peer, reply.engineNonce != nonce else { throw End.again("its answer is no engine's") }
        let claim = MembershipFolder.OpenClaim(
            id: reply.claim,
            nonce: nonce,
            engineNonce: reply.engineNonce,
            authority: reply.authority,
            pollSeconds: reply.pollSeconds,
            peer: peer.hex,
            isOpened: false
        )
        try folder.keep(claim)
        return (try await opened(claim), key)
    }

    private func opened(_ claim: MembershipFolder.OpenClaim) async throws -> MembershipFolder.OpenClaim {
        let body = ByteBuffer(bytes: try JSONEncoder().encode(ClaimOpening(nonce: claim.nonce)))
        let progress = try await call(ClaimProgress.self, .post("\(Self.path)/\(claim.id)/nonce", body), claim.peer)
        if progress.value.state == .rejected { throw End.denied }
        var claim = claim
        claim.isOpened = true
        try folder.keep(claim)
        return claim
    }

    /// Refused before the nonce is opened.
    private func checked(_ pem: String) throws -> Authority {
        let authority: Authority
        do throws(CertificateRefusal) { authority = try Authority(pem: pem) } catch {
            throw End.again("its authority is unfit: \(error)")
        }
        if let wanted = wish.fingerprint, wanted.bytes != authority.fingerprint.bytes {
            throw End.otherAuthority(Fingerprint(authority.fingerprint.description) ?? wanted)
        }
        return authority
    }

    private static func code(
        _ claim: MembershipFolder.OpenClaim,
        _ authority: Authority,
        _ key: P256.Signing.PrivateKey
    ) throws -> ApprovalCode {
        let transcript = ApprovalCode.transcript(
            nodeKey: Array(key.publicKey.derRepresentation),
            authorityKey: authority.publicKey,
            engineNonce: claim.engineNonce,
            nodeNonce: claim.nonce
        )
        guard let code = ApprovalCode(digest: Array(SHA256.hash(data: transcript))) else { throw End.again("no code") }
        return code
    }

    private func store(
        _ progress: ClaimProgress,
        _ authority: Authority,
        _ key: P256.Signing.PrivateKey
    ) throws -> SegmentMembership {
        guard let chain = progress.certificate, let id = progress.host else {
            throw End.again("its approval came without a certificate")
        }
        do throws(CertificateRefusal) {
            let role = MembershipFolder.role(id)
            try authority.check(chain: chain, isFor: key.publicKey, role: role, now: nil)
        } catch {
            throw End.again("the certificate is not taken: \(error)")
        }
        try folder.store(chain: chain, authority: authority, id: id)
        guard let known = try membership() else { throw End.again("the certificate could not be kept") }
        logger.notice("this boot server is approved: it is \(progress.name) at \(wish.endpoint)")
        return known
    }

    /// The first call takes any server, since the code covers the CA in its answer; the later ones only that server.
    private func call<Value: Decodable>(
        _ type: Value.Type,
        _ call: HTTPCall,
        _ peer: String?
    ) async throws -> (value: Value, peer: Fingerprint?) {
        var limits = TransportLimits()
        (limits.connectSeconds, limits.readSeconds, limits.answerBytesMax) = (10, 30, 256 << 10)
        let trust = peer.flatMap { Fingerprint($0) }.map { ServerTrust.pinned($0) } ?? .any
        let transport = try HTTPTransport(wish.endpoint, trust: trust, limits: limits)
        defer { transport.close() }
        let answer: HTTPAnswer
        do throws(TransportError) { answer = try await transport.send(call) } catch {
            // It has another certificate now, as after a restore: this claim is nobody's.
            if case .untrusted = error { throw End.again("\(error)") }
            throw error
        }
        guard answer.isSuccess else {
            throw Self.end(answer.status, RemoteBootDirectory.reason(answer))
        }
        do {
            return (
                try JSONDecoder().decode(type, from: Data(answer.body.readableBytesView)),
                answer.peer.fingerprints.first
            )
        } catch {
            throw End.later("its answer is malformed")
        }
    }

    /// A claim that the engine does not know, or that is over there, is made anew; everything else is waited for, so that no
    /// proxy's or overloaded engine's refusal makes a new claim of one that was denied.
    static func end(_ status: Int, _ reason: String) -> End {
        [404, 409, 410].contains(status) ? .again(reason) : .later(reason)
    }
}
