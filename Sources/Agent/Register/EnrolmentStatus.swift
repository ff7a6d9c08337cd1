package import EngineClient
package import HostModel

/// The named limits of an enrolment.
package struct EnrolmentLimits: Hashable, Sendable {
    package var backOffSecondsMin = 5
    package var backOffSecondsMax = 60
    package var rejectedWaitSeconds = 300
    package var expiredWaitSeconds = 5
    /// After an answer by an authority that is not the one whose fingerprint was given: long enough for a person to see
    /// the warning, short enough that one forged answer does not stop a node for the night.
    package var refusedAuthorityWaitSeconds = 300
    /// The longest interval that an engine may ask for.
    package var pollSecondsMax = 60
    package var jitterMilliseconds = 1000
    /// Between two tries to keep the certificate in a state directory that does not take it.
    package var keepSeconds = 15
    package var clockToleranceSeconds: Int64 = 60
    package var noncesRemembered = 256
    /// 2024-01-01 to 2200-01-01: an engine with a clock outside of it is broken itself.
    package var plausibleTimes: ClosedRange<Int64> = 1_704_067_200...7_258_118_400

    package init() {}
}

/// Why a call of the claim protocol brought nothing.
package enum CallFailure: Error, Hashable, Sendable {
    /// The network's or TLS's fault, in words, with a remedy.
    case transport(reason: String, remedy: String?)
    /// The engine's refusal with its HTTP status.
    case refused(status: Int, FaultResource)
    /// The answer is not what this protocol has there.
    case protocolViolation
    /// The certificate that the server showed in TLS is not the one of the claim's first call.
    case peerChanged
    /// The engine's nonce was used before.
    case replayed
    case badAuthority(CertificateRefusal)
    case badCertificate(CertificateRefusal)
    case implausibleTime
    case otherFingerprint(wanted: Nonce, shown: Nonce)
    /// The engine approved the node, and the state directory does not take its certificate: full, read-only, gone.
    case notKept(reason: String)

    /// True when the claim is lost with the call, so that only a new claim helps.
    package var endsClaim: Bool {
        switch self {
        case .refused(let status, _): status == 404 || status == 409 || status == 400
        case .peerChanged, .badCertificate: true
        case .transport, .protocolViolation, .replayed, .badAuthority, .implausibleTime, .otherFingerprint, .notKept:
            false
        }
    }
}

extension CallFailure: CustomStringConvertible {
    /// One sentence of cause without a full stop; safe on a terminal.
    package var description: String {
        switch self {
        case .transport(let reason, _): terminalEscaped(reason)
        case .refused(let status, let fault):
            "the engine refused (\(status)): \(terminalEscaped(HostileText(fault.detail).raw))"
        case .protocolViolation: "the server's answer is not one of an engine"
        case .peerChanged: "the server's TLS certificate changed in the middle of the claim"
        case .replayed: "the answer is a repetition of an older one"
        case .badAuthority(let refusal): "the engine's CA certificate is not usable: \(refusal)"
        case .badCertificate(let refusal): "the certificate for this node is not usable: \(refusal)"
        case .implausibleTime: "the engine's clock is not plausible"
        case .otherFingerprint(let wanted, let shown):
            "the engine's CA has the fingerprint \(shown), this node was told \(wanted)"
        case .notKept(let reason): "the node is approved and cannot keep its certificate: \(terminalEscaped(reason))"
        }
    }

    package var remedy: String? {
        switch self {
        case .transport(_, let remedy): remedy.map { terminalEscaped($0) }
        case .refused(_, let fault): fault.remedy.map { terminalEscaped(HostileText($0).raw) }
        case .protocolViolation: "check that the engine's address and port are right (menu 2)"
        case .peerChanged:
            "compare the new code with care; this is normal only when the engine just got a new certificate"
        case .replayed, .badAuthority: "somebody may stand between this node and the engine; test the way (menu 3)"
        case .badCertificate: "the node asks again with a new code"
        case .implausibleTime: "set the clock of the engine's machine"
        case .otherFingerprint:
            "if the engine was set up anew, correct the fingerprint (menu 2 or management_server_fingerprint=); "
                + "if not, somebody stands between this node and the engine"
        case .notKept: "make room on the state partition (menu 6; df /var/lib/muster-agent); the node tries again"
        }
    }
}

/// Where an enrolment stands, for a screen.
package struct EnrolmentStatus: Hashable, Sendable {
    package enum Stage: String, Hashable, Sendable, Codable {
        /// No engine is set.
        case noEngine = "no_engine"
        /// The node has no address yet.
        case noNetwork = "no_network"
        case contacting
        /// Waits for a person to compare the code.
        case pending
        case approved
        case rejected
        case expired
        /// The last answer was by an authority that is not the one whose fingerprint was given. Asks again.
        case halted
    }

    package enum Warning: String, Hashable, Sendable, Codable {
        /// The CA is another one than before: a new engine, or somebody in between.
        case authorityChanged = "authority_changed"
        /// An answer came from another CA than the one whose fingerprint was given; stays until the right one answered.
        case authorityRefused = "authority_refused"
    }

    package var stage = Stage.contacting
    package var code: ApprovalCode?
    package var name: HostName?
    package var authority: Nonce?
    package var warning: Warning?
    package var failure: CallFailure?

    package init() {}
}
