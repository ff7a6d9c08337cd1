import Crypto
import Foundation
import Glibc
import SwiftASN1
import X509

@testable import Engine

/// A BMC that speaks Redfish over TLS: OpenStack's sushy-emulator, whose one machine is a row of a file and takes some seconds
/// to obey.
final class RedfishBoard: Sendable {
    let port: UInt16
    private let folder: URL
    private let program: TestProgram

    static let system = "27946b59-9e44-4fa7-8e91-f3527a1ef094"
    /// bcrypt of PowerTests' password.
    private static let account = "admin:$2b$04$efPCnk6LOAXiAe0imjxgl.JxqI7Ra9hOnVkqlEJ9Me68tYbQ/lte2"

    /// What `make test-power` fetches; `nil`: it was not.
    static var emulator: String? { getenv("MUSTER_TEST_REDFISH").map { String(cString: $0) } }

    init() throws {
        guard let emulator = Self.emulator else { throw Missing() }
        folder = FileManager.default.temporaryDirectory.appending(path: "redfish-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        port = try TestProgram.freePort(SOCK_STREAM)
        let (certificate, key) = try Self.identity()
        for (name, text) in [
            ("cert.pem", certificate), ("key.pem", key), ("htpasswd", Self.account + "\n"),
            ("config", Self.configuration(folder.path, port)),
        ] {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        program = try TestProgram([emulator, "--config", "config"], in: folder, until: "Running on")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The calls it got, a line each.
    var log: String { program.words }

    /// `trusts`: takes whatever certificate it shows.
    func settings(trusts: Bool = true) -> FenceAgentSettings {
        FenceAgentSettings(
            type: "redfish",
            address: "127.0.0.1",
            port: port,
            username: "admin",
            options: trusts ? ["ssl_insecure": "1"] : [:]
        )
    }

    private static func configuration(_ folder: String, _ port: UInt16) -> String {
        """
        SUSHY_EMULATOR_LISTEN_IP = "127.0.0.1"
        SUSHY_EMULATOR_LISTEN_PORT = \(port)
        SUSHY_EMULATOR_SSL_CERT = "\(folder)/cert.pem"
        SUSHY_EMULATOR_SSL_KEY = "\(folder)/key.pem"
        SUSHY_EMULATOR_AUTH_FILE = "\(folder)/htpasswd"
        SUSHY_EMULATOR_STATE_DIR = "\(folder)"
        SUSHY_EMULATOR_FAKE_DRIVER = True
        SUSHY_EMULATOR_FAKE_SYSTEMS = [
            {"uuid": "\(system)", "name": "bare-1", "power_state": "Off", "external_notifier": False, "nics": []}
        ]

        """
    }

    /// A certificate that nobody vouches for, as boards come with.
    private static func identity() throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("board") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -86_400),
            notValidAfter: Date(timeIntervalSinceNow: 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        return (try certificate.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
    }
}
