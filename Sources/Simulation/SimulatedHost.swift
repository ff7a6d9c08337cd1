import AgentWire
import Crypto
import HostModel
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// One host of the fleet: its key and hardware id, which its number and the fleet's seed decide, and where it stands.
final class SimulatedHost: Sendable {
    struct State {
        var fault: SimulatedFault?
        /// Since it has a certificate.
        var tls: NIOSSLContext?
        var isManaged = false
        /// What it was ordered since; `nil` for most of a fleet.
        var networks: SimulatedNetworks?
        var calls = 0
        /// Connections that speak STOMP now.
        var connections = 0
    }

    let number: Int
    let name: String
    let address: IPv4Address
    let hardwareID: HardwareID
    let mac: MACAddress
    let key: P256.Signing.PrivateKey
    let state: Mutex<State>

    init(_ number: Int, of plan: FleetPlan, fault: SimulatedFault?) throws {
        (self.number, name, address) = (number, plan.name(of: number), plan.address(of: number))
        let digest = Array(SHA256.hash(data: Array("muster simulation \(plan.seed) \(number)".utf8)))
        // A hash is a valid private key but for one in 2^32.
        key = (try? P256.Signing.PrivateKey(rawRepresentation: digest)) ?? P256.Signing.PrivateKey()
        let hex = SHA256.hash(data: digest).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        func piece(_ from: Int, _ count: Int) -> Substring { hex.dropFirst(from).prefix(count) }
        let uuid = "\(piece(0, 8))-\(piece(8, 4))-4\(piece(13, 3))-a\(piece(17, 3))-\(piece(20, 12))"
        guard let id = HardwareID(uuid), let mac = MACAddress(octets: [2] + digest.prefix(5)) else {
            throw SimulationError("The hardware id of host \(number) cannot be made.")
        }
        (hardwareID, self.mac) = (id, mac)
        state = Mutex(State(fault: fault))
    }

    /// What it says of itself, as `muster-agent register` does.
    func claim(nonceHash: Nonce, port: UInt16) throws -> ClaimRequest {
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName(name) },
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        let card = HostFacts.Interface(
            name: HostileText("eth0"),
            mac: mac,
            hasCarrier: true,
            addresses: IPv4Network(address, prefixLength: 8).map { [$0] } ?? []
        )
        return ClaimRequest(
            certificateRequest: try request.serializeAsPEM().pemString + "\n",
            nonceHash: nonceHash,
            hardwareID: hardwareID,
            name: HostName(name),
            address: address,
            port: port,
            facts: HostFacts(cpuCount: HostReplies.processors, memory: 262_144, hasKVM: true, interfaces: [card])
        )
    }

    /// From now on its agent serves, and takes nobody's word but the engine's.
    func begin(certificate: String, authority: String) throws {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        )
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        configuration.certificateVerification = .noHostnameVerification
        let context = try NIOSSLContext(configuration: configuration)
        state.withLock { $0.tls = context }
    }

    func capabilities() throws -> ByteBuffer {
        let (isManaged, networks) = state.withLock { ($0.isManaged, $0.networks) }
        return try HostReplies.capabilities(
            address: address,
            mac: "\(mac)",
            uuid: "\(hardwareID)",
            isManaged: isManaged,
            networks: networks
        )
    }

    /// The first order is that of the installation, and makes the management network.
    func setUp(_ params: JSONValue) throws(RPCError) {
        let change = try SetupNetworksParameters(params: params)
        try state.withLock { state throws(RPCError) in
            guard state.isManaged else { return state.isManaged = true }
            var networks = state.networks ?? SimulatedNetworks()
            try networks.take(change)
            state.networks = networks
        }
    }
}

package struct SimulationError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
