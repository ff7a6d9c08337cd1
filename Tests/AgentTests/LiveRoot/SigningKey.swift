import Agent
import FoundationEssentials
import Subprocess
import SwiftASN1
import SystemPackage
import Testing
import X509

/// A key and a certificate that `openssl` made, and signatures that it makes with them.
struct SigningKey {
    let folder: TemporaryDirectory
    let certificate: Certificate

    enum Kind: String, CaseIterable, Sendable {
        case rsa
        case ec
    }

    init(_ kind: Kind, name: String = "image signing") async throws {
        let folder = TemporaryDirectory()
        self.folder = folder
        let key =
            kind == .rsa ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        try await Self.openssl(
            ["req", "-x509", "-nodes", "-subj", "/O=Muster/CN=\(name)", "-days", "1", "-sha256"] + key
                + [
                    "-keyout", folder.directory.file("key.pem").string, "-out",
                    folder.directory.file("certificate.pem").string,
                ]
        )
        certificate = try Certificate(
            pemEncoded: String(decoding: folder.directory.read("certificate.pem") ?? [], as: UTF8.self)
        )
    }

    func path(_ name: String) -> String { folder.directory.file(name).string }

    var pem: String {
        get throws { String(decoding: try folder.directory.read("certificate.pem") ?? [], as: UTF8.self) }
    }

    /// A detached signature in DER.
    func sign(_ content: [UInt8], _ more: [String] = []) async throws -> [UInt8] {
        try folder.directory.write(content, to: "content")
        try await Self.openssl(
            [
                "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-in", path("content"), "-out",
                path("p7s"),
            ]
                + ["-signer", path("certificate.pem"), "-inkey", path("key.pem")] + more
        )
        return try folder.directory.read("p7s") ?? []
    }

    private static func openssl(_ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: Arguments(arguments),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        try #require(result.terminationStatus.isSuccess, "openssl \(arguments): \(result.standardError)")
    }
}
