import FoundationEssentials
import Glibc
import HostModel
import NIOCore
import NIOSSL
import Subprocess
import Testing

@testable import BootServer

/// HTTPS (H15), with curl and openssl as clients, and hostile ones.
@Suite(.timeLimit(.minutes(2))) struct BootHTTPSTests {
    private static let image = "/images/node/1/vmlinuz"

    /// A certificate that is its own CA, made by openssl(1), and its key.
    private struct Pair: Sendable {
        let folder: TemporaryDirectory
        var files: ServerIdentity.Files {
            .init(certificate: "\(folder.path)/server.pem", key: "\(folder.path)/server.key")
        }

        static func make(_ key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]) async throws -> Pair {
            let pair = Pair(folder: try TemporaryDirectory())
            try await pair.renew(key)
            return pair
        }

        func renew(_ key: [String]) async throws {
            let words =
                ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=boot", "-addext", "subjectAltName=IP:127.0.0.1"]
                + ["-newkey"] + key + ["-keyout", files.key, "-out", files.certificate]
            let made = try await run("openssl", words)
            #expect(made.isSuccess, "\(made.output)")
        }
    }

    private static func run(_ program: String, _ words: [String]) async throws -> (isSuccess: Bool, output: String) {
        let result = try await Subprocess.run(
            .name(program),
            arguments: Arguments(words),
            output: .bytes(limit: 1 << 20),
            error: .string(limit: 1 << 16)
        )
        let text = String(String.UnicodeScalarView(result.standardOutput.map { Unicode.Scalar($0) }))
        return (result.terminationStatus.isSuccess, text + result.standardError)
    }

    private static func curl(
        _ fixture: BootHTTPFixture,
        trusting authority: String,
        _ words: [String] = []
    ) async throws -> (isSuccess: Bool, output: String) {
        let url = "https://127.0.0.1:\(fixture.server.port)\(image)"
        return try await run("curl", ["--silent", "--show-error", "--cacert", authority, "--include"] + words + [url])
    }

    @Test(
        "H15: TLS 1.2 with RSA and 1.3: whole files, heads and ranges, never chunked",
        arguments: [
            (["rsa:2048"], ["--tls-max", "1.2", "--ciphers", "AES256-GCM-SHA384"]),
            (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["--tlsv1.3"]),
        ]
    )
    func clients(key: [String], version: [String]) async throws {
        let pair = try await Pair.make(key)
        try await BootHTTPFixture.with(identity: ServerIdentity(pair.files)) { fixture in
            let whole = try await Self.curl(fixture, trusting: pair.files.certificate, version)
            #expect(whole.isSuccess && whole.output.statuses == [200], "\(whole.output.prefix(300))")
            let body = Array(whole.output.body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
            #expect(body == BootHTTPFixture.kernel)
            #expect(whole.output.header("Content-Length") == "300000" && !whole.output.contains("Transfer-Encoding"))
            let head = try await Self.curl(fixture, trusting: pair.files.certificate, version + ["--head"])
            #expect(head.output.header("Content-Length") == "300000" && head.output.body.isEmpty)
            let part = try await Self.curl(fixture, trusting: pair.files.certificate, version + ["--range", "7-9"])
            #expect(part.output.header("Content-Range") == "bytes 7-9/300000" && part.output.body.utf8.count >= 3)
        }
    }

    @Test("another CA, an older TLS and clear HTTP are refused, and the server lives")
    func refusals() async throws {
        let (pair, other) = (try await Pair.make(), try await Pair.make())
        try await BootHTTPFixture.with(identity: ServerIdentity(pair.files)) { fixture in
            #expect(try await !Self.curl(fixture, trusting: other.files.certificate).isSuccess)
            let old = [
                "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", "127.0.0.1:\(fixture.server.port)",
            ]
            let answer = try await Self.run("openssl", old)
            #expect(!answer.isSuccess && answer.output.contains("alert protocol version"), "\(answer.output)")
            #expect(try await fixture.get("/boot/ipxe").statuses.isEmpty)
            #expect(try await Self.curl(fixture, trusting: pair.files.certificate).isSuccess)
        }
    }

    @Test("hostile handshakes: nonsense, silence, and more than an address's share at once")
    func hostile() async throws {
        let pair = try await Pair.make()
        var limits = BootHTTPLimits()
        (limits.handshake, limits.handshakesPerPeerMax) = (.seconds(3), 2)
        try await BootHTTPFixture.with(limits: limits, identity: ServerIdentity(pair.files)) { fixture in
            let port = fixture.server.port
            let nonsense = try await RawClient.connect(port: port)
            try await nonsense.send("\u{16}\u{3}\u{1}\u{0}\u{5}hello, this is no handshake")
            _ = await nonsense.untilClosed()
            // Two say nothing; a third is one too many.
            let silent = [try await RawClient.connect(port: port), try await RawClient.connect(port: port)]
            let third = try await RawClient.connect(port: port)
            #expect(await third.untilClosed() == "")
            for client in silent { #expect(await client.untilClosed() == "") }
            while fixture.server.connectionCount > 0 { await Task.yield() }
            #expect(try await Self.curl(fixture, trusting: pair.files.certificate).isSuccess)
            for client in [nonsense, third] + silent { client.close() }
        }
    }

    @Test("more handshakes of one address than its share are closed")
    func handshakeRate() async throws {
        let pair = try await Pair.make()
        var limits = BootHTTPLimits()
        (limits.handshakesPerPeer, limits.askMilliseconds) = (2, 600_000)
        try await BootHTTPFixture.with(limits: limits, identity: ServerIdentity(pair.files)) { fixture in
            for isServed in [true, true, false] {
                let answer = try await Self.curl(fixture, trusting: pair.files.certificate)
                #expect(answer.isSuccess == isServed, "\(answer.output.prefix(200))")
            }
        }
    }

    @Test("a renewed certificate is taken, a broken one is not, and what is on its way goes on")
    func renewal() async throws {
        let pair = try await Pair.make()
        let identity = try ServerIdentity(pair.files)
        try await BootHTTPFixture.with(identity: identity) { fixture in
            #expect(truncate(fixture.root + Self.image, 32 << 20) == 0)
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let client = try await RawClient.connect(
                port: fixture.server.port,
                tls: NIOSSLContext(configuration: configuration)
            )
            try await client.send("GET \(Self.image) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            await client.wait(for: "")
            let old = try #require(try? contents(of: pair.files.certificate))
            try BootHTTPFixture.write(Array("no certificate".utf8), to: pair.files.certificate)
            #expect(throws: ServerIdentity.Failure.self) { try identity.reload() }
            try await pair.renew(["rsa:2048"])
            #expect(try identity.reload())
            #expect(try !identity.reload(), "the same files are no news")
            #expect(try await Self.curl(fixture, trusting: pair.files.certificate, ["--head"]).isSuccess)
            try BootHTTPFixture.write(old, to: pair.files.key)
            #expect(try await !Self.curl(fixture, trusting: pair.files.key, ["--head"]).isSuccess)
            await client.wait(for: nil)
            #expect(client.count > 32 << 20)
            client.close()
        }
    }

    private func contents(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    @Test("the key of another certificate is refused when it is read")
    func anotherKey() async throws {
        let (pair, other) = (try await Pair.make(), try await Pair.make())
        #expect(throws: ServerIdentity.Failure.self) {
            try ServerIdentity(.init(certificate: pair.files.certificate, key: other.files.key))
        }
        #expect(throws: ServerIdentity.Failure.self) { try ServerIdentity(.init(certificate: "/none", key: "/none")) }
    }

    @Test("what a check says of dates and names")
    func check() async throws {
        let pair = try await Pair.make()
        let facts = try ServerIdentity(pair.files).facts
        #expect(facts.addresses == [[127, 0, 0, 1]])
        var settings = BootServicesSettings(
            interface: "lo",
            address: try #require(IPv4Network("127.0.0.1/8")),
            imageDirectory: "/",
            loaderDirectory: "/",
            pxeDirectory: "/",
            stateDirectory: "/"
        )
        settings.https = .init(port: 443, files: pair.files)
        let check = CertificateCheck(settings: settings)
        #expect(check.findings().map(\.what) == ["the certificate in \(pair.files.certificate) ends at \(facts.end)"])
        let early = CertificateCheck(settings: settings, now: facts.end - 30 * 86400)
        #expect(early.findings().first?.what.contains("is good from") == true)
        var long = facts
        long.end += 400 * 86400
        #expect(check.findings(of: long, "f").allSatisfy { $0.remedy == nil })
        long.addresses = []
        #expect(
            check.findings(of: long, "f").map(\.what) == ["the certificate in f does not name the address 127.0.0.1"]
        )
    }
}
