import Crypto
import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import Logging
import NIOCore
import SwiftASN1
import Testing
import X509

@testable import EngineAPI

/// An engine with every route of its web side, asked without sockets.
final class APIInstallation: Sendable {
    let engine: HostEngine
    private let directory: String

    static let password = "correct horse"

    private init(_ change: (inout EngineSettings) -> Void) async throws {
        try await Self.template.value
        directory = Self.place("\(UniqueID.random())")
        try FileManager.default.copyItem(atPath: Self.templatePath, toPath: directory)
        var settings = EngineSettings(dataDirectory: directory, engineAddress: "engine.example.org")
        settings.agentFile = "\(directory)/agent"
        change(&settings)
        engine = try await HostEngine.open(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private static func place(_ name: String) -> String {
        FileManager.default.temporaryDirectory
            .appending(path: "muster-api-\(ProcessInfo.processInfo.processIdentifier)-\(name)").path
    }

    private static let templatePath = place("template")
    /// Hashing the password and making the keys takes seconds in a debug build.
    private static let template = Task {
        let settings = EngineSettings(dataDirectory: templatePath, engineAddress: "engine.example.org")
        try await HostEngine.initialize(settings, adminPassword: password)
        try Data("an agent".utf8).write(to: URL(filePath: "\(templatePath)/agent"))
        atexit { try? FileManager.default.removeItem(atPath: APIInstallation.templatePath) }
    }

    /// Runs `body` with a client that is signed in as admin@internal.
    static func run(
        _ change: (inout EngineSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (APIClient) async throws -> Void
    ) async throws {
        let installation = try await APIInstallation(change)
        let client = RouterClient(try EngineRoutes(engine: installation.engine).router())
        let session = try await installation.engine.beginSession(of: "admin@internal")
        try await body(APIClient(client: client, engine: installation.engine, token: session.token))
        withExtendedLifetime(installation) {}
    }
}

/// A client of the API, and what it got.
struct APIClient: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: String
        var headers: HTTPFields

        func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body.utf8))
        }

        struct Envelope: Decodable {
            var fault: FaultResource
        }

        var fault: FaultResource? { try? json(Envelope.self).fault }
    }

    let client: RouterClient
    let engine: HostEngine
    var token: String?

    static let api = "/ovirt-engine/api"

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        headers more: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = more
        if let token { headers[.authorization] = "Bearer \(token)" }
        let answer = try await client.send(method, path, headers: headers, body: body.map { ByteBuffer(string: $0) })
        return Answer(status: answer.status, body: String(buffer: answer.body), headers: answer.headers)
    }

    func get(_ path: String) async throws -> Answer { try await send(.get, path) }

    /// A node's claim up to the code on its screen, as docs/protocols.md tells it.
    func enrol(hardwareID: String) async throws -> (claim: String, code: String, host: String) {
        let (key, nonce) = (P256.Signing.PrivateKey(), Nonce.random())
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName("anything") },
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        let claim = ClaimRequest(
            certificateRequest: try request.serializeAsPEM().pemString,
            nonceHash: try #require(Nonce(bytes: Array(SHA256.hash(data: nonce.bytes)))),
            hardwareID: try #require(HardwareID(hardwareID)),
            name: HostName(hardwareID),
            address: .loopback,
            port: 54321,
            facts: HostFacts()
        )
        let path = "/ovirt-engine/services/muster-claim"
        let sent = try await send(.post, path, String(decoding: try JSONEncoder().encode(claim), as: UTF8.self))
        #expect(sent.status == 201, "\(sent.body)")
        let reply = try sent.json(ClaimReply.self)
        let opened = try await send(.post, "\(path)/\(reply.claim)/nonce", #"{"nonce":"\#(nonce)"}"#)
        #expect(try opened.json(ClaimProgress.self).state == .pending, "\(opened.body)")
        let authority = try Certificate(pemEncoded: reply.authority)
        let transcript = ApprovalCode.transcript(
            nodeKey: key.publicKey.derRepresentation,
            authorityKey: try #require(P256.Signing.PublicKey(authority.publicKey)).derRepresentation,
            engineNonce: reply.engineNonce,
            nodeNonce: nonce
        )
        let code = try #require(ApprovalCode(digest: Array(SHA256.hash(data: transcript))))
        let list = try await get("\(Self.api)/hosts?search=name%3D\(hardwareID)").json(HostCollection.self)
        return ("\(path)/\(reply.claim)", "\(code)", try #require(list.host?.first).id)
    }
}
