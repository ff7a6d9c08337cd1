import Crypto
import Engine
import HostModel
import SwiftASN1
import X509

/// A node's side of the enrolment, as docs/protocols.md tells it.
struct TestNode: Sendable {
    var key = P256.Signing.PrivateKey()
    var nonce = Nonce.random()
    var hardwareID: HardwareID
    var name: HostName?
    var address = IPv4Address.loopback
    var port: UInt16
    var mac: MACAddress
    /// Of its boot script.
    var token: Nonce?

    init(_ id: String = "\(UniqueID.random())", name: String? = nil, port: UInt16 = 54321) throws {
        hardwareID = try require(HardwareID(id))
        self.name = name.flatMap { HostName($0) }
        self.port = port
        mac = try require(MACAddress(octets: [2] + (0..<5).map { _ in UInt8.random(in: 0...255) }))
    }

    /// `carries` says that the network card has the address.
    func request(carries: Bool = false) throws -> ClaimRequest {
        let csr = try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName("anything") },
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        var request = ClaimRequest(
            certificateRequest: try csr.serializeAsPEM().pemString,
            nonceHash: try require(Nonce(bytes: Array(SHA256.hash(data: nonce.bytes)))),
            hardwareID: hardwareID,
            name: name,
            address: address,
            port: port,
            facts: HostFacts(
                interfaces: [
                    .init(
                        name: HostileText("eth0"),
                        mac: mac,
                        hasCarrier: true,
                        addresses: carries ? [try require(IPv4Network(address, prefixLength: 24))] : []
                    )
                ]
            )
        )
        request.bootToken = token
        return request
    }

    /// Claims and opens its nonce; then the node shows this code.
    func enrol(
        with engine: HostEngine,
        from peer: String = "192.0.2.7",
        carries: Bool = false
    ) async throws -> Enrolment {
        let reply = try await engine.receiveClaim(try request(carries: carries), from: peer)
        let progress = try await engine.openClaim(reply.claim, ClaimOpening(nonce: nonce))
        // An announced host learns its machine id with the approval.
        let host = try await engine.hosts(matching: .all).first { host in
            host.hardwareID == hardwareID || host.claims.contains { $0.id == reply.claim }
        }
        return Enrolment(
            claim: reply.claim,
            code: try code(for: reply),
            host: try require(host).id,
            progress: progress
        )
    }

    /// Computed from what the node itself saw.
    func code(for reply: ClaimReply) throws -> ApprovalCode {
        let authority = try Certificate(pemEncoded: reply.authority)
        let authorityKey = try require(P256.Signing.PublicKey(authority.publicKey)).derRepresentation
        let transcript = ApprovalCode.transcript(
            nodeKey: key.publicKey.derRepresentation,
            authorityKey: authorityKey,
            engineNonce: reply.engineNonce,
            nodeNonce: nonce
        )
        return try require(ApprovalCode(digest: Array(SHA256.hash(data: transcript))))
    }
}

struct Enrolment: Sendable {
    var claim: UniqueID
    var code: ApprovalCode
    var host: UniqueID
    var progress: ClaimProgress
}

struct Missing: Error {}

func require<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

/// The first certificate of a chain in PEM.
func leafCertificate(of chain: String) throws -> Certificate {
    try Certificate(pemDocument: try require(try PEMDocument.parseMultiple(pemString: chain).first))
}
