import Foundation
import Glibc
import HostModel
import SwiftASN1
import Testing
import X509

@testable import Engine

/// The certificate of the boot services' HTTPS.
@Suite struct BootCertificateTests {
    private struct Installed {
        var engine: HostEngine
        var path: String
        var clock: TestClock

        func certificate() throws -> Certificate {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let start = try #require(text.range(of: "-----BEGIN CERTIFICATE-----")).lowerBound
            let end = try #require(text.range(of: "-----END CERTIFICATE-----")).upperBound
            return try Certificate(pemEncoded: String(text[start..<end]))
        }
    }

    private static func with(
        addresses: [String] = ["10.77.0.1", "fd00:77::1"],
        name: String = "boot.example.org",
        _ body: (Installed) throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "muster-boot-tls-\(UniqueID.random())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let clock = TestClock()
        let installation = try await TestInstallation { settings in
            settings.clock = clock.wall
            settings.bootCertificate = BootCertificatePlace(
                path: path,
                group: getegid(),
                addresses: addresses,
                name: name
            )
        }
        try body(Installed(engine: try await installation.open(), path: path, clock: clock))
    }

    @Test func itNamesTheBootServerAndIsForServersOnly() async throws {
        try await Self.with { installed in
            let certificate = try installed.certificate()
            let names = try #require(try certificate.extensions.subjectAlternativeNames)
            #expect(names.contains(.ipAddress(ASN1OctetString(contentBytes: [10, 77, 0, 1]))))
            let sixth = try #require(IPAddress("fd00:77::1"))
            #expect(names.contains(.ipAddress(ASN1OctetString(contentBytes: sixth.octets[...]))))
            #expect(names.contains(.dnsName("boot.example.org")))
            let role = names.compactMap { if case .uniformResourceIdentifier(let uri) = $0 { uri } else { nil } }
            #expect(role.count == 1 && role.allSatisfy { $0.hasPrefix("muster:boot/") })
            #expect(try certificate.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
            #expect(
                installed.engine.authority.certificate.publicKey.isValidSignature(
                    certificate.signature,
                    for: certificate
                )
            )
            let mode = try FileManager.default.attributesOfItem(atPath: installed.path)[.posixPermissions] as? Int
            #expect(mode == 0o640, "others read no key")
        }
    }

    @Test(
        "whoever takes the boot server does not have the engine's name",
        arguments: ["engine.example.org", "Engine.Example.org", "localhost", "no name", "10.0.0.1"]
    )
    func neverTheEnginesName(name: String) async throws {
        try await Self.with(name: name) { installed in
            let names = try #require(try installed.certificate().extensions.subjectAlternativeNames)
            #expect(!names.contains { if case .dnsName = $0 { true } else { false } })
        }
    }

    @Test("where the engine is reached by the boot server's address there is no certificate, and the engine starts")
    func neverTheEnginesAddress() async throws {
        try await Self.with(addresses: ["engine.example.org", "10.77.0.1"]) { installed in
            #expect(!FileManager.default.fileExists(atPath: installed.path))
            #expect(throws: EngineError.self) { try installed.engine.renewBootCertificate() }
        }
    }

    @Test func itIsKeptWhileItIsGoodAndRenewedInTime() async throws {
        try await Self.with { installed in
            let first = try installed.certificate()
            #expect(try !installed.engine.renewBootCertificate())
            installed.clock.advance(seconds: 59 * 86400)
            #expect(try !installed.engine.renewBootCertificate())
            installed.clock.advance(seconds: 2 * 86400)
            #expect(try installed.engine.renewBootCertificate())
            #expect(try installed.certificate().serialNumber != first.serialNumber)
            try "damaged".write(toFile: installed.path, atomically: false, encoding: .utf8)
            #expect(try installed.engine.renewBootCertificate())
            #expect(try installed.certificate().issuer == first.issuer)
        }
    }
}
