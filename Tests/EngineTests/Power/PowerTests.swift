import Fencing
import Foundation
import Glibc
import HostModel
import Logging
import NIOCore
import Testing

@testable import Engine

/// Real boards (ipmi_sim), and hosts with agents that speak real frames.
@Suite struct PowerTests {
    private static let password = Secret("s3cret-of-it")

    private static func installation(_ change: (inout PowerTimes) -> Void = { _ in }) async throws -> TestInstallation {
        try await TestInstallation { settings in
            (settings.power.poll, settings.power.ask, settings.power.quietStart) = (20, 20, 0)
            (settings.power.soft, settings.power.quietBetween, settings.power.confirm) = (20, 0, 30_000)
            change(&settings.power)
        }
    }

    private struct Line {
        var host: UniqueID
        var agent: TestAgent
    }

    private static func up(_ engine: HostEngine) async throws -> Line {
        var node = try TestNode(name: "node-1")
        let agent = try await TestAgent(key: node.key)
        node.port = agent.port
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let progress = try await engine.claimProgress(enrolment.claim)
        agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
        #expect(try await engine.event(.hostDetected, host: enrolment.host) != nil)
        return Line(host: enrolment.host, agent: agent)
    }

    private static func add(_ board: TestBoard, to host: UniqueID, _ engine: HostEngine) async throws {
        _ = try await engine.addFenceAgent(
            to: host,
            board.settings(),
            password: password,
            by: "admin@internal",
            correlation: nil
        )
    }

    private static func pending(_ engine: HostEngine) async throws -> UniqueID {
        try await TestNode(name: "bare-1").enrol(with: engine).host
    }

    @Test("a real board: status, on with a boot from the network, off") func board() async throws {
        let board = try TestBoard(isOn: false)
        try await Self.installation().running { engine in
            let host = try await Self.pending(engine)
            try await Self.add(board, to: host, engine)
            #expect(try await engine.powerStatus(of: host) == .off)
            let on = try await engine.switchPower(
                host,
                .on,
                bootsFromNetwork: true,
                by: "admin@internal",
                correlation: "c-1"
            )
            let event = try #require(try await engine.event(.powerFinished, host: host))
            #expect(event.correlation == "c-1" && event.user == "admin@internal")
            #expect(board.isOn && board.log.contains("boot pxe"), "\(board.log)")
            #expect(try await engine.job(on.id).status == .finished)
            _ = try await engine.switchPower(host, .off, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.powerFinished, after: event.index, host: host) != nil)
            #expect(try await engine.powerStatus(of: host) == .off)
        }
    }

    @Test("F28: a board that says yes and does nothing is a fault of its host, with a remedy") func lie() async throws {
        let board = try TestBoard(isOn: true, obeys: false)
        try await Self.installation { $0.confirm = 100 }.running { engine in
            let host = try await Self.pending(engine)
            try await Self.add(board, to: host, engine)
            _ = try await engine.switchPower(host, .off, by: "admin@internal", correlation: nil)
            let event = try #require(try await engine.event(.fenceFailed, host: host))
            #expect(event.text.contains("says after 0 seconds that it is on"), "\(event.text)")
            let fault = try #require(try await engine.host(host).power.fault)
            #expect(!fault.remedy.isEmpty)
            // It answers the truth, so it is sound again.
            #expect(try await engine.powerStatus(of: host) == .on)
            #expect(try await engine.host(host).power.fault == nil)
        }
    }

    @Test("a host that is to be restarted is no longer up from the order on; a board that does nothing leaves it up")
    func restartIsAtOnce() async throws {
        let board = try TestBoard(isOn: true, obeys: false)
        try await Self.installation { $0.confirm = 100 }.running { engine in
            let line = try await ImageWorkTests.up(engine)
            let before = try #require(try await engine.event(.hostDetected, host: line.host))
            try await Self.add(board, to: line.host, engine)
            _ = try await engine.switchPower(line.host, .restart, by: "admin@internal", correlation: nil)
            #expect(try await engine.host(line.host).status == .reboot)
            _ = try #require(try await engine.event(.fenceFailed, host: line.host))
            _ = try #require(try await engine.event(.hostDetected, after: before.index, host: line.host))
            #expect(try await engine.host(line.host).status == .up)
            try await line.agent.stop()
        }
    }

    @Test("F28: a board that never answers holds no other host up, and a wrong password is told without it")
    func hangs() async throws {
        let (board, silent) = (try TestBoard(isOn: false), try SilentPort())
        try await Self.installation().running { engine in
            let (dead, host) = (
                try await Self.pending(engine), try await TestNode(name: "bare-2").enrol(with: engine).host
            )
            var settings = board.settings()
            settings.port = silent.port
            _ = try await engine.addFenceAgent(to: dead, settings, password: Self.password, by: "a", correlation: nil)
            try await Self.add(board, to: host, engine)
            _ = try await engine.switchPower(dead, .on, by: "admin@internal", correlation: nil)
            _ = try await engine.switchPower(host, .on, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.powerFinished, host: host) != nil)
            #expect(try await engine.runningJob(of: dead), "the silent one is still at it")
            // One order at a time for a host.
            let error = await #expect(throws: EngineError.self) {
                _ = try await engine.switchPower(dead, .off, by: "admin@internal", correlation: nil)
            }
            #expect(error?.kind == .conflict)
        }
    }

    @Test("A29: the password is in no answer, event, database file or argument list") func secret() async throws {
        let board = try TestBoard(isOn: false)
        let installation = try await Self.installation()
        try await installation.running { engine in
            let host = try await Self.pending(engine)
            var wrong = FenceAgentChange()
            try await Self.add(board, to: host, engine)
            let agents = try await engine.fenceAgents(of: host)
            #expect(!"\(agents)".contains(Self.password.value) && !"\(Self.password)".contains("s3cret"))
            let id = try #require(agents.first?.id)
            // Whoever may change the address must not get the password sent to a place of his.
            wrong.address = "127.0.0.2"
            await #expect(throws: EngineError.self) {
                _ = try await engine.changeFenceAgent(id, of: host, wrong, by: "a", correlation: nil)
            }
            (wrong.address, wrong.password) = (nil, Secret("wr0ng one"))
            _ = try await engine.changeFenceAgent(id, of: host, wrong, by: "a", correlation: nil)
            let error = await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            #expect(error.map { !$0.description.contains("wr0ng") && $0.remedy != nil } ?? false)
            let events = try await engine.events(EventQuery(max: 1000))
            #expect(!events.contains { $0.text.contains("s3cret") || $0.text.contains("wr0ng") })
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: installation.directory) {
            guard name.hasPrefix("engine.db") else { continue }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(installation.directory)/\(name)"))
            #expect(bytes.firstRange(of: Data("s3cret-of-it".utf8)) == nil, "\(name)")
        }
        let key = try FileManager.default.attributesOfItem(atPath: "\(installation.directory)/pki/secrets.key")
        #expect(key[.posixPermissions] as? Int == 0o600)
    }

    @Test("a host that falls silent is restarted by its power and comes back; a kill between does not matter")
    func fence() async throws {
        let board = try TestBoard(isOn: true)
        let installation = try await Self.installation()
        let line = try await installation.running { engine in
            let line = try await Self.up(engine)
            try await Self.add(board, to: line.host, engine)
            line.agent.change { $0.certificate = nil }
            line.agent.breakConnections()
            #expect(try await engine.event(.fencingStarted, host: line.host) != nil)
            return line
        }
        // The engine was killed in the middle; the next one goes on.
        line.agent.restoreCertificate()
        try await installation.running { engine in
            #expect(try await engine.event(.powerFinished, host: line.host) != nil)
            let up = try await engine.waitUntil(.up, of: line.host)
            #expect(up)
        }
        #expect(board.isOn && board.log.contains("power 0"), "\(board.log)")
        try await line.agent.stop()
    }

    @Test("no storm: when most hosts of a cluster are silent none is restarted") func storm() async throws {
        let board = try TestBoard(isOn: true)
        try await Self.installation().running { engine in
            let (one, two) = (try await Self.up(engine), try await Self.secondUp(engine))
            for line in [one, two] { try await Self.add(board, to: line.host, engine) }
            for line in [one, two] {
                line.agent.change { $0.certificate = nil }
                line.agent.breakConnections()
            }
            for line in [one, two] {
                let event = try #require(try await engine.event(.fenceSkipped, host: line.host))
                #expect(event.text.contains("2 of 2 hosts of its cluster do not answer"), "\(event.text)")
            }
            for line in [one, two] { try await line.agent.stop() }
        }
        #expect(!board.log.contains("power 0"))
    }

    private static func secondUp(_ engine: HostEngine) async throws -> Line {
        var node = try TestNode(name: "node-2")
        let agent = try await TestAgent(key: node.key)
        node.port = agent.port
        let enrolment = try await node.enrol(with: engine, from: "192.0.2.8")
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: "admin@internal", correlation: nil)
        let progress = try await engine.claimProgress(enrolment.claim)
        agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
        #expect(try await engine.event(.hostDetected, host: enrolment.host) != nil)
        return Line(host: enrolment.host, agent: agent)
    }

    /// One that is up, and runs fence agents as a node does.
    private static func proxy(_ engine: HostEngine) async throws -> Line {
        let line = try await up(engine)
        line.agent.change { $0.fencing = FenceAgents(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) }
        return line
    }

    private static func asked(_ agent: TestAgent) -> Int { agent.calls().count { $0 == "Host.fenceNode" } }

    @Test("a host of the cluster switches another one where the engine has no fence agents") func proxy() async throws {
        let board = try TestBoard(isOn: false)
        let installation = try await TestInstallation { $0.fenceAgentFolders = ["/nonexistent"] }
        try await installation.running { engine in
            let host = try await Self.pending(engine)
            try await Self.add(board, to: host, engine)
            let nobody = await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            #expect(nobody?.description.contains("The engine: ipmitool is not installed") == true, "\(nobody as Any)")
            let line = try await Self.proxy(engine)
            #expect(try await engine.powerStatus(of: host) == .off)
            _ = try await engine.switchPower(host, .on, by: "admin@internal", correlation: nil)
            #expect(try await engine.event(.powerFinished, host: host) != nil)
            #expect(board.isOn && Self.asked(line.agent) >= 3)
            try await line.agent.stop()
        }
    }

    @Test("A29: what a board refuses one proxy is asked of it no second time; the order of proxies is the person's")
    func refusedProxy() async throws {
        let board = try TestBoard(isOn: false)
        try await Self.installation().running { engine in
            let (line, host) = (try await Self.proxy(engine), try await Self.pending(engine))
            let user = "admin@internal"
            _ = try await engine.addFenceAgent(
                to: host,
                board.settings(),
                password: Secret("wr0ng one"),
                by: user,
                correlation: nil
            )
            var change = PowerManagementChange()
            change.proxies = [.dc, .cluster, .engine]
            try await engine.update(host, HostOrder(), power: change, by: user, correlation: nil)
            let error = await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            #expect(error.map { $0.description.contains("The board at 127.0.0.1") } ?? false, "\(error as Any)")
            #expect(error.map { !$0.description.contains("wr0ng") } ?? false)
            #expect(Self.asked(line.agent) == 1)
            change.proxies = [.engine]
            try await engine.update(host, HostOrder(), power: change, by: user, correlation: nil)
            await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: host) }
            #expect(Self.asked(line.agent) == 1, "the engine asked itself")
            try await line.agent.stop()
        }
    }

    @Test("without power management a silent host is as ever: it waits for a person, and no job is made of it")
    func unmanaged() async throws {
        try await Self.installation().running { engine in
            let line = try await Self.up(engine)
            line.agent.change { $0.certificate = nil }
            line.agent.breakConnections()
            let silent = try #require(try await engine.event(.hostFailure, host: line.host))
            line.agent.restoreCertificate()
            #expect(try await engine.event(.hostDetected, after: silent.index, host: line.host) != nil)
            #expect(try await engine.jobs(of: line.host, max: 10).allSatisfy { !$0.kind.hasPrefix("power") })
            let codes = try await engine.events(EventQuery(host: line.host, max: 1000)).map(\.code)
            #expect(!codes.contains(.fenceNotConfigured) && !codes.contains(.softFenced), "\(codes)")
            try await line.agent.stop()
        }
    }

    @Test("F28: when all places are held by boards that hang, the next one waits, and gets no fault for it")
    func places() async throws {
        let (board, silent) = (try TestBoard(isOn: false), try SilentPort())
        let installation = try await Self.installation { $0.atOnce = 1 }
        try await installation.running { engine in
            let (dead, host) = (
                try await Self.pending(engine), try await TestNode(name: "bare-2").enrol(with: engine).host
            )
            var settings = board.settings()
            settings.port = silent.port
            _ = try await engine.addFenceAgent(to: dead, settings, password: Self.password, by: "a", correlation: nil)
            try await Self.add(board, to: host, engine)
            async let hung: Void = {
                await #expect(throws: EngineError.self) { _ = try await engine.powerStatus(of: dead) }
            }()
            #expect(try await engine.powerStatus(of: host) == .off)
            _ = await hung
            #expect(try await engine.host(host).power.fault == nil)
            #expect(try await engine.host(dead).power.fault != nil)
        }
    }

    @Test("fence_kdump's datagrams are heard, and nothing else") func dumps() {
        let dumps = CrashDumps()
        dumps.take(.init(bytes: [0x40, 0x2A, 0x30, 0x1B, 1, 0, 0, 0]), from: "10.0.0.1", at: 5)
        dumps.take(.init(bytes: [1, 2, 3]), from: "10.0.0.2", at: 5)
        dumps.take(.init(bytes: [0, 0, 0, 0, 1, 0, 0, 0]), from: "10.0.0.3", at: 5)
        #expect(dumps.last(from: "10.0.0.1") == 5 && dumps.last(from: "10.0.0.2") == nil)
        #expect(dumps.last(from: "10.0.0.3") == nil)
    }
}

/// A UDP port that takes everything and answers nothing.
private final class SilentPort: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        (address.sin_family, address.sin_addr.s_addr) = (sa_family_t(AF_INET), UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(descriptor, pointer, length) == 0, getsockname(descriptor, pointer, &length) == 0 else {
                    throw Missing()
                }
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }

    deinit { close(descriptor) }
}

extension HostEngine {
    fileprivate func runningJob(of host: UniqueID) async throws -> Bool {
        try await jobs(of: host, max: 1).first?.status == .started
    }

    /// Each change of a host's status is an event.
    fileprivate func waitUntil(_ status: HostStatus, of id: UniqueID) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        var seen: Int64 = 0
        while ContinuousClock.now < end {
            if try await host(id).status == status { return true }
            await waitForEvent(after: seen, seconds: 1)
            seen = try await events(EventQuery(max: 1)).first?.index ?? seen
        }
        return false
    }
}
