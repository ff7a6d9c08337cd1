import Foundation
import HostModel

/// A claim request that was read and checked as far as that goes without the database.
struct NewClaim: Sendable {
    let request: ClaimRequest
    let publicKey: Data
    let source: String
    let facts: String
    let engineNonce: Nonce
    let now: Int64

    /// The version of the protocol that this engine speaks.
    static let version = 1

    init(_ request: ClaimRequest, from source: String, limits: EnrolmentLimits, now: Int64) throws(EngineError) {
        guard request.version == Self.version else {
            throw EngineError(
                .invalid,
                "The claim speaks version \(request.version) of the protocol, this engine version \(Self.version).",
                remedy: "Boot a node image that fits this engine."
            )
        }
        guard request.port > 0 else { throw EngineError(.invalid, "The agent's port is 0.") }
        guard request.facts.interfaces.count <= HostFacts.interfacesMax else {
            throw EngineError(.invalid, "The claim names more than \(HostFacts.interfacesMax) interfaces.")
        }
        guard Self.isReachable(request.address) else {
            throw EngineError(.invalid, "No agent can be reached at \(request.address).")
        }
        let csr = try CertificateRequest(
            pem: request.certificateRequest,
            bytesMax: limits.certificateRequestBytesMax
        )
        guard let facts = try? ColumnJSON.encode(request.facts) else {
            throw EngineError(.invalid, "The claim's facts cannot be kept as JSON.")
        }
        (self.request, self.source, self.facts, self.now) = (request, source, facts, now)
        (publicKey, engineNonce) = (Data(csr.publicKeyInfo), .random())
    }

    /// The machine's own addresses, multicast ones left out: they are no one machine's.
    var macs: [MACAddress] { request.facts.interfaces.map(\.mac).filter { !$0.isMulticast && $0.rawValue != 0 } }

    static func isReachable(_ address: IPv4Address) -> Bool {
        address != .any && address.rawValue >> 28 < 0xE
    }
}

/// The name of a new host: what the node asks for, else `node-` and four hex digits; a suffix makes it unique.
enum NewHostName {
    /// Candidates in the order in which they are tried.
    static func candidates(wish: HostName?) -> some Sequence<HostName> {
        let base = wish ?? HostName("node-\(random())")
        let suffixed = (0..<attemptsMax).lazy.compactMap { _ in
            base.flatMap { HostName("\($0.rawValue.prefix(250))-\(random())") }
        }
        return [base].lazy.compactMap(\.self) + Array(suffixed)
    }

    private static let attemptsMax = 16

    private static func random() -> String {
        let digits = String(UInt16.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
