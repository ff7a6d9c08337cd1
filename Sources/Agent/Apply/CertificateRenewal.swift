import AgentWire
import Crypto
import EngineClient
import HostModel

/// Takes the next certificate for the key that the node has. Key, authority, host id and engine stay what a person approved.
struct CertificateRenewal {
    let state: NodeDirectory
    var clock = SystemClock.system

    /// The longest chain, in bytes of PEM.
    static let bytesMax = 64 << 10

    /// The listener sees the new file by itself (`AgentServer`). Throws code 91 for a certificate that is not ours or not valid
    /// now, and 40 on a host that is nobody's.
    func take(_ params: JSONValue) throws(RPCError) {
        guard let pem = params["certificate"]?.string, pem.utf8.count <= Self.bytesMax else {
            throw RPCError(.invalidParams, "certificate must be a chain in PEM of at most \(Self.bytesMax) bytes")
        }
        guard let credentials = Credentials(from: state), let identity = NodeIdentity.stored(in: state) else {
            throw RPCError(.resourceUnavailable, "This host has no certificate that could be renewed")
        }
        do throws(CertificateRefusal) {
            try credentials.authority.check(
                chain: pem,
                isFor: identity.key.publicKey,
                role: "muster:host/\(credentials.host)",
                now: clock.now()
            )
        } catch {
            throw RPCError(.badCertificate, "The new certificate is not taken: \(error)")
        }
        do { try state.write(Array(pem.utf8), to: Credentials.certificateFile) } catch {
            throw RPCError(.unexpected, "The new certificate can not be kept: \(error)")
        }
    }
}
