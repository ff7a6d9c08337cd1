import Crypto
import EngineClient
import FoundationEssentials
import HostModel
import NIOCore
import SwiftASN1
import X509

/// One host's way to its certificate, as a node goes it: claim, open the nonce, ask until it is approved.
struct FleetEnrolment: Sendable {
    let host: SimulatedHost
    let engine: EngineAddress
    let port: UInt16

    private static let path = "/ovirt-engine/services/muster-claim"
    /// A call that failed is made again after so long, in milliseconds; up to half of it more, so that a fleet does not
    /// come back as one.
    private static let retryMilliseconds = 2000

    /// A claim that a person could approve now.
    struct Claim: Sendable {
        var id: UniqueID
        var code: ApprovalCode
        var authority: String
        var progress: ClaimProgress
    }

    /// Claims, and opens the nonce. An engine that refuses or is away is asked again, until the task is cancelled.
    func claim() async throws -> Claim {
        try await patiently {
            let nonce = Nonce.random()
            guard let hash = Nonce(bytes: Array(SHA256.hash(data: nonce.bytes))) else {
                throw SimulationError("the nonce cannot be hashed")
            }
            let reply: ClaimReply = try await post(Self.path, try host.claim(nonceHash: hash, port: port))
            let code = try code(of: reply, nonce)
            let progress: ClaimProgress = try await post(
                "\(Self.path)/\(reply.claim)/nonce",
                ClaimOpening(nonce: nonce)
            )
            return Claim(id: reply.claim, code: code, authority: reply.authority, progress: progress)
        }
    }

    /// Asks until the claim is approved; then the host's agent serves. One that was rejected or expired is made anew, and
    /// nobody is told its code.
    func fetchCertificate(of claim: Claim) async throws {
        var claim = claim
        while true {
            switch claim.progress.state {
            case .approved:
                guard let certificate = claim.progress.certificate else { throw SimulationError("no certificate") }
                return try host.begin(certificate: certificate, authority: claim.authority)
            case .committed, .pending:
                try await Task.sleep(for: .seconds(max(1, claim.progress.pollSeconds)))
                let id = claim.id
                claim.progress = try await patiently { try await get("\(Self.path)/\(id)") }
            case .rejected, .expired:
                try await Task.sleep(for: .milliseconds(Self.retryMilliseconds))
                claim = try await self.claim()
            }
        }
    }

    private func patiently<Value>(_ call: () async throws -> Value) async throws -> Value {
        while true {
            do { return try await call() } catch {
                try Task.checkCancellation()
                let pause = Self.retryMilliseconds
                try await Task.sleep(for: .milliseconds(pause + Int.random(in: 0...pause / 2)))
            }
        }
    }

    private func code(of reply: ClaimReply, _ nonce: Nonce) throws -> ApprovalCode {
        let authority = try Certificate(pemEncoded: reply.authority)
        guard let key = P256.Signing.PublicKey(authority.publicKey) else {
            throw SimulationError("the engine's CA has a key of another kind")
        }
        let transcript = ApprovalCode.transcript(
            nodeKey: Array(host.key.publicKey.derRepresentation),
            authorityKey: Array(key.derRepresentation),
            engineNonce: reply.engineNonce,
            nodeNonce: nonce
        )
        guard let code = ApprovalCode(digest: Array(SHA256.hash(data: transcript))) else {
            throw SimulationError("the code cannot be computed")
        }
        return code
    }

    private func post<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        try await send(.post(path, ByteBuffer(bytes: try JSONEncoder().encode(body))))
    }

    private func get<Answer: Decodable>(_ path: String) async throws -> Answer { try await send(.get(path)) }

    /// A connection for each call, from the host's own address, as nodes do it.
    private func send<Answer: Decodable>(_ call: HTTPCall) async throws -> Answer {
        var limits = TransportLimits()
        limits.idleConnectionsMax = 0
        limits.sourceAddress = "\(host.address)"
        let transport = try HTTPTransport(
            .https(host: engine.host.rawValue, port: Int(engine.port)),
            trust: .any,
            limits: limits
        )
        defer { transport.close() }
        let answer = try await transport.send(call)
        guard answer.isSuccess else { throw SimulationError("the engine answered \(answer.status)") }
        return try JSONDecoder().decode(Answer.self, from: Data(answer.body.readableBytesView))
    }
}
