import Crypto
import Foundation
import Glibc
import HostModel
import SwiftASN1
import Testing
import X509

/// The real program under the attacks of peers.md 3.3 that come over its sockets.
@Suite(.serialized, .timeLimit(.minutes(20))) struct EngineAttackTests {
    private static let claims = "/ovirt-engine/services/muster-claim"

    /// A claim in JSON; `name` is what the machine calls itself.
    static func claim(_ id: String) throws -> String {
        let (key, nonce) = (P256.Signing.PrivateKey(), Nonce.random())
        let request = try CertificateSigningRequest(
            version: .v1,
            subject: try DistinguishedName { CommonName("anything") },
            privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        )
        let claim = ClaimRequest(
            certificateRequest: try request.serializeAsPEM().pemString,
            nonceHash: try #require(Nonce(bytes: Array(SHA256.hash(data: nonce.bytes)))),
            hardwareID: try #require(HardwareID(id)),
            name: HostName(id),
            address: .loopback,
            port: 54321,
            facts: HostFacts()
        )
        return String(decoding: try JSONEncoder().encode(claim), as: UTF8.self)
    }

    private static func memory(of pid: pid_t) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.firstMatch(of: /VmRSS:\s+([0-9]+) kB/))
        return try #require(Int(line.output.1))
    }

    @Test(
        "A1: a flood of claims from one address: refused beyond its share, memory stays flat, and another machine enrols"
    )
    func flood() async throws {
        let calls = isEngineTestWanted ? 100_000 : 1500
        try await EnginePrograms.run { place in
            _ = try await EngineFaultTests.initialized(place)
            try await place.running(place.engineAlone()) { pid, next in
                _ = try await next("ready: ")
                let bodies = try (0..<100).map { number in
                    let file = "\(place.directory)/claim-\(number)"
                    try Data(try Self.claim("flood-\(number)").utf8).write(to: URL(filePath: file))
                    return file
                }
                func flood(_ calls: Int) async throws -> [Substring: Int] {
                    let lines = (0..<calls).map { number in
                        """
                        url = "https://127.0.0.1:8443\(Self.claims)"
                        header = "Content-Type: application/json"
                        data-binary = "@\(bodies[number % bodies.count])"
                        output = /dev/null
                        write-out = "%{http_code}\\n"
                        insecure
                        silent
                        next
                        """
                    }
                    let file = "\(place.directory)/calls"
                    try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: file))
                    let outcome = try await place.inside([
                        "curl", "--parallel", "--parallel-max", "40", "--silent", "--config", file,
                    ])
                    return outcome.output.split(separator: "\n").reduce(into: [:]) { $0[$1, default: 0] += 1 }
                }
                var answers = try await flood(calls / 5)
                let before = try Self.memory(of: pid)
                answers.merge(try await flood(calls - calls / 5)) { $0 + $1 }
                let grown = try Self.memory(of: pid) - before
                #expect(grown < 24 << 10, "\(grown) KiB more after \(calls) claims")
                #expect(answers["201", default: 0] <= 100 && answers["429", default: 0] > calls / 2, "\(answers)")
                // 000: the connection was closed, because the body of a refused call is not read.
                #expect(answers.keys.allSatisfy { ["000", "201", "409", "429", "503"].contains($0) }, "\(answers)")
                let file = "\(place.directory)/honest"
                try Data(try Self.claim("honest").utf8).write(to: URL(filePath: file))
                let honest = try await place.curl(
                    Self.claims,
                    [
                        "--interface", "127.0.0.9", "--header", "Content-Type: application/json", "--data-binary",
                        "@\(file)",
                    ]
                )
                #expect(honest.status == 201, "\(honest)")
            }
        }
    }

    @Test("A10: no TLS below 1.2 and no weak cipher; 1.3 where the client can; with --tls-minimum 1.3 nothing else")
    func tls() async throws {
        try await EnginePrograms.run { place in
            _ = try await EngineFaultTests.initialized(place)
            func handshake(_ words: String...) async throws -> String {
                let client = ["timeout", "20", "openssl", "s_client", "-brief", "-connect", "127.0.0.1:8443"] + words
                let outcome = try await place.inside(client)
                return outcome.exit == 0 ? outcome.errors + outcome.output : ""
            }
            try await place.running(place.engineAlone()) { _, next in
                _ = try await next("ready: ")
                #expect(try await handshake().contains("TLSv1.3"))
                #expect(try await handshake("-tls1_2").contains("TLSv1.2"), "the floor is open to older clients")
                // Level 0, so that it is the engine that refuses and not OpenSSL here.
                for old in ["-tls1", "-tls1_1"] {
                    #expect(try await handshake(old, "-cipher", "ALL:@SECLEVEL=0") == "", "\(old)")
                }
                for weak in ["aNULL:eNULL:@SECLEVEL=0", "RC4:DES:3DES:@SECLEVEL=0", "EXPORT:LOW:MD5:@SECLEVEL=0"] {
                    #expect(try await handshake("-tls1_2", "-cipher", weak) == "", "\(weak)")
                }
            }
            try await place.running(place.engineAlone(["--tls-minimum", "1.3"])) { _, next in
                _ = try await next("ready: ")
                #expect(try await handshake().contains("TLSv1.3"))
                #expect(try await handshake("-tls1_2") == "")
            }
            let wrong = try await place.engine("serve", "--tls-minimum", "1.1", "--data-directory", place.data)
            #expect(wrong.exit == 64 && wrong.errors.contains("1.2 or 1.3"), "\(wrong)")
        }
    }

    @Test("A15: names with escape sequences, line ends and JSON in them stay one field of one line of the log")
    func hostileLog() async throws {
        try await EnginePrograms.run { place in
            _ = try await EngineFaultTests.initialized(place)
            // Control characters are refused in a user's name; these are none, and do harm all the same.
            let name = "a%22%7D%20%7B%22level%22%3A%22critical%22%7D%E2%80%AE%22%5C"
            let flags = ["--log-format", "json", "--log-level", "debug"]
            try await place.running(place.engineAlone(flags)) { _, next in
                _ = try await next("ready: ")
                let form = "grant_type=password&username=\(name)&password=x"
                #expect(try await place.curl("/ovirt-engine/sso/oauth/token", ["--data", form]).status == 401)
                let line = try await next("20030")
                let entry = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
                #expect(entry["code"] == "20030" && entry["level"] == "debug" && entry["program"] == "muster-engine")
                #expect(entry["message"]?.contains("critical") == true)
                let isPlain = line.unicodeScalars.allSatisfy {
                    $0.value >= 32 && $0.value != 0x202E && $0.value != 0x7F
                }
                #expect(isPlain, "\(line)")
            }
        }
    }
}
