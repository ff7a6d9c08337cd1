import Agent
import Crypto
import FoundationEssentials
import HostModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// An engine's enrolment over real HTTPS in this process. It approves a claim when the code on the node's screen (the
/// report in `run`) is the code that it computed from its own side: what a person would do.
final class StandInEngine: Sendable {
    struct Claim {
        var id = UniqueID.random()
        var host = UniqueID.random()
        var request: ClaimRequest
        var key: P256.Signing.PublicKey
        var engineNonce = Nonce.random()
        var code: ApprovalCode?
        /// What the last poll said.
        var address: IPv4Address?
    }

    struct Behaviour {
        /// How many of the first calls are answered with 503.
        var outages = 0
        /// How many claims are rejected before one is approved.
        var expirations = 0
        /// Whether somebody compares the codes and approves.
        var isAttended = true
        /// The code on the node's screen, where that is not in this machine's `run`.
        var shown: String?
    }

    let authority: TestAuthority
    let run: NodeDirectory
    private let claims = Mutex<[Claim]>([])
    private let behaviour: Mutex<Behaviour>
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }
    var received: [Claim] { claims.withLock { $0 } }

    init(authority: TestAuthority, run: NodeDirectory, behaviour: Behaviour = Behaviour()) async throws {
        (self.authority, self.run) = (authority, run)
        self.behaviour = Mutex(behaviour)
        let key = P256.Signing.PrivateKey()
        let leaf = try authority.issue(for: key.publicKey, names: ["muster:engine"])
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(leaf.utf8)).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
            )
        )
        let answers = AnswerBox()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ClaimHandler(answers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        answers.set { [weak self] method, path, body in self?.answer(method, path, body) ?? (500, Data()) }
    }

    func attend(_ isAttended: Bool = true) { behaviour.withLock { $0.isAttended = isAttended } }

    /// A person reads this code off the screen.
    func show(_ code: String) { behaviour.withLock { ($0.shown, $0.isAttended) = (code, true) } }

    func stop() async throws { try await channel.close() }

    private func answer(_ method: HTTPMethod, _ path: String, _ body: Data) -> (Int, Data) {
        let isOut = behaviour.withLock { behaviour in
            behaviour.outages -= 1
            return behaviour.outages >= 0
        }
        if isOut { return (503, Data("later".utf8)) }
        let halves = path.split(separator: "?", maxSplits: 1)
        let parts = halves[0].split(separator: "/")
        do {
            switch (method, parts.count) {
            case (.POST, 3): return try (201, JSONEncoder().encode(receive(body)))
            case (.POST, 5): return try (200, JSONEncoder().encode(open(parts[3], body)))
            case (.GET, 4):
                if halves.count > 1 { try move(parts[3], query: halves[1]) }
                return try (200, JSONEncoder().encode(poll(parts[3])))
            default: return (404, Data())
            }
        } catch {
            return (400, Data("\(error)".utf8))
        }
    }

    private func receive(_ body: Data) throws -> ClaimReply {
        let request = try JSONDecoder().decode(ClaimRequest.self, from: body)
        let csr = try CertificateSigningRequest(pemEncoded: request.certificateRequest)
        guard csr.publicKey.isValidSignature(csr.signature, for: csr), let key = P256.Signing.PublicKey(csr.publicKey)
        else {
            throw Refused()
        }
        let claim = Claim(request: request, key: key)
        claims.withLock { $0.append(claim) }
        return ClaimReply(
            claim: claim.id,
            engineNonce: claim.engineNonce,
            authority: try authority.pem,
            time: TestAuthority.now,
            pollSeconds: 1
        )
    }

    private func open(_ id: Substring, _ body: Data) throws -> ClaimProgress {
        let nonce = try JSONDecoder().decode(ClaimOpening.self, from: body).nonce
        var claim = try find(id)
        guard Array(SHA256.hash(data: nonce.bytes)) == claim.request.nonceHash.bytes else { throw Refused() }
        let transcript = ApprovalCode.transcript(
            nodeKey: Array(claim.key.derRepresentation),
            authorityKey: Array(authority.key.publicKey.derRepresentation),
            engineNonce: claim.engineNonce,
            nodeNonce: nonce
        )
        claim.code = ApprovalCode(digest: Array(SHA256.hash(data: transcript)))
        claims.withLock { [claim] claims in
            claims = claims.map { $0.id == claim.id ? claim : $0 }
        }
        return try progress(.pending)
    }

    /// Takes the address that a poll carries, if the claim's key signed it.
    private func move(_ id: Substring, query: Substring) throws {
        let fields = query.split(separator: "&").map { $0.split(separator: "=") }
        guard fields.count == 2, fields[0][0] == "address", fields[1][0] == "signature",
            let notice = AddressNotice(address: fields[0][1], signature: fields[1][1])
        else { throw Refused() }
        var claim = try find(id)
        let signature = try P256.Signing.ECDSASignature(derRepresentation: notice.signature)
        let said = AddressNotice.transcript(claim: claim.id, address: notice.address)
        guard claim.key.isValidSignature(signature, for: said) else { throw Refused() }
        claim.address = notice.address
        claims.withLock { [claim] claims in claims = claims.map { $0.id == claim.id ? claim : $0 } }
    }

    private func poll(_ id: Substring) throws -> ClaimProgress {
        let claim = try find(id)
        guard let code = claim.code else { return try progress(.committed) }
        let isExpired = behaviour.withLock { behaviour in
            behaviour.expirations -= 1
            return behaviour.expirations >= 0
        }
        if isExpired { return try progress(.expired) }
        let shown =
            behaviour.withLock { $0.shown } ?? run.value(RegisterReport.self, in: RegisterReport.fileName)?.code
        guard shown == code.description, behaviour.withLock({ $0.isAttended }) else { return try progress(.pending) }
        var answer = try progress(.approved)
        answer.host = claim.host
        answer.certificate = try authority.issue(for: claim.key, names: ["muster:host/\(claim.host)"])
        return answer
    }

    private func find(_ id: Substring) throws -> Claim {
        guard let claim = claims.withLock({ $0.first { $0.id.rawValue == id } }) else { throw Refused() }
        return claim
    }

    private func progress(_ state: ClaimProgress.State) throws -> ClaimProgress {
        guard let name = HostName("node-5a31") else { throw Refused() }
        return ClaimProgress(state: state, name: name, time: TestAuthority.now, pollSeconds: 1)
    }

    struct Refused: Error {}
}

/// The server is bound before the engine is complete.
private final class AnswerBox: Sendable {
    typealias Answer = @Sendable (HTTPMethod, String, Data) -> (Int, Data)
    private let answer = Mutex<Answer?>(nil)

    func set(_ new: @escaping Answer) { answer.withLock { $0 = new } }

    func callAsFunction(_ method: HTTPMethod, _ path: String, _ body: Data) -> (Int, Data) {
        answer.withLock { $0 }?(method, path, body) ?? (503, Data())
    }
}

private final class ClaimHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answers: AnswerBox
    private var head: HTTPRequestHead?
    private var body = Data()

    init(_ answers: AnswerBox) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, Data())
        case .body(let buffer): body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            let (status, bytes) = answers(head.method, head.uri, body)
            let headers: HTTPHeaders = ["Content-Length": "\(bytes.count)", "Content-Type": "application/json"]
            let response = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
