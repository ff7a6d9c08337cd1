import Foundation
import HostModel
import Synchronization
import SystemPackage
import TestServers
import Testing

@testable import Commands
@testable import EngineClient

/// The built program against an engine in the test process: what a person or a script sees.
@Suite struct ProgramTests {
    @Test func logsInPinsAndLogsOut() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            let file = try ContextFile(option: program.configuration.string, environment: [:])
            let context = try file.read().context(nil)
            #expect(context.token == FakeEngine.token)
            #expect(context.authority == CertificateChain(der: [try engine.authority.der]).pem)
            let out = try await program.run(["logout"])
            #expect(out.exit == 0)
            #expect(try file.read().context(nil).token == nil)
            #expect(try file.read().context(nil).authority != nil, "the CA stays pinned")
            #expect(engine.state.withLock { $0.calls.last }?.hasSuffix("scope=ovirt-app-api&token=t0k3n") == true)
            let after = try await program.run(["host", "list"])
            #expect(after.exit == 77)
            #expect(after.errors == "error: nobody is logged in\n  try: muster login https://ENGINE\n")
        }
    }

    @Test("contexts are listed without their tokens, renamed, chosen and forgotten")
    func contexts() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up]) { program, _ in
            let name = try #require(
                try ContextFile(option: program.configuration.string, environment: [:]).read().current
            )
            #expect(try await program.run(["context", "rename", name, "lab"]).output == "\(name) is lab now\n")
            let list = try await program.run(["context", "list", "-o", "json"])
            #expect(list.output.contains("\"name\" : \"lab\"") && !list.output.contains(FakeEngine.token), "\(list)")
            #expect(try await program.run(["--context", "lab", "host", "list"]).exit == 64, "an option of the command")
            #expect(try await program.run(["host", "list", "--context", "lab", "-o", "name"]).exit == 0)
            let other = try await program.run(["host", "list", "--context", "x\u{1b}[1m"])
            #expect(other.exit == 78 && other.errors.contains(#"there is no context x\u{1b}[1m"#), "\(other.errors)")
            #expect(try await program.run(["context", "remove", "lab"]).exit == 0)
            #expect(try await program.run(["host", "list"]).exit == 77)
            #expect(try await program.run(["context", "use", "lab"]).exit == 78)
        }
    }

    @Test("the list of ten thousand hosts is longer than other answers, and is shown")
    func longList() async throws {
        let hosts = (1...9).map { number in
            var host = Samples.up
            (host.name, host.comment) = ("kvm-\(number)", String(repeating: "x", count: 1 << 20))
            return host
        }
        try await FakeEngine.loggedIn(hosts: hosts) { program, _ in
            let list = try await program.run(["host", "list", "-o", "name"])
            #expect(list.exit == 0 && list.output.split(separator: "\n").count == 9, "\(list.errors)")
        }
    }

    @Test("a server that cannot be signed in to: each cause has its sentence and its code")
    func checksNoServer() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, _ in
            let arguments = ["host", "add", "kvm-8", "--check", "--ssh-port", "1", "--password-file", "-", "--address"]
            let closed = try await program.run(arguments + ["127.0.0.1"], input: "x\n")
            #expect(closed.exit == 69 && closed.errors.contains("127.0.0.1 port 1 refused the connection"))
            let nobody = try await program.run(arguments + ["no-such-host.invalid"], input: "x\n")
            #expect(nobody.exit == 69 && nobody.errors.contains("does not resolve"))
            #expect(try await program.run(arguments + ["-oProxyCommand=x"], input: "x\n").exit == 64)
            #expect(try await program.run(["host", "add", "kvm-8", "--address", "127.0.0.1"]).exit == 64)
        }
    }

    @Test("login refuses what it should, with the code for it")
    func refusesLogin() async throws {
        let engine = try FakeEngine()
        try await engine.serve { server in
            let program = try Program()
            let url = "https://127.0.0.1:\(server.port)"
            let right = Fingerprint(der: try engine.authority.der).hex
            let cases: [(arguments: [String], password: String, exit: Int32, says: String)] = [
                (["--fingerprint", right], "wrong", 77, "The user name or password is incorrect"),
                (["--fingerprint", String(repeating: "ab", count: 32)], "x", 69, "shows another CA"),
                (["--fingerprint", "abc"], "x", 64, "not a SHA-256"),
                ([], "x", 64, "there is no terminal to ask"),
                (["--ca-file", "/nonexistent"], "x", 65, "cannot be read"),
                (["--ca-file", "/etc/passwd"], "x", 65, "holds no certificate"),
                (["--fingerprint", right], "", 65, "the password is empty"),
            ]
            for sample in cases {
                let arguments = ["login", url, "--password-file", "-"] + sample.arguments
                let outcome = try await program.run(arguments, input: sample.password + "\n")
                #expect(outcome.exit == sample.exit, "\(sample.arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(sample.says), "\(outcome.errors)")
                #expect(outcome.errors.contains("\n  try: "))
                #expect(!FileManager.default.fileExists(atPath: program.configuration.string))
            }
        }
    }

    @Test func trustsACAFileAndNoOtherEngine() async throws {
        let (engine, stranger) = (try FakeEngine(), try FakeEngine())
        let program = try Program()
        let file = program.folder.appending("ca.pem").string
        let pem = CertificateChain(der: [try engine.authority.der]).pem
        try pem.write(toFile: file, atomically: true, encoding: .utf8)
        let options = ["--ca-file", file, "--password-file", "-"]
        try await engine.serve { server in
            let url = "https://127.0.0.1:\(server.port)"
            let outcome = try await program.run(["login", url] + options, input: FakeEngine.password)
            #expect(outcome.exit == 0, "\(outcome.errors)")
        }
        try await stranger.serve { server in
            let url = "https://127.0.0.1:\(server.port)"
            let outcome = try await program.run(["login", url] + options, input: FakeEngine.password)
            #expect(outcome.exit == 69)
            #expect(outcome.errors.contains("is not trusted"))
            #expect(stranger.state.withLock { $0.calls }.isEmpty, "the password went to nobody else")
        }
    }

    @Test(
        "a host is named in full, or not at all",
        arguments: [
            ("node-5a31", Int32(0), ""), ("0C7EE4A3-5b4a-4a51-8f0a-1b2c3d4e5f60", 0, ""),
            ("node-5", 65, "no host has the name or id node-5\n  try: the whole name, such as node-5a31"),
            ("node-", 65, "try: the whole name, such as node-5a31, node-evil"), ("x", 65, "try: muster host list"),
            ("", 65, "try: muster host list"),
        ]
    )
    func lookup(name: String, exit: Int32, says: String) async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, _ in
            let outcome = try await program.run(["host", "show", name])
            #expect(outcome.exit == exit)
            #expect(says.isEmpty ? outcome.errors.isEmpty : outcome.errors.contains(says), "\(outcome.errors)")
        }
    }

    @Test func aMistypedCodeIsNotSent() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            let code = try #require(ApprovalCode(digest: [1, 2, 3, 4, 5])).description
            let typed = code.hasPrefix("0") ? "1" + code.dropFirst() : "0" + code.dropFirst()
            let before = engine.state.withLock { $0.calls.count }
            let outcome = try await program.run(["host", "approve", "node-evil", "--code", typed])
            #expect(outcome.exit == 65)
            #expect(outcome.errors.contains("typing error"))
            #expect(engine.state.withLock { $0.calls.count } == before)
            let right = try await program.run(["host", "approve", "node-evil", "--code", code.lowercased()])
            #expect(right.exit == 0, "\(right.errors)")
            #expect(right.output == "node-evil is approved\n")
            let path = "POST /ovirt-engine/api/hosts/\(Samples.hostile.id)/approve {\"code\":\"\(code)\"}"
            #expect(engine.state.withLock { $0.calls.contains(path) })
        }
    }

    @Test func aFailedInstallationIsTriedAgainWithoutACode() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            engine.state.withLock { state in
                state.hosts[0].status = "install_failed"
                state.statuses = ["installing", "install_failed"]
            }
            let outcome = try await program.run(["host", "approve", "node-5a31", "--wait", "--timeout", "20"])
            #expect(outcome.exit == 1, "a second failure ends the wait: \(outcome.errors)")
            #expect(outcome.errors.contains("installing -> install_failed"), "\(outcome.errors)")
            let id = engine.state.withLock { $0.hosts[0].id }
            #expect(engine.state.withLock { $0.calls.contains("POST /ovirt-engine/api/hosts/\(id)/approve {}") })
            engine.state.withLock { $0.statuses = ["install_failed"] }
            let again = try await program.run(["host", "approve", "node-5a31", "--wait", "--timeout", "20"])
            #expect(again.exit == 1, "also one that is as fast as the first look")
        }
    }

    @Test func whoWasRejectedIsListedAndTakenBack() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            var kept = RejectionResource(
                id: "r-1",
                name: "web",
                address: "192.0.2.1",
                until: "2026-01-01T00:00:00.000Z"
            )
            kept.hardware_id = "m-1"
            engine.state.withLock { $0.rejections = [kept] }
            let list = try await program.run(["host", "list", "--rejected"])
            #expect(list.output.contains("web") && list.output.contains("m-1"), "\(list.errors)")
            let unknown = try await program.run(["host", "reject", "we", "--undo"])
            #expect(unknown.exit == 65)
            #expect(unknown.errors.contains("muster host list --rejected"))
            let undone = try await program.run(["host", "reject", "WEB", "--undo"])
            #expect(undone.output == "web may claim again\n", "\(undone.errors)")
            #expect(engine.state.withLock { $0.calls.contains("DELETE /ovirt-engine/api/rejections/r-1") })
        }
    }

    @Test(
        "--wait tells the way to up, or why it ends before",
        arguments: [
            (["pending_approval", "initializing", "up"], Int32(0), "initializing -> up"),
            (["installing", "install_failed"], 1, "node-5a31 is install_failed: no KVM"),
            (["initializing"], 75, "node-5a31 is initializing, not up, after 1 s"),
        ]
    )
    func waits(statuses: [String], exit: Int32, says: String) async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            engine.state.withLock { state in
                state.hosts[0].status = "pending_approval"
                state.hosts[0].status_detail = "no KVM"
                state.statuses = statuses
            }
            let code = try #require(ApprovalCode(digest: [1, 2, 3, 4, 5])).description
            let outcome = try await program.run(
                ["host", "approve", "node-5a31", "--code", code, "--wait", "--timeout", "1"]
            )
            #expect(outcome.exit == exit, "\(outcome.errors)")
            #expect(outcome.errors.contains(says), "\(outcome.errors)")
            #expect(outcome.output == (exit == 0 ? "node-5a31 is up\n" : ""))
        }
    }

    @Test(
        "what the engine answers becomes an exit code",
        arguments: [
            ("400 Bad Request", Int32(65)), ("401 Unauthorized", 77), ("403 Forbidden", 77), ("404 Not Found", 65),
            ("409 Conflict", 1), ("429 Too Many Requests", 75), ("500 Internal Server Error", 69),
            ("503 Service Unavailable", 75),
        ]
    )
    func exitCodes(status: String, exit: Int32) async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, engine in
            let fault = #"{"fault":{"reason":"r","detail":"It is \u001b[31mso.","remedy":"Do that."}}"#
            engine.state.withLock { $0.refusal = .ok(fault, status: status) }
            let outcome = try await program.run(["network", "list"])
            #expect(outcome.exit == exit)
            let said = "error: It is \\u{1b}[31mso\n  try: Do that\n"
            let signedOut = "error: the engine does not accept this session any more\n  try: muster login\n"
            #expect(outcome.errors == (exit == 77 && status.hasPrefix("401") ? signedOut : said))
        }
    }

    @Test func anEngineThatIsGoneIsUnavailable() async throws {
        let program = try Program()
        let engine = try FakeEngine()
        try await engine.serve { server in
            let url = "https://127.0.0.1:\(server.port)"
            let print = Fingerprint(der: try engine.authority.der).hex
            _ = try await program.run(
                ["login", url, "--fingerprint", print, "--password-file", "-"],
                input: FakeEngine.password
            )
        }
        let outcome = try await program.run(["host", "list"])
        #expect(outcome.exit == 69)
        #expect(outcome.errors.hasPrefix("error: nobody listens on https://127.0.0.1:"))
    }

    @Test(
        "a wrong command line is 64, and says where help is",
        arguments: [
            ["frob"], ["host", "show"], ["host", "boot", "h"], ["host", "boot", "h", "--next", "a", "--always", "b"],
            ["event", "list", "--max", "0"], ["host", "list", "-o", "xml"],
            ["host", "wait", "h", "--timeout", "0"], ["login", "http://192.0.2.1"], ["login", "https://a b"],
        ]
    )
    func usage(arguments: [String]) async throws {
        let outcome = try await Program().run(arguments)
        #expect(outcome.exit == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("error: "))
        #expect(outcome.errors.contains("\n  try: "))
    }

    @Test func helpIsAResultAndListsTheCodes() async throws {
        let outcome = try await Program().run(["--help"])
        #expect(outcome.exit == 0)
        #expect(outcome.errors.isEmpty)
        for status in ExitStatus.allCases { #expect(outcome.output.contains("\(status.rawValue)  \(status.meaning)")) }
    }

    @Test func listsAsTableJSONAndYAML() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, _ in
            let table = try await program.run(["host", "list", "--no-headers"])
            #expect(table.output.split(separator: "\n").count == 2)
            let json = try await program.run(["host", "list", "-o", "json"])
            let hosts = try JSONDecoder().decode([HostResource].self, from: Data(json.output.utf8))
            #expect(hosts == [Samples.up, Samples.hostile])
            let yaml = try await program.run(["host", "list", "--output", "yaml"])
            #expect(yaml.output.hasPrefix("- address: 10.77.0.100\n"))
        }
    }

    @Test func namesAreCompletedFromTheEngine() async throws {
        try await FakeEngine.loggedIn(hosts: [Samples.up, Samples.hostile]) { program, _ in
            let script = try await program.run(["completion", "bash"])
            #expect(script.exit == 0)
            let request = [
                "---completion", "host", "show", "--", "positional@0", "3", "5", "muster", "host", "show", "node-",
            ]
            let outcome = try await program.run(request)
            #expect(outcome.output.split(separator: "\n") == ["node-5a31", "node-evil"], "\(outcome)")
        }
    }
}
