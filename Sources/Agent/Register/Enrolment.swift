package import Crypto
import EngineClient
package import HostModel

/// The node's side of the claim protocol (docs/protocols.md, section 1). Knows no socket, file or clock: events in,
/// actions out, in the order in which they are to be done.
///
///     start -> claim -> [set the clock] -> open -> poll … -> store
///
/// Every failure leads back to a wait and another call. That holds for the wrong authority too: whoever can answer once in
/// the engine's place must not be able to stop a node for good; the warning stays on the screen.
///
/// `openClaim` is what must outlive a kill -9: with it a later enrolment goes on under the same code.
package struct Enrolment: Sendable {
    /// What was agreed with the engine, and what it wants to know.
    package struct Wish: Sendable {
        package var key: P256.Signing.PublicKey
        /// SHA-256 of the DER of the only CA to accept; `nil`: any, for the code covers it.
        package var fingerprint: Nonce?
        /// The credentials of this engine that the state directory holds, also when they are not valid (by a clock that
        /// may be wrong), and the key that they are for.
        package var known: Credentials?
        package var knownKey: P256.Signing.PublicKey
        /// The CA that the node last had to do with, of whatever engine; another one is said on the screen.
        package var lastAuthority: Nonce?

        package init(
            key: P256.Signing.PublicKey,
            fingerprint: Nonce? = nil,
            known: Credentials? = nil,
            knownKey: P256.Signing.PublicKey? = nil,
            lastAuthority: Nonce? = nil
        ) {
            (self.key, self.fingerprint, self.known) = (key, fingerprint, known)
            self.knownKey = knownKey ?? key
            self.lastAuthority = lastAuthority ?? known?.authority.fingerprint
        }
    }

    package enum Event: Sendable {
        /// Begin, or the time of the last `wait` is over.
        case wake
        case claimed(ClaimReply)
        case progressed(ClaimProgress)
        /// The call failed; `after` is what the engine asked us to wait, in seconds.
        case failed(CallFailure, after: Int? = nil)
    }

    package enum Action: Hashable, Sendable {
        case claim(nonceHash: Nonce)
        case open(UniqueID, Nonce)
        case poll(UniqueID)
        /// Seconds since 1970.
        case setClock(Int64)
        /// Milliseconds, jitter included; then `wake`.
        case wait(milliseconds: Int)
        case store(Credentials)
        /// Done: the credentials are stored, or were there all along.
        case finish
    }

    /// A claim that the engine has answered and that nobody has decided: the engine knows the rest of it.
    package struct OpenClaim: Hashable, Sendable, Codable {
        package var id: UniqueID
        package var nonce: Nonce
        package var engineNonce: Nonce
        /// The CA as the node saw it, in PEM.
        package var authority: String
        package var pollSeconds: Int
        /// The engine has the nonce, so the code may be shown.
        package var isOpened: Bool
    }

    private enum State {
        case idle
        case claiming(nonce: Nonce)
        case opening(Claim)
        case polling(Claim)
        case finished
    }

    /// A claim that the engine has answered.
    private struct Claim {
        var id: UniqueID
        var nonce: Nonce
        var engineNonce: Nonce
        var authority: Authority
        var code: ApprovalCode
        var pollSeconds: Int
        var isOpened = false
        /// An answer is awaited; otherwise a `wait` runs.
        var isCalling = true
    }

    private let wish: Wish
    private let limits: EnrolmentLimits
    private let makeNonce: @Sendable () -> Nonce
    private let jitter: @Sendable (Int) -> Int
    private var state = State.idle
    private var failures = 0
    private var engineNonces: [Nonce] = []
    private var lastAuthority: Nonce?
    private var resumed: OpenClaim?

    /// For the screen; never holds the nonce or the key.
    package private(set) var status = EnrolmentStatus()

    /// `resuming` goes on with a claim of an earlier run. `jitter` gives a number from zero up to its argument.
    package init(
        _ wish: Wish,
        resuming: OpenClaim? = nil,
        limits: EnrolmentLimits = EnrolmentLimits(),
        makeNonce: @escaping @Sendable () -> Nonce = { .random() },
        jitter: @escaping @Sendable (Int) -> Int = { Int.random(in: 0...$0) }
    ) {
        (self.wish, self.limits, self.makeNonce, self.jitter) = (wish, limits, makeNonce, jitter)
        (lastAuthority, resumed) = (wish.lastAuthority, resuming)
    }

    /// The claim under way; `nil` when a new start would make a new one anyway.
    package var openClaim: OpenClaim? {
        guard let claim else { return nil }
        return OpenClaim(
            id: claim.id,
            nonce: claim.nonce,
            engineNonce: claim.engineNonce,
            authority: claim.authority.pem,
            pollSeconds: claim.pollSeconds,
            isOpened: claim.isOpened
        )
    }

    private var claim: Claim? {
        switch state {
        case .opening(let claim), .polling(let claim): claim
        case .idle, .claiming, .finished: nil
        }
    }

    /// Takes one event; `now` is the node's clock, in seconds since 1970.
    package mutating func handle(_ event: Event, now: Int64) -> [Action] {
        switch (state, event) {
        case (.idle, .wake): return resume() ?? startClaim()
        case (.claiming(let nonce), .claimed(let reply)): return receive(reply, nonce: nonce, now: now)
        case (.opening(let claim), .progressed(let progress)), (.polling(let claim), .progressed(let progress)):
            return receive(progress, of: claim, now: now)
        case (.opening(let claim), .wake), (.polling(let claim), .wake):
            return poll(claim)
        case (.claiming, .failed(let failure, let after)): return retryClaim(failure, after: after)
        case (.opening(let claim), .failed(let failure, let after)),
            (.polling(let claim), .failed(let failure, let after)):
            return retryCall(of: claim, failure, after: after)
        default: return []  // A late answer to a call that no longer counts.
        }
    }

    private mutating func startClaim() -> [Action] {
        let nonce = makeNonce()
        guard let hash = Nonce(bytes: Array(SHA256.hash(data: nonce.bytes))) else { return [] }
        state = .claiming(nonce: nonce)
        return [.claim(nonceHash: hash)]
    }

    /// Asks after the claim of an earlier run; `nil` when there is none, or its authority is no longer the right one.
    private mutating func resume() -> [Action]? {
        guard let open = resumed else { return nil }
        resumed = nil
        guard let authority = try? Authority(pem: open.authority), accepts(authority),
            let claim = makeClaim(open, authority: authority)
        else { return nil }
        engineNonces.append(open.engineNonce)
        if claim.isOpened { (status.stage, status.code) = (.pending, claim.code) }
        return poll(claim)
    }

    private func accepts(_ authority: Authority) -> Bool {
        wish.fingerprint.map { $0 == authority.fingerprint } ?? true
    }

    private mutating func makeClaim(_ open: OpenClaim, authority: Authority) -> Claim? {
        let transcript = ApprovalCode.transcript(
            nodeKey: Array(wish.key.derRepresentation),
            authorityKey: authority.publicKey,
            engineNonce: open.engineNonce,
            nodeNonce: open.nonce
        )
        guard let code = ApprovalCode(digest: Array(SHA256.hash(data: transcript))) else { return nil }
        status.warning = lastAuthority.map { $0 != authority.fingerprint } ?? false ? .authorityChanged : nil
        (status.authority, lastAuthority) = (authority.fingerprint, authority.fingerprint)
        return Claim(
            id: open.id,
            nonce: open.nonce,
            engineNonce: open.engineNonce,
            authority: authority,
            code: code,
            pollSeconds: open.pollSeconds,
            isOpened: open.isOpened
        )
    }

    private mutating func poll(_ claim: Claim) -> [Action] {
        var claim = claim
        claim.isCalling = true
        state = .polling(claim)
        return [.poll(claim.id)]
    }
}

// MARK: - Answers

extension Enrolment {
    /// The reply to the claim: is it fresh, is it the right authority, and what time is it? Only then the nonce is opened.
    private mutating func receive(_ reply: ClaimReply, nonce: Nonce, now: Int64) -> [Action] {
        guard !engineNonces.contains(reply.engineNonce), reply.engineNonce != nonce else {
            return retryClaim(.replayed, after: nil)
        }
        engineNonces = engineNonces.suffix(limits.noncesRemembered - 1) + [reply.engineNonce]
        let authority: Authority
        do throws(CertificateRefusal) { authority = try Authority(pem: reply.authority) } catch {
            return retryClaim(.badAuthority(error), after: nil)
        }
        if let fingerprint = wish.fingerprint, !accepts(authority) {
            return refuse(.otherFingerprint(wanted: fingerprint, shown: authority.fingerprint))
        }
        guard limits.plausibleTimes.contains(reply.time) else { return retryClaim(.implausibleTime, after: nil) }
        var actions: [Action] = []
        if abs(reply.time - now) > limits.clockToleranceSeconds { actions.append(.setClock(reply.time)) }
        if keepsKnown(authority, now: actions.isEmpty ? now : reply.time) { return actions + finish(nil) }
        return actions + open(reply, authority: authority, nonce: nonce)
    }

    /// A node that woke with a wrong clock could not tell that its certificate is good.
    private func keepsKnown(_ authority: Authority, now: Int64) -> Bool {
        guard let known = wish.known, known.authority.fingerprint == authority.fingerprint else { return false }
        return known.refusal(for: wish.knownKey, now: now) == nil
    }

    private mutating func open(_ reply: ClaimReply, authority: Authority, nonce: Nonce) -> [Action] {
        let open = OpenClaim(
            id: reply.claim,
            nonce: nonce,
            engineNonce: reply.engineNonce,
            authority: authority.pem,
            pollSeconds: reply.pollSeconds,
            isOpened: false
        )
        guard let claim = makeClaim(open, authority: authority) else { return [] }
        state = .opening(claim)
        return [.open(claim.id, nonce)]
    }

    private mutating func receive(_ progress: ClaimProgress, of claim: Claim, now: Int64) -> [Action] {
        guard claim.isCalling else { return [] }
        failures = 0
        (status.failure, status.name) = (nil, progress.name)
        var claim = claim
        claim.pollSeconds = progress.pollSeconds
        switch progress.state {
        case .committed:
            // The opening, or the answer to it, was lost.
            guard case .polling = state else { return retryCall(of: claim, .protocolViolation, after: nil) }
            state = .opening(claim)
            return [.open(claim.id, claim.nonce)]
        case .pending:
            claim.isOpened = true
            (status.stage, status.code) = (.pending, claim.code)
            return wait(claim, seconds: min(max(claim.pollSeconds, 1), limits.pollSecondsMax))
        case .approved: return receive(approval: progress, of: claim, now: now)
        case .rejected: return startOver(.rejected, after: limits.rejectedWaitSeconds)
        case .expired: return startOver(.expired, after: limits.expiredWaitSeconds)
        }
    }

    private mutating func receive(approval: ClaimProgress, of claim: Claim, now: Int64) -> [Action] {
        guard let certificate = approval.certificate, let host = approval.host else {
            return retryCall(of: claim, .protocolViolation, after: nil)
        }
        let credentials = Credentials(authority: claim.authority, certificate: certificate, host: host)
        if let refusal = credentials.refusal(for: wish.key, now: now) {
            return retryCall(of: claim, .badCertificate(refusal), after: nil)
        }
        return finish(credentials)
    }

    private mutating func finish(_ credentials: Credentials?) -> [Action] {
        state = .finished
        (status.stage, status.code, status.failure, status.warning) = (.approved, nil, nil, nil)
        return (credentials.map { [.store($0)] } ?? []) + [.finish]
    }
}

// MARK: - Failures

extension Enrolment {
    private mutating func refuse(_ failure: CallFailure) -> [Action] {
        state = .idle
        (status.stage, status.code, status.failure) = (.halted, nil, failure)
        status.warning = .authorityRefused
        let seconds = limits.refusedAuthorityWaitSeconds
        return [.wait(milliseconds: seconds * 1000 + jitter(limits.jitterMilliseconds))]
    }

    private mutating func retryClaim(_ failure: CallFailure, after: Int?) -> [Action] {
        state = .idle
        (status.stage, status.code, status.failure) = (.contacting, nil, failure)
        return [backOff(after: after)]
    }

    /// The claim stays as long as the engine may still know it; the code on the screen stays with it.
    private mutating func retryCall(of claim: Claim, _ failure: CallFailure, after: Int?) -> [Action] {
        guard claim.isCalling else { return [] }
        guard !failure.endsClaim else { return retryClaim(failure, after: after) }
        status.failure = failure
        var claim = claim
        claim.isCalling = false
        state = .polling(claim)
        return [backOff(after: after)]
    }

    private mutating func startOver(_ stage: EnrolmentStatus.Stage, after seconds: Int) -> [Action] {
        state = .idle
        (status.stage, status.code) = (stage, nil)
        return [.wait(milliseconds: seconds * 1000 + jitter(limits.jitterMilliseconds))]
    }

    private mutating func wait(_ claim: Claim, seconds: Int) -> [Action] {
        var claim = claim
        claim.isCalling = false
        state = .polling(claim)
        return [.wait(milliseconds: seconds * 1000 + jitter(limits.jitterMilliseconds))]
    }

    /// 5, 10, 20, 40, 60 seconds and up to a quarter more, so that a rack that came up at once does not call at once.
    private mutating func backOff(after: Int?) -> Action {
        let doubled = limits.backOffSecondsMin << min(failures, 8)
        failures += 1
        let seconds = min(max(doubled, after ?? 0), limits.backOffSecondsMax)
        return .wait(milliseconds: seconds * 1000 + jitter(seconds * 250))
    }
}
