import Engine
import EngineClient
import Foundation
import HostModel
import Subprocess
import SystemPackage
import Testing

@testable import EngineAPI

/// Another certificate for HTTPS than the engine's own, made by openssl as an administrator has it made.
@Suite struct WebCertificateTests {
    /// A CA with RSA keys, its leaf for 127.0.0.1 and *.example.org, and pieces that do not fit.
    private final class Files: Sendable {
        let folder: String

        init() async throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "muster-web-\(UniqueID.random())").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let names = "subjectAltName=IP:127.0.0.1,DNS:*.example.org"
            try Data("\(names)\n".utf8).write(to: URL(filePath: "\(folder)/names"))
            try Data("\(names)\nextendedKeyUsage=clientAuth\n".utf8).write(to: URL(filePath: "\(folder)/client"))
            try Data("\(APIInstallation.password)\n".utf8).write(to: URL(filePath: "\(folder)/password"))
            async let authority: Void = openssl(
                "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 9 -subj /CN=Web"
            )
            async let request: Void = openssl("req -newkey rsa:2048 -nodes -keyout web.key -out web.csr -subj /CN=web")
            async let curve: Void = openssl("ecparam -name secp384r1 -genkey -out other.key")
            async let small: Void = openssl(
                "req -x509 -newkey rsa:1024 -nodes -keyout small.key -out small.pem -days 9 -subj /CN=small"
            )
            async let edwards: Void = openssl(
                "req -x509 -newkey ed25519 -nodes -keyout ed.key -out ed.pem -days 9 -subj /CN=ed"
            )
            _ = try await (authority, request, curve, small, edwards)
            async let leaf: Void = sign("names", to: "web.pem")
            async let client: Void = sign("client", to: "client.pem")
            async let locked: Void = openssl("pkey -in web.key -aes128 -passout pass:xxxx -out locked.key")
            async let own: Void = openssl("req -x509 -key other.key -out other.pem -days 9 -subj /CN=other")
            _ = try await (leaf, client, locked, own)
            let chain = try text("web.pem") + text("ca.pem")
            try Data(chain.utf8).write(to: URL(filePath: "\(folder)/chain.pem"))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        private func sign(_ names: String, to file: String) async throws {
            try await openssl("x509 -req -in web.csr -CA ca.pem -CAkey ca.key -days 5 -extfile \(names) -out \(file)")
        }

        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }

        private func openssl(_ words: String) async throws {
            let done = try await program(["openssl"] + words.split(separator: " ").map(String.init))
            try #require(done.status == .exited(0), "openssl \(words): \(done.output)")
        }

        func program(_ words: String...) async throws -> (status: TerminationStatus, output: String) {
            try await program(words)
        }

        /// In the folder of the files.
        func program(_ words: [String]) async throws -> (status: TerminationStatus, output: String) {
            let result = try await Subprocess.run(
                words[0].hasPrefix("/") ? .path(FilePath(words[0])) : .name(words[0]),
                arguments: Arguments(Array(words.dropFirst())),
                environment: .inherit.updating(["MUSTER_CONFIG": "\(folder)/config"]),
                workingDirectory: FilePath(folder),
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20)
            )
            return (result.terminationStatus, result.standardOutput + result.standardError)
        }
    }

    private static func refusal(_ certificates: String, _ key: String, after seconds: Double = 60) -> String? {
        do throws(EngineError) {
            _ = try WebCertificate(certificates: certificates, key: key, now: Date() + seconds)
            return nil
        } catch {
            return error.detail
        }
    }

    @Test("what does not fit together, is over, or is too weak is refused with what is wrong")
    func refusals() async throws {
        let files = try await Files()
        let (web, key, authority) = (try files.text("web.pem"), try files.text("web.key"), try files.text("ca.pem"))
        #expect(Self.refusal(web, key) == nil && Self.refusal(web + authority, key) == nil)
        #expect(Self.refusal(web + key, web + key) == nil, "both may stand in one file")
        let longest = key + web + String(repeating: authority, count: WebCertificate.certificatesMax - 1)
        #expect(Self.refusal(longest, longest) == nil, "the key is none of the certificates")
        #expect(
            try Self.refusal(files.text("other.pem"), files.text("other.key")) == nil,
            "P-384, behind its parameters"
        )
        for (text, sentence) in try [
            (Self.refusal(web, files.text("other.key")), "not that of the certificate"),
            (Self.refusal(authority + web, files.text("ca.key")), "did not sign the certificate before it"),
            (Self.refusal(authority + web, key), "did not sign"), (Self.refusal("", key), "no chain"),
            (Self.refusal(web, ""), "no private key"), (Self.refusal(web, files.text("locked.key")), "encrypted"),
            (Self.refusal(web, key, after: 6 * 86400), "ended on"),
            (Self.refusal(web, key, after: -86400), "not valid before"),
            (Self.refusal(files.text("client.pem"), key), "none for servers"),
            (Self.refusal(files.text("small.pem"), files.text("small.key")), "key is of a kind"),
            (Self.refusal(files.text("ed.pem"), files.text("ed.key")), "key is of a kind"),
            (Self.refusal(longest + authority, key), "no chain"),
        ] as [(String?, String)] {
            #expect(text?.contains(sentence) == true, "\(text ?? "taken") is not \(sentence)")
        }
        let read = try WebCertificate(certificates: web, key: key, now: .now + 60)
        #expect(["127.0.0.1", "engine.example.org", "ENGINE.example.org"].allSatisfy { read.isFor($0) })
        #expect(["127.0.0.2", "example.org", "a.b.example.org", "x"].allSatisfy { !read.isFor($0) })
    }

    /// An engine that shows it, at 127.0.0.1.
    private static func serving(
        _ body: @escaping @Sendable (_ files: Files, _ engine: HostEngine, _ port: Int) async throws -> Void
    ) async throws {
        let files = try await Files()
        let web = try WebCertificate(certificates: files.text("chain.pem"), key: files.text("web.key"), now: .now + 60)
        try await APIInstallation.run {
            $0.engineAddress = "127.0.0.1"
            try? HostEngine.setWebCertificate(web, in: $0.dataDirectory)
        } _: { client in
            try Data(client.engine.authorityPEM.utf8).write(to: URL(filePath: "\(files.folder)/own.pem"))
            try await ListeningEngine.run(client.engine) { port in try await body(files, client.engine, port) }
        }
    }

    @Test("browsers and programs see it; by the name that no host has the engine's own is there")
    func served() async throws {
        try await Self.serving { files, engine, port in
            #expect(try await engine.metrics().text.contains(#"{certificate="web"}"#), "of a chain, too")
            let health = "https://127.0.0.1:\(port)/ovirt-engine/services/health"
            let curl = try await files.program("curl", "--silent", "--cacert", "ca.pem", health)
            #expect(curl.output.hasPrefix("DB Up!"), "\(curl)")
            let stranger = try await files.program("curl", "--silent", "--cacert", "own.pem", health)
            #expect(stranger.status == .exited(60), "\(stranger)")
            for (name, issuer) in [("x.example.org", "CN = Web"), (HostEngine.ownCertificateName, "O = Muster")] {
                let words = ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-servername", name]
                let full = try await files.program(words)
                #expect(full.output.contains("issuer=\(issuer)"), "\(name): \(full.output)")
                let old = try await files.program(words + ["-brief", "-tls1_2"])
                #expect(old.output.contains("CONNECTION ESTABLISHED"), "\(old.output)")
            }
        }
    }

    @Test("who trusts the engine's CA, or pinned it, goes on as before; a stranger's CA is refused")
    func clients() async throws {
        try await Self.serving { files, engine, port in
            let trusts: [ServerTrust?] = [
                .authority(pem: engine.authorityPEM), Fingerprint(engine.authorityFingerprint).map { .pinned($0) },
                .authority(pem: try files.text("ca.pem")),
            ]
            for trust in trusts {
                let transport = try HTTPTransport(.https(host: "127.0.0.1", port: port), trust: try #require(trust))
                defer { transport.close() }
                for _ in 1...2 {
                    #expect(try await transport.send(.get("/ovirt-engine/services/health")).status == 200)
                }
            }
            let nobodys = try #require(ServerTrust.authority(pem: try files.text("other.pem")))
            let transport = try HTTPTransport(.https(host: "127.0.0.1", port: port), trust: nobodys)
            await #expect(throws: TransportError.self) { try await transport.send(.get("/")) }
        }
    }

    @Test("`muster login` takes the CA of either", arguments: [("ca.pem", 0), ("own.pem", 0), ("other.pem", 69)])
    func login(file: String, status: Int32) async throws {
        try await Self.serving { files, _, port in
            let login = try await files.program(
                [EnginePrograms.built("muster"), "login", "https://127.0.0.1:\(port)"]
                    + ["--password-file", "password", "--ca-file", file]
            )
            #expect(login.status == .exited(status), "\(file): \(login.output)")
        }
    }

    @Test("`muster-engine certificate` shows it, changes it and goes back to the engine's own")
    func command() async throws {
        let files = try await Files()
        let directory = "\(files.folder)/data"
        try await APIInstallation.run { settings in
            try? FileManager.default.copyItem(atPath: settings.dataDirectory, toPath: directory)
        } _: { _ in
        }
        func certificate(_ words: String...) async throws -> (Int32?, String) {
            let done = try await files.program(
                [EnginePrograms.built("muster-engine"), "certificate", "--data-directory", directory]
                    + ["--address", "engine.example.net"] + words
            )
            guard case .exited(let code) = done.status else { return (nil, "") }
            return (code, done.output)
        }
        #expect(try await certificate().1.contains("One of the engine's own CA"))
        let set = try await certificate("--tls-cert", "chain.pem", "--tls-key", "web.key")
        #expect(
            set.0 == 0 && set.1.contains("issued by CN=Web") && set.1.contains("warning: the certificate is for 127")
        )
        let file = "\(directory)/pki/web.pem"
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber == 0o600)
        #expect(try await certificate().1.contains("*.example.org"))
        let wrong = try await certificate("--tls-cert", "chain.pem", "--tls-key", "other.key")
        #expect(wrong.0 == 78 || wrong.0 == 65 || wrong.0 == 64, "\(wrong)")
        #expect(wrong.1.contains("not that of the certificate") && wrong.1.contains("try:"))
        #expect(try await certificate("--tls-cert", "chain.pem").0 == 64)
        #expect(try await certificate("--own").0 == 0)
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try await certificate("--own").1.contains("One of the engine's own CA"))
    }
}
