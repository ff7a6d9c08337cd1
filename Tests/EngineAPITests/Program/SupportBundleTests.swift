import Foundation
import Glibc
import HostModel
import Testing

/// `muster support bundle` of an engine that is full of secrets.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SupportBundleTests {
    private static let board = "PLANTED-board-password"
    private static let argument = "PLANTED-kernel-argument"
    private static let commented = "PLANTED-in-a-comment"
    private static let hash = "$6$PLANTEDsalt$PLANTEDhash"
    private static let metrics = "PLANTED-metrics-token"

    /// Every secret, by the name that a finding gets.
    private static func secrets(_ place: EnginePrograms, _ session: [String]) throws -> [(name: String, text: String)] {
        var secrets = [
            ("the administrator's password", EngineFaultTests.password), ("the board's password", board),
            ("a kernel argument", argument), ("a password in a comment", commented), ("root's hash", "PLANTEDhash"),
            ("the metrics token", metrics),
            ("the session", String(session[1].dropFirst("Authorization: Bearer ".count))),
        ]
        let keys = "\(place.data)/pki"
        for name in try FileManager.default.contentsOfDirectory(atPath: keys) where name.hasSuffix(".key") {
            let text = String(
                decoding: FileManager.default.contents(atPath: "\(keys)/\(name)") ?? Data(),
                as: UTF8.self
            )
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("-----") && $0.count >= 20 }
            try #require(!lines.isEmpty || !text.contains("BEGIN"), "\(name)")
            secrets += lines.map { ("a line of \(name)", String($0)) }
        }
        try #require(secrets.count > 10)
        return secrets
    }

    private static func plant(_ place: EnginePrograms, _ session: [String]) async throws {
        let api = EngineFaultTests.api
        struct Hosts: Decodable {
            struct Host: Decodable { var id: String }
            var host: [Host]
        }
        let list = try await place.curl("\(api)/hosts", session)
        let id = try JSONDecoder().decode(Hosts.self, from: Data(list.body.utf8)).host[0].id
        func send(_ method: String, _ path: String, _ body: String) async throws {
            let words = ["--request", method, "--header", "Content-Type: application/json", "--data", body]
            let answer = try await place.curl("\(api)/\(path)", session + words)
            try #require([200, 201].contains(answer.status), "\(path): \(answer)")
        }
        try await send(
            "POST",
            "hosts/\(id)/fenceagents",
            #"{"type":"ipmilan","address":"192.0.2.8","username":"admin","password":"\#(board)","order":1}"#
        )
        try await send("PUT", "hosts/\(id)", #"{"comment":"rack 4, ipmi password=\#(commented) since May"}"#)
        try await send(
            "PUT",
            "bootprofiles/leak",
            #"{"name":"leak","mode":"run","image":"node-minimal","kernelArguments":["rd.luks.key=\#(argument)"]}"#
        )
        try await send(
            "PUT",
            "bootprofiles/centos",
            #"{"name":"centos","mode":"kickstart","kernelArguments":[],"kickstart":{"tree":"http://mirror.example/os","repositories":[],"packages":[],"timeZone":"Etc/UTC","rootPassword":"\#(hash)","sshKeys":[]}}"#
        )
    }

    @Test(
        "A29: an engine full of passwords, keys, hashes and tokens: none of them is in its support bundle, and the rest is"
    )
    func secrets() async throws {
        try await EnginePrograms.run { place in
            let passwordFile = try await EngineFaultTests.initialized(place)
            let tokenFile = "\(place.directory)/metrics"
            try Data("\(Self.metrics)\n".utf8).write(to: URL(filePath: tokenFile))
            try await place.running(place.engineAlone(["--metrics-token-file", tokenFile])) { _, next in
                _ = try await next("ready: ")
                try await place.running(try await EngineFaultTests.fleet(1, place, passwordFile)) { _, _ in
                    _ = try await next("is up;")
                    let session = try await EngineFaultTests.signIn(place)
                    try await Self.plant(place, session)
                    let fingerprint = try await place.engine("fingerprint", "--data-directory", place.data).output
                    let muster = ["env", "MUSTER_CONFIG=\(place.directory)/config", EnginePrograms.built("muster")]
                    let login = try await place.inside(
                        muster + [
                            "login", "https://127.0.0.1:\(EnginePrograms.port)", "--fingerprint",
                            String(fingerprint.prefix(64)), "--password-file", passwordFile,
                        ]
                    )
                    #expect(login.exit == 0, "\(login)")
                    let bundle = muster + ["support", "bundle", "--host", "sim-00001"]
                    let listed = try await place.inside(bundle + ["--list"])
                    #expect(
                        listed.exit == 0 && listed.output.contains("hosts/sim-00001/capabilities.json"),
                        "\(listed)"
                    )
                    let file = "\(place.directory)/bundle.tar"
                    let made = try await place.inside(bundle + ["--output", file])
                    // The simulated host has no logs to show, and that is said.
                    #expect(made.exit == 0 || made.exit == 75, "\(made)")
                    #expect(made.output == "\(file)\n" && made.errors.contains("engine/diagnostics.json"), "\(made)")
                    try await Self.look(into: file, place, session)
                    let again = try await place.inside(bundle + ["--output", file])
                    #expect(again.exit == 65 && again.errors.contains("a name that is free"), "\(again)")
                }
            }
        }
    }

    private static func look(into file: String, _ place: EnginePrograms, _ session: [String]) async throws {
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        let bytes = try #require(FileManager.default.contents(atPath: file))
        for (name, secret) in try Self.secrets(place, session) {
            #expect(bytes.firstRange(of: Data(secret.utf8)) == nil, "\(name) is in the bundle")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        for wanted in [
            "sim-00001", "\"schema\"", "17 arrivals", "muster_hosts{status=\"up\"} 1", "was approved (key SHA256:",
            "\"metrics-token-file\"", "rack 4, ipmi password=[removed] since May", "supportedENGINEs",
            "\"check\" : \"ok\"",
        ] {
            #expect(text.contains(wanted), "\(wanted) is missing")
        }
        let names = try await place.inside(["tar", "-tf", file]).output.split(separator: "\n")
        #expect(names.allSatisfy { $0.hasPrefix("muster-support/") } && names.last == "muster-support/manifest.json")
        let manifest = try await place.inside(["tar", "-xOf", file, "muster-support/manifest.json"]).output
        let notes = manifest.matches(of: /"note"/).count
        #expect(notes <= 1 && (notes == 0 || manifest.contains(/"note"[^}]*logs.json/)), "all but logs: \(manifest)")
        #expect(manifest.contains(#""path" : "hosts.json""#) && manifest.contains(#""removed" : 1"#), "\(manifest)")
    }

    @Test("an engine that says little, and a bundle that is full: what is missing is noted, and the file is there")
    func partial() async throws {
        try await EnginePrograms.run { place in
            let passwordFile = try await EngineFaultTests.initialized(place)
            let muster = ["env", "MUSTER_CONFIG=\(place.directory)/config", EnginePrograms.built("muster")]
            let file = "\(place.directory)/bundle.tar"
            try await place.running(place.engineAlone()) { _, next in
                _ = try await next("ready: ")
                let fingerprint = try await place.engine("fingerprint", "--data-directory", place.data).output
                let login = [
                    "login", "https://127.0.0.1:\(EnginePrograms.port)", "--fingerprint",
                    String(fingerprint.prefix(64)),
                    "--password-file", passwordFile,
                ]
                #expect(try await place.inside(muster + login).exit == 0)
                // There is no such unit, or no systemd at all.
                let made = try await place.inside(
                    muster + ["support", "bundle", "--output", file, "--journal", "none.such"]
                )
                if made.exit == 75 {
                    #expect(
                        made.errors.contains("engine/journal.txt") && made.errors.contains("gave nothing"),
                        "\(made)"
                    )
                    let manifest = try await place.inside(["tar", "-xOf", file, "muster-support/manifest.json"]).output
                    #expect(manifest.contains(#""note" :"#), "\(manifest)")
                } else {
                    #expect(made.exit == 0, "\(made)")
                }
                let unknown = try await place.inside(
                    muster + ["support", "bundle", "--host", "nobody", "--output", "\(file)2"]
                )
                #expect(unknown.exit == 65 && !FileManager.default.fileExists(atPath: "\(file)2"), "\(unknown)")
            }
            let gone = try await place.inside(muster + ["support", "bundle", "--output", "\(file)3"])
            #expect(gone.exit == 75 && gone.errors.contains("12 of 12 sources gave nothing"), "\(gone)")
        }
    }
}
