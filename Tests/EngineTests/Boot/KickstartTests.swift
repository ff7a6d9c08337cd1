import BootServer
import Crypto
import Foundation
import GRDB
import HostModel
import Testing

@testable import Engine

/// Tokens of installations, and what becomes of a host that is installed.
@Suite struct KickstartTests {
    static let hash = "$6$salt$0123456789abcdefghij"

    /// An installation with a host that a profile `centos` may install, and an agent's file.
    struct Fixture {
        let installation: TestInstallation
        let clock = TestClock()
        let node: TestNode
        let host: UniqueID

        init(withDisk: Bool = true) async throws {
            let wall = clock.wall
            installation = try await TestInstallation { settings in
                settings.clock = wall
                settings.agentFile = "\(settings.dataDirectory)/agent"
                settings.kickstarts.ticketsPerHostBurst = 1000
            }
            node = try TestNode(name: "kvm-7")
            try Data("an agent".utf8).write(to: URL(fileURLWithPath: installation.settings.agentFile))
            let engine = try await installation.open()
            host = try await node.enrol(with: engine).host
            let profile = BootProfile(name: "centos", mode: .kickstart, kickstart: try Self.settings())
            try await engine.saveProfile(profile, by: "admin@internal")
            try await engine.setBoot(host, profile: "centos", when: .always, by: "admin@internal", correlation: nil)
            guard withDisk else { return }
            try await engine.setHostKickstart(host, try Self.machine(), by: "admin@internal", correlation: nil)
        }

        static func settings() throws -> KickstartSettings {
            KickstartSettings(
                tree: try require(WebLocation("http://mirror.example/9-stream/BaseOS/x86_64/os")),
                rootPassword: PasswordDigest(KickstartTests.hash)
            )
        }

        static func machine() throws -> HostKickstart {
            let disk = try require(DiskLink("wwn-0x5000c500a1b2c3d4"))
            return HostKickstart(storage: try require(InstallStorage(disks: [disk])))
        }

        func request() -> BootRequest { BootRequest(mac: node.mac, hardwareID: node.hardwareID, firmware: .uefi) }
    }

    private static let address = IPv4Address.loopback

    private static func fetch(_ token: Nonce) -> KickstartFetch { KickstartFetch(token: token, address: address) }

    @Test("a link gives the kickstart once; the second fetch gets nothing, and an event tells of it")
    func oneFetch() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let ticket = try await engine.issueKickstart(fixture.request())
        #expect(ticket.lifetimeSeconds == 900)
        let kickstart = try require(try await engine.fetchKickstart(Self.fetch(ticket.token)).kickstart)
        #expect(kickstart.host.rawValue == "kvm-7")
        #expect(kickstart.firmware == .uefi)
        #expect(kickstart.settings.rootPassword?.rawValue == Self.hash)
        #expect(kickstart.machine == (try Fixture.machine()))
        let agent = try require(Nonce(bytes: Array(SHA256.hash(data: Data("an agent".utf8)))))
        #expect(kickstart.payload == .packages(agent: agent))
        let second = try await engine.fetchKickstart(Self.fetch(ticket.token))
        #expect(second.refusal == .spent)
        #expect(second.kickstart == nil)
        let event = try require(try await engine.events(EventQuery(host: fixture.host)).first)
        #expect(event.code == .kickstartRefused)
        #expect(event.text == "127.0.0.1 asked for the kickstart of host kvm-7 by a link that is spent.")
    }

    @Test("a hundred fetches of one link at the same time get one kickstart")
    func oneFetchOfMany() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let token = try await engine.issueKickstart(fixture.request()).token
        let count = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { try await engine.fetchKickstart(Self.fetch(token)).kickstart != nil }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 1)
    }

    @Test("a link lives for 15 minutes and not a moment longer")
    func expires() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let first = try await engine.issueKickstart(fixture.request()).token
        fixture.clock.advance(seconds: 899)
        let second = try await engine.issueKickstart(fixture.request()).token
        fixture.clock.advance(seconds: 1)
        #expect(try await engine.fetchKickstart(Self.fetch(first)).refusal == .expired)
        #expect(try await engine.fetchKickstart(Self.fetch(second)).kickstart != nil)
    }

    @Test("a fetch spends every other link of the host: what it holds goes out once")
    func othersAreSpent() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        var tokens: [Nonce] = []
        for _ in 0..<6 {
            tokens.append(try await engine.issueKickstart(fixture.request()).token)
            fixture.clock.advance(seconds: 1)
        }
        #expect(try await engine.fetchKickstart(Self.fetch(tokens[0])).refusal == .spent, "four at most are open")
        #expect(try await engine.fetchKickstart(Self.fetch(tokens[2])).kickstart != nil)
        for token in tokens { #expect(try await engine.fetchKickstart(Self.fetch(token)).refusal == .spent) }
    }

    @Test("somebody who guesses gets nothing, and a flood of guesses is a few events")
    func guesses() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        _ = try await engine.issueKickstart(fixture.request())
        for _ in 0..<200 { #expect(try await engine.fetchKickstart(Self.fetch(.random())).refusal == .unknown) }
        let report = InstallReport(token: .random(), outcome: .installed, address: Self.address)
        #expect(try await engine.report(report).refusal == .unknown)
        let count = try await engine.codes().filter { $0 == EventCode.kickstartRefused.rawValue }.count
        #expect((1...60).contains(count))
    }

    @Test("links and what became of them survive an engine that is killed")
    func survivesTheEngine() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.installation.running { engine in
            try await engine.issueKickstart(fixture.request()).token
        }
        let report = try await fixture.installation.running { engine in
            try await engine.fetchKickstart(Self.fetch(token)).kickstart?.reportToken
        }
        let done = InstallReport(token: try require(report), outcome: .installed, address: Self.address)
        let refusals = try await fixture.installation.running { engine in
            [try await engine.fetchKickstart(Self.fetch(token)).refusal, try await engine.report(done).refusal]
        }
        #expect(refusals == [.spent, nil])
    }

    @Test("the database holds no token, only its SHA-256")
    func onlyDigestsAreStored() async throws {
        let fixture = try await Fixture()
        var tokens: [Nonce] = []
        do {
            let engine = try await fixture.installation.open()
            tokens.append(try await engine.issueKickstart(fixture.request()).token)
            tokens.append(
                try require(try await engine.fetchKickstart(Self.fetch(tokens[0])).kickstart?.reportToken)
            )
            tokens.append(try await engine.issueKickstart(fixture.request()).token)
        }
        let queue = try DatabaseQueue(path: fixture.installation.settings.databasePath)
        let digests = try await queue.read { try String.fetchSet($0, sql: "SELECT digest FROM installToken") }
        #expect(digests.count == 3)
        for suffix in ["", "-wal"] {
            let path = fixture.installation.settings.databasePath + suffix
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            for token in tokens {
                #expect(data.firstRange(of: Data(token.description.utf8)) == nil)
                #expect(data.firstRange(of: Data(token.bytes)) == nil)
            }
        }
    }

    @Test("a finished installation puts its host on local by itself, whatever was set before")
    func finished() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        try await engine.setBoot(fixture.host, profile: "centos", when: .next, by: "admin@internal", correlation: nil)
        let token = try await engine.issueKickstart(fixture.request()).token
        let kickstart = try require(try await engine.fetchKickstart(Self.fetch(token)).kickstart)
        #expect(try await engine.host(fixture.host).nextBootProfile == nil, "the fetch is what the next boot was for")
        #expect(try await engine.answer(fixture.request()).profile.name == "centos")
        let done = InstallReport(token: kickstart.reportToken, outcome: .installed, address: Self.address)
        #expect(try await engine.report(done).refusal == nil)
        #expect(try await engine.answer(fixture.request()).profile.mode == .local)
        #expect(try await engine.events(EventQuery(host: fixture.host)).first?.code == .systemInstalled)
        #expect(try await engine.report(done).refusal == .spent, "a report counts once")
    }

    @Test("where somebody removed the profile local, a finished installation makes it again")
    func localIsMade() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        try await engine.removeProfile("local", by: "admin@internal")
        let token = try await engine.issueKickstart(fixture.request()).token
        let kickstart = try require(try await engine.fetchKickstart(Self.fetch(token)).kickstart)
        _ = try await engine.report(InstallReport(token: kickstart.reportToken, outcome: .installed))
        #expect(try await engine.answer(fixture.request()).profile == BootProfile(name: "local", mode: .local))
    }

    @Test("a failed installation is an event with what the installer said, and changes nothing else")
    func failed() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let token = try await engine.issueKickstart(fixture.request()).token
        let kickstart = try require(try await engine.fetchKickstart(Self.fetch(token)).kickstart)
        let detail = HostileText("there is no disk \u{1B}[2J")
        _ = try await engine.report(InstallReport(token: kickstart.reportToken, outcome: .failed, detail: detail))
        let event = try require(try await engine.events(EventQuery(host: fixture.host)).first)
        #expect(event.code == .systemInstallFailed)
        #expect(event.text.hasSuffix("failed: there is no disk \\u{1b}[2J"))
        #expect(try await engine.answer(fixture.request()).profile.name == "centos")
    }

    @Test("what a boot script is made of holds no hash of a password")
    func theAnswerHoldsNoSecret() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let answer = try await engine.answer(fixture.request())
        #expect(answer.profile.kickstart != nil)
        #expect(answer.profile.kickstart?.rootPassword == nil)
        #expect(try await engine.profile("centos").kickstart?.rootPassword != nil)
    }

    @Test("a host without a named disk, an unknown machine, and a profile that installs nothing get no link")
    func refusals() async throws {
        let fixture = try await Fixture(withDisk: false)
        let engine = try await fixture.installation.open()
        let noDisk = await #expect(throws: EngineError.self) { try await engine.issueKickstart(fixture.request()) }
        #expect(noDisk?.detail == "No disk is named for host kvm-7, and none is chosen for it.")
        let unknown = BootRequest(mac: try TestNode().mac, firmware: .bios)
        await #expect(throws: EngineError.self) { try await engine.issueKickstart(unknown) }
        try await engine.setHostKickstart(fixture.host, try Fixture.machine(), by: "admin@internal", correlation: nil)
        try FileManager.default.removeItem(atPath: fixture.installation.settings.agentFile)
        let noAgent = await #expect(throws: EngineError.self) { try await engine.issueKickstart(fixture.request()) }
        #expect(noAgent?.detail.contains("agent") == true)
        try await engine.setBoot(fixture.host, profile: "local", when: .always, by: "admin@internal", correlation: nil)
        await #expect(throws: EngineError.self) { try await engine.issueKickstart(fixture.request()) }
    }

    @Test("a link whose profile or disks are gone meanwhile opens nothing, and is still good when they are back")
    func withdrawn() async throws {
        let fixture = try await Fixture()
        let engine = try await fixture.installation.open()
        let token = try await engine.issueKickstart(fixture.request()).token
        try await engine.setHostKickstart(fixture.host, nil, by: "admin@internal", correlation: nil)
        #expect(try await engine.fetchKickstart(Self.fetch(token)).refusal == .withdrawn)
        try await engine.setHostKickstart(fixture.host, try Fixture.machine(), by: "admin@internal", correlation: nil)
        #expect(try await engine.fetchKickstart(Self.fetch(token)).kickstart != nil)
    }

    @Test("kickstart settings belong to the mode kickstart, and to no other")
    func profilesAreChecked() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let settings = try Fixture.settings()
        let bad = [
            BootProfile(name: "a", mode: .kickstart), BootProfile(name: "b", mode: .local, kickstart: settings),
        ]
        for profile in bad {
            await #expect(throws: EngineError.self) { try await engine.saveProfile(profile, by: "admin@internal") }
        }
        let good = BootProfile(name: "c", mode: .kickstart, kickstart: settings)
        try await engine.saveProfile(good, by: "admin@internal")
        #expect(try await engine.profile("c") == good)
    }
}
