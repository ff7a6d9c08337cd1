import HostModel
import Recipes
import Synchronization
import Testing

@testable import BootServer

/// Kickstarts over the wire: real templates, a directory in memory that spends its one token.
@Suite(.timeLimit(.minutes(2))) struct KickstartHTTPTests {
    private static let mac = BootHTTPFixture.mac
    private static let token = Nonce.random()
    private static let report = Nonce.random()

    private final class Tokens: Sendable {
        let isSpent = Mutex(false)
        let reports = Mutex<[InstallReport]>([])
    }

    private static func kickstart() throws -> Kickstart {
        let disk = try #require(DiskLink("wwn-0x5000c500a1b2c3d4"))
        return Kickstart(
            host: try #require(HostName("kvm-7")),
            profile: "centos",
            firmware: .bios,
            payload: .packages(agent: .random()),
            settings: KickstartSettings(tree: try #require(WebLocation("http://mirror.example/os"))),
            machine: HostKickstart(storage: try #require(InstallStorage(disks: [disk]))),
            reportToken: report
        )
    }

    private static func with(
        _ body: @escaping @Sendable (BootHTTPFixture, Tokens) async throws -> Void
    ) async throws {
        let tokens = Tokens()
        let kickstart = try kickstart()
        let profile = BootProfile(name: "centos", mode: .kickstart, kickstart: kickstart.settings)
        let kickstarts = MemoryDirectory.Kickstarts(
            issue: { _ in KickstartTicket(token: token, lifetimeSeconds: 900) },
            fetch: { fetch in
                guard fetch.token == token else { return KickstartAnswer(.unknown) }
                let wasSpent = tokens.isSpent.withLock { spent in
                    defer { spent = true }
                    return spent
                }
                return wasSpent ? KickstartAnswer(.spent) : KickstartAnswer(kickstart)
            },
            report: { report in
                tokens.reports.withLock { $0.append(report) }
                return InstallReportAnswer(report.token == Self.report ? nil : .expired)
            }
        )
        let answer = BootAnswer(profile: profile, reason: "a test")
        try await BootHTTPFixture.with(kickstarts: kickstarts, answers: { _ in answer }) { (fixture) async throws in
            try await body(fixture, tokens)
        }
    }

    @Test("the boot script of a profile that installs starts its tree's installer with a token")
    func script() async throws {
        try await Self.with { (fixture, _) async throws in
            let answer = try await fixture.get("/boot/script?mac=\(Self.mac)&platform=pcbios")
            #expect(answer.statuses == [200])
            #expect(answer.header("Cache-Control") == "no-store")
            #expect(answer.body.contains("\nkernel --name kernel "))
            #expect(answer.body.contains(" http://mirror.example/os/images/pxeboot/vmlinuz "))
            #expect(answer.body.contains("inst.ks=http://127.0.0.1/kickstart/\(Self.token) "))
            #expect(await fixture.directory.nextEvent()?.stage == .script)
        }
    }

    @Test("H11: the first fetch gets the kickstart, the second 410 and no byte of it")
    func fetches() async throws {
        try await Self.with { (fixture, _) async throws in
            let head = try await fixture.exchange("HEAD /kickstart/\(Self.token) HTTP/1.0\r\n\r\n")
            #expect(head.statuses == [405], "asking for the head spends nothing")
            let first = try await fixture.get("/kickstart/\(Self.token)", "Range: bytes=0-9\r\n")
            #expect(first.statuses == [200])
            #expect(first.header("Cache-Control") == "no-store")
            #expect(first.body.contains("ignoredisk --only-use=/dev/disk/by-id/wwn-0x5000c500a1b2c3d4\n"))
            #expect(first.body.contains("/kickstart/\(Self.report)/installed"))
            let second = try await fixture.get("/kickstart/\(Self.token)")
            #expect(second.statuses == [410])
            #expect(second.body == "this link was good once and is spent; boot the machine again for another\n")
        }
    }

    @Test(
        "H11: a guess gets 403, what is no token 404",
        arguments: [
            (String(repeating: "0", count: 64), 403), (String(repeating: "0", count: 63), 404), ("x", 404), ("", 404),
            ("..%2fimages", 400), (String(repeating: "0", count: 64) + "/erased", 404),
        ]
    )
    func guesses(token: String, status: Int) async throws {
        try await Self.with { (fixture, _) async throws in
            #expect(try await fixture.get("/kickstart/\(token)").statuses == [status])
        }
    }

    @Test("a report reaches the directory with what the installer said; one too late gets 410")
    func reports() async throws {
        try await Self.with { (fixture, tokens) async throws in
            let target = "/kickstart/\(Self.report)/failed?detail=no+disk%0a"
            #expect(try await fixture.get(target).body == "taken\n")
            #expect(try await fixture.get("/kickstart/\(Self.token)/installed").statuses == [410])
            let reports = tokens.reports.withLock(\.self)
            #expect(reports.map(\.outcome) == [.failed, .installed])
            #expect(reports.first?.detail == HostileText("no disk\n"))
            #expect(reports.first?.address == .loopback)
        }
    }

    @Test("the agent is served, by range too, and nothing beside it")
    func agent() async throws {
        try await Self.with { (fixture, _) async throws in
            let agent = try await fixture.get("/boot/muster-agent")
            #expect(agent.statuses == [200])
            #expect(agent.body == "an agent")
            #expect(try await fixture.get("/boot/muster-agent", "Range: bytes=3-\r\n").body == "agent")
            #expect(try await fixture.get("/boot/muster-agent.sha256").statuses == [404])
        }
    }

    @Test("a machine that cannot be installed is told why on its screen, and waits")
    func refusal() async throws {
        let answer = BootHTTPFixture.answer(.kickstart)
        let kickstarts = MemoryDirectory.Kickstarts(
            issue: { _ in throw RemoteBootDirectory.Failure.refused(status: 404, detail: "No disk is named") },
            fetch: { _ in KickstartAnswer(.unknown) },
            report: { _ in InstallReportAnswer(.unknown) }
        )
        try await BootHTTPFixture.with(kickstarts: kickstarts, answers: { _ in answer }) { (fixture) async throws in
            let script = try await fixture.get("/boot/script?mac=\(Self.mac)&platform=pcbios")
            #expect(script.body == "#!ipxe\necho wait.ipxe.template\n")
            #expect(await fixture.directory.nextEvent()?.detail == "No disk is named")
        }
    }
}
