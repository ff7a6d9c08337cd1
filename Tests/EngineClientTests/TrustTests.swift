import NIOCore
import NIOSSL
import TestServers
import Testing
import X509

@testable import EngineClient

extension TestAuthority {
    fileprivate var chain: CertificateChain { get throws { CertificateChain(der: [try der]) } }
}

@Suite struct TrustTests {
    /// What a client with this trust makes of a server with this leaf.
    private func outcome(
        _ configuration: TLSConfiguration,
        _ trust: ServerTrust,
        host: String = "127.0.0.1"
    ) async throws -> Result<HTTPAnswer, TransportError> {
        try await TestServer.with(tls: configuration, respond: { _ in .ok("secret") }) { server in
            let transport = try HTTPTransport(.https(host: host, port: server.port), trust: trust)
            defer { transport.close() }
            do throws(TransportError) { return .success(try await transport.send(.get("/"))) } catch {
                return .failure(error)
            }
        }
    }

    private func isUntrusted(_ outcome: Result<HTTPAnswer, TransportError>) -> Bool {
        if case .failure(.untrusted) = outcome { true } else { false }
    }

    private func isRefused(_ configuration: TLSConfiguration, _ trust: ServerTrust) async throws -> Bool {
        isUntrusted(try await outcome(configuration, trust))
    }

    @Test(
        "A10: the authority vouches for the address and the name that were dialled",
        arguments: [
            ("127.0.0.1", GeneralName.loopback, true),
            ("localhost", .localhost, true),
            ("127.0.0.1", .localhost, false),
            ("localhost", .loopback, false),
        ]
    )
    func names(host: String, name: GeneralName, isTrusted: Bool) async throws {
        let authority = try TestAuthority()
        let outcome = try await outcome(try authority.server([name]), .authority(try authority.chain), host: host)
        #expect(isUntrusted(outcome) == !isTrusted)
        if isTrusted { #expect(try outcome.get().status == 200) }
    }

    @Test func anotherAuthorityOfTheSameNameIsRefused() async throws {
        let outcome = try await outcome(
            try TestAuthority().server([.loopback]),
            .authority(try TestAuthority().chain)
        )
        #expect(isUntrusted(outcome))
    }

    @Test("A10: an expired leaf, and one from the future, are refused", arguments: [-7200.0, 3600.0])
    func time(begins: Double) async throws {
        let authority = try TestAuthority()
        let configuration = try authority.server([.loopback], begins: begins, lasts: 3600)
        #expect(try await isRefused(configuration, .authority(try authority.chain)))
        let fingerprint = try #require(try authority.chain.fingerprints.first)
        #expect(try await outcome(configuration, .pinned(fingerprint)).get().status == 200, "no clock is asked")
    }

    @Test(
        "the certificate of a host is not the engine's, whatever address it claimed",
        arguments: [
            "muster:host/5a31", "muster:boot/1",
        ]
    )
    func roles(uri: String) async throws {
        let authority = try TestAuthority()
        let configuration = try authority.server([.loopback, .uniformResourceIdentifier(uri)])
        #expect(try await isRefused(configuration, .authority(try authority.chain)))
        let engine = try authority.server([.loopback, .uniformResourceIdentifier("muster:engine")])
        #expect(try await outcome(engine, .authority(try authority.chain)).get().status == 200)
    }

    @Test func aClientsCertificateIsNoServers() async throws {
        let authority = try TestAuthority()
        let configuration = try authority.server([.loopback], usages: [.clientAuth])
        #expect(try await isRefused(configuration, .authority(try authority.chain)))
    }

    @Test func pinsALeaf() async throws {
        let configuration = try TestAuthority().server([])
        let shown = try await outcome(configuration, .any).get().peer
        #expect(shown.certificates.count == 2)
        let leaf = try #require(shown.fingerprints.first)
        #expect(try await outcome(configuration, .pinned(leaf)).get().status == 200)
        #expect(try await isRefused(try TestAuthority().server([]), .pinned(leaf)))
    }

    @Test func aPinnedAuthorityMustHaveIssuedTheLeaf() async throws {
        let authority = try TestAuthority()
        let fingerprint = try #require(try authority.chain.fingerprints.first)
        // A stranger's leaf, sent along with the true CA's certificate, which is public.
        var forged = try TestAuthority().server([.loopback], sendsAuthority: false)
        forged.certificateChain.append(
            .certificate(try NIOSSLCertificate(bytes: try TestAuthority.der(authority.certificate), format: .der))
        )
        #expect(try await isRefused(forged, .pinned(fingerprint)))
        #expect(try await isRefused(try authority.server([.localhost]), .pinned(fingerprint)))
    }

    @Test func saysThatThePortSpeaksNoTLS() async throws {
        try await TestServer.with(respond: { _ in .ok("") }) { server in
            let endpoint = Endpoint.https(host: "127.0.0.1", port: server.port)
            let transport = try HTTPTransport(endpoint, trust: .any)
            await #expect(throws: TransportError.self) { try await transport.send(.get("/")) }
        }
    }

    @Test(
        "fingerprints are read as people write them",
        arguments: [
            "ab", "AB:AB", "SHA256:abab", "zz", "",
        ]
    )
    func fingerprintText(pattern: String) {
        let digits = String(repeating: "ab", count: 32)
        let colons = Array(repeating: "AB", count: 32).joined(separator: ":")
        #expect(Fingerprint(digits)?.hex == digits)
        #expect(Fingerprint(colons)?.description == colons)
        #expect(Fingerprint("SHA256:" + colons)?.hex == digits)
        #expect(Fingerprint(pattern) == nil)
    }
}
