import Crypto
import Engine
import Foundation
import Hummingbird
import NIOSSL

/// What a node needs to trust this engine, in the formats of oVirt's `pki-resource` (ovirt.md 2.1).
struct TrustAnchors: Sendable {
    enum Format: String {
        case authority = "X509-PEM-CA"
        case certificate = "X509-PEM"
        case sshKey = "OPENSSH-PUBKEY"

        var mediaType: String {
            switch self {
            case .authority: "application/x-x509-ca-cert"
            case .certificate: "application/x-x509-cert"
            case .sshKey: "text/plain"
            }
        }
    }

    /// The comment of the engine's key, by which a node finds it again in root's authorized_keys.
    static let sshComment = "ovirt-engine"

    private let authorityPEM: String
    private let enginePEM: String
    private let authorityKey: String
    private let engineKey: String

    /// Throws when a certificate of the engine's own cannot be read.
    init(engine: HostEngine) throws {
        (authorityPEM, enginePEM) = (engine.authorityPEM, engine.engineCertificatePEM)
        authorityKey = try Self.openSSH(certificate: authorityPEM)
        engineKey = engine.sshPublicKey
    }

    var authority: Response { Response.text(authorityPEM, type: Format.authority.mediaType) }

    /// The engine's public key for SSH as a line of authorized_keys.
    func sshKey(comment: String) -> Response {
        Response.text("\(engineKey) \(comment)\n", type: Format.sshKey.mediaType)
    }

    /// `nil` for an unknown resource or format.
    func response(resource: String, format: String, alias: String?) -> Response? {
        let pem: String
        let key: String
        switch resource {
        case "ca-certificate", "qemu-ca-certificate": (pem, key) = (authorityPEM, authorityKey)
        // Whoever asks for this one as an SSH key wants the key that the engine signs in with.
        case "engine-certificate": (pem, key) = (enginePEM, engineKey)
        default: return nil
        }
        guard let format = Format(rawValue: format) else { return nil }
        switch format {
        case .authority, .certificate: return Response.text(pem, type: format.mediaType)
        case .sshKey:
            let wanted = alias ?? Self.sshComment
            // The comment ends up in a file of keys: one word, no line of its own.
            let comment = wanted.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-._@".contains($0)) }
            return Response.text("\(key) \(comment)\n", type: format.mediaType)
        }
    }

    /// `ecdsa-sha2-nistp256 BASE64` (RFC 5656, section 3.1) of a certificate's key.
    private static func openSSH(certificate pem: String) throws -> String {
        let certificate = try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem)
        let key = try P256.Signing.PublicKey(derRepresentation: certificate.extractPublicKey().toSPKIBytes())
        let algorithm = "ecdsa-sha2-nistp256"
        let fields = [Data(algorithm.utf8), Data("nistp256".utf8), key.x963Representation]
        let blob = fields.reduce(into: Data()) { blob, field in
            blob.append(contentsOf: withUnsafeBytes(of: UInt32(field.count).bigEndian, Array.init))
            blob.append(field)
        }
        return "\(algorithm) \(blob.base64EncodedString())"
    }
}
