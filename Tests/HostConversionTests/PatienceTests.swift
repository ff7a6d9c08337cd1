import FoundationEssentials
import HostModel
import Synchronization
import SystemPackage
import Testing

@testable import HostConversion

/// What passes by itself, and how long it is waited for. Without a server.
@Suite struct PatienceTests {
    /// Whether it is tried again after such a failure.
    private static func again(
        _ endurance: inout Endurance,
        _ kind: ConversionError.Kind,
        inSession: Bool,
        at now: ContinuousClock.Instant = .now
    ) -> Bool { endurance.endures(ConversionError(kind, "x", remedy: "y"), inSession: inSession, at: now) }

    @Test("a server that is not reached at first is no passing failure; one that was reached before is")
    func firstConnection() {
        var first = Endurance(ConversionPatience(), hasStood: false)
        #expect(!Self.again(&first, .unreachable, inSession: false))
        #expect(Self.again(&first, .connectionLost, inSession: true))
        first.stood()
        #expect(Self.again(&first, .unreachable, inSession: false))
        var resumed = Endurance(ConversionPatience(), hasStood: true)
        #expect(Self.again(&resumed, .timeout, inSession: false))
        #expect(!Self.again(&resumed, .timeout, inSession: true), "a script that had its time")
        for kind in [ConversionError.Kind.authentication, .hostKey, .machine, .step, .blocked] {
            #expect(!Self.again(&resumed, kind, inSession: false), "\(kind)")
        }
    }

    @Test func everythingHasALimit() {
        let patience = ConversionPatience()
        var broken = Endurance(patience, hasStood: true)
        for _ in 0..<patience.reconnectsMax { #expect(Self.again(&broken, .connectionLost, inSession: true)) }
        #expect(!Self.again(&broken, .unreachable, inSession: false))
        var silent = Endurance(patience, hasStood: true)
        for _ in 0..<patience.silencesMax { #expect(Self.again(&silent, .silent, inSession: true)) }
        #expect(!Self.again(&silent, .silent, inSession: true))
        let begin = ContinuousClock.now
        var busy = Endurance(patience, hasStood: true, begin: begin)
        #expect(Self.again(&busy, .busy, inSession: true, at: begin + .seconds(3 * 3600)))
        #expect(!Self.again(&busy, .busy, inSession: true, at: begin + patience.otherRun))
    }

    @Test("a program that says nothing is ended by its silence; one that goes on talking is not")
    func silence() async throws {
        let quiet = try await SSHProgram(name: "sleep").run(
            ["60"],
            outputLimit: 16,
            timeLimit: .seconds(60),
            silenceLimit: .milliseconds(50)
        )
        #expect(quiet.isSilent && !quiet.isTimedOut && quiet.exitCode == nil)
        let done = try await SSHProgram(name: "true").run(
            [],
            outputLimit: 16,
            timeLimit: .seconds(60),
            silenceLimit: .seconds(60)
        )
        #expect(done.exitCode == 0 && !done.isSilent)
    }

    @Test("no file of the connection's folder holds a password or passphrase, and the pipes that do are gone with it")
    func secretsLieInPipes() async throws {
        let target = try SSHTarget(address: "192.0.2.1", authentication: .password("the secret"))
        let jump = try SSHTarget(address: "192.0.2.2", authentication: .key("/dev/null", passphrase: "the other"))
        let folder = try SSHFolder()
        let configuration = SSHConfiguration(target: target, jump: jump, folder: folder)
        try configuration.prepare()
        // As ssh asks a second time through a jump host.
        try configuration.prepare()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path.string) {
            let kind = try await output(of: "stat", ["-c", "%F %a", folder.file(name).string])
            guard kind.hasPrefix("regular") else { continue }
            let text = folder.read(name, limit: 1 << 16)
            #expect(!text.contains("the secret") && !text.contains("the other"), "\(name)")
        }
        #expect(try await output(of: "stat", ["-c", "%F %a", folder.file("target.password").string]) == "fifo 600\n")
        let askpass = folder.file("askpass").string
        #expect(try await output(of: askpass, ["root@muster-target's password: "]) == "the secret\n")
        let passphrase = "Enter passphrase for key '\(folder.file("jump.identity"))': "
        #expect(try await output(of: askpass, [passphrase]) == "the other\n")
        let again = try await output(of: "sh", ["-c", "\"$0\" 'password: ' || echo none", askpass])
        #expect(again == "none\n", "each is given once")
        try configuration.prepare()
        configuration.forget()
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path.string)
        #expect(!left.contains { $0.hasSuffix(".password") || $0.hasSuffix(".passphrase") }, "\(left)")
        #expect(throws: ConversionError.self) {
            try folder.offer(String(repeating: "x", count: 5000), as: "target.password")
        }
    }

    @Test("a report of a hundred thousand things is kept as a thousand of each kind and a number")
    func reportsAreBounded() {
        let long = String(repeating: "x", count: 5000)
        let lines = (0..<100_000).map { Substring("foreign /etc/\($0)") } + [Substring("package \(long)")]
        let report = ConversionUndo.report(lines)
        #expect(report.foreign.count == ConversionUndo.Report.thingsMax && report.more == 99_000)
        #expect(report.packages.first?.count == 500)
        let marks = "e" + String(repeating: "\u{301}", count: 100_000)
        let marked = ConversionUndo.report([Substring("foreign \(marks)")]).foreign.first
        #expect(marked.map { $0.utf8.count <= 500 && $0.hasPrefix("e\u{301}\u{301}") == false && !$0.isEmpty } == true)
        #expect(report.lines.count == 1002 && report.lines.last == "and 99000 more" && !report.isExact)
    }

    @Test("a server that breaks every connection is not come back to when all the time is over")
    func enduranceHasATotal() async throws {
        var patience = ConversionPatience(pause: .zero)
        func connects() async -> (Int, ConversionError?) {
            let count = Mutex(0)
            let error = await #expect(throws: ConversionError.self) {
                try await SSHConnection.enduring(patience, isResumed: true) { () async throws(ConversionError) in
                    count.withLock { $0 += 1 }
                    throw ConversionError(.connectionLost, "it broke", remedy: "x")
                } _: { (_: SSHConnection) async throws(ConversionError) in
                }
            }
            return (count.withLock(\.self), error)
        }
        let patient = await connects()
        #expect(patient.0 == 21 && patient.1?.kind == .connectionLost)
        patience.total = .zero
        let late = await connects()
        #expect(late.0 == 1 && late.1?.kind == .timeout, "\(late)")
        #expect(late.1?.message.hasSuffix("took longer than 0 s; at last it broke") == true, "\(late)")
    }

    @Test("another machine is told from the same one; who says nothing of itself is taken for it")
    func machines() throws {
        let known = ServerMachine(system: "aa", node: "11")
        #expect(ServerMachine(system: "bb", node: "11").isAnother(than: known))
        #expect(!ServerMachine(system: "aa", node: "22").isAnother(than: known))
        #expect(ServerMachine(node: "22").isAnother(than: ServerMachine(node: "33")))
        #expect(!ServerMachine(node: "AB").isAnother(than: ServerMachine(node: "ab")))
        #expect(!ServerMachine().isAnother(than: known) && !known.isAnother(than: ServerMachine()))
        try known.confirm(nil, at: "192.0.2.1")
        let error = #expect(throws: ConversionError.self) {
            try ServerMachine(system: "bb").confirm(known, at: "192.0.2.1")
        }
        #expect(error?.kind == .machine && error?.message.contains("192.0.2.1 is another machine") == true)
    }
}
