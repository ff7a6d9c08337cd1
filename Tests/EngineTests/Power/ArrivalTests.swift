import HostModel
import Testing

@testable import Engine

/// Machines that come by themselves: a real board (ipmi_sim), and a node that enrols as docs/protocols.md tells.
@Suite struct ArrivalTests {
    /// An installation whose `default` profile runs an image. Certificates are good by the wall's clock only.
    private static func running(
        byWall: Bool = false,
        _ body: @Sendable @escaping (HostEngine, TestClock) async throws -> Void
    ) async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { settings in
            if !byWall { settings.clock = clock.wall }
            (settings.power.poll, settings.power.ask) = (20, 20)
        }
        try await installation.running { engine in
            try await ImageTests.upload(engine)
            try await body(engine, clock)
        }
    }

    private static func order(_ board: TestBoard, _ node: TestNode, _ name: String = "kvm-9") throws -> ArrivalOrder {
        ArrivalOrder(
            name: try #require(HostName(name)),
            mac: node.mac,
            board: board.settings(),
            password: Secret("s3cret-of-it")
        )
    }

    private static func announce(_ order: ArrivalOrder, _ engine: HostEngine) async throws -> UniqueID {
        let host = try await engine.announce(order, by: "admin@internal", correlation: "c-9")
        #expect(host.status == .installingOS)
        #expect(try await engine.event(.powerFinished, host: host.id) != nil)
        return host.id
    }

    private static func request(_ node: TestNode) -> BootRequest {
        BootRequest(mac: node.mac, firmware: .bios, address: IPv4Address("192.0.2.9"))
    }

    @Test(
        "a bare machine is switched on, registers by the token of its boot script, and is up with nobody at its keyboard"
    )
    func comesByItself() async throws {
        let board = try TestBoard(isOn: false)
        try await Self.running(byWall: true) { engine, _ in
            var node = try TestNode()
            let agent = try await TestAgent(key: node.key)
            node.port = agent.port
            let host = try await Self.announce(try Self.order(board, node), engine)
            #expect(board.isOn && board.log.contains("boot pxe"), "\(board.log)")
            #expect(try await engine.answer(Self.request(node)).awaitsToken == true)
            node.token = try await engine.issueArrival(Self.request(node)).token
            #expect(try await engine.answer(Self.request(node)).awaitsToken == nil)
            await #expect(throws: EngineError.self, "once") { try await engine.issueArrival(Self.request(node)) }
            let enrolment = try await node.enrol(with: engine)
            #expect(enrolment.host == host && enrolment.progress.state == .approved)
            agent.trust(certificate: enrolment.progress.certificate, authority: engine.authorityPEM)
            let up = try #require(try await engine.event(.hostDetected, host: host))
            #expect(up.text.contains("kvm-9 is up"))
            let approved = try #require(try await engine.event(.approved, host: host))
            #expect(approved.user == "admin@internal" && approved.correlation == "c-9")
            #expect(try await engine.host(host).hardwareID == node.hardwareID)
            #expect(try await engine.hosts(matching: .all).count == 1)
            // Spent: whoever read it on the wire gets nothing by it.
            var thief = try TestNode()
            (thief.mac, thief.token) = (node.mac, node.token)
            let late = try await thief.enrol(with: engine)
            #expect(late.progress.state == .pending && late.host != host)
            try await agent.stop()
        }
    }

    @Test("no token: before the power, for another card, or 15 minutes after; such a machine waits for its code")
    func noToken() async throws {
        let board = try TestBoard(isOn: false)
        try await Self.running { engine, clock in
            var node = try TestNode()
            await #expect(throws: EngineError.self) { try await engine.issueArrival(Self.request(node)) }
            let host = try await Self.announce(try Self.order(board, node), engine)
            let stranger = try TestNode()
            await #expect(throws: EngineError.self) { try await engine.issueArrival(Self.request(stranger)) }
            node.token = .random()
            let guessed = try await node.enrol(with: engine)
            #expect(guessed.host == host && guessed.progress.state == .pending)
            #expect(try await engine.host(host).status == .installingOS)
            clock.advance(seconds: 901)
            await #expect(throws: EngineError.self) { try await engine.issueArrival(Self.request(node)) }
            try await engine.forgetWhatIsOver()
            let given = try #require(try await engine.event(.installFailed, host: host))
            #expect(given.text.contains("asked for no boot script in 15 minutes"), "\(given.text)")
            #expect(given.text.contains("muster host power kvm-9 restart --boot-from network"), "\(given.text)")
            // By its code it is the same host.
            try await engine.approve(host, code: "\(guessed.code)", by: "admin@internal", correlation: nil)
            #expect(try await engine.host(host).hardwareID == node.hardwareID)
        }
    }

    @Test("a token that is used too late, or by another key, does not count; the engine's next power-on gives another")
    func spent() async throws {
        let board = try TestBoard(isOn: false)
        try await Self.running { engine, clock in
            var node = try TestNode()
            let host = try await Self.announce(try Self.order(board, node), engine)
            node.token = try await engine.issueArrival(Self.request(node)).token
            clock.advance(seconds: 901)
            let late = try await node.enrol(with: engine)
            #expect(late.host == host && late.progress.state == .pending)
            #expect(try await engine.event(.arrivalRefused, host: host)?.text.contains("too old") == true)
            try await engine.forgetWhatIsOver()
            #expect(try await engine.host(host).status == .installFailed)
            let before = try #require(try await engine.events(EventQuery(max: 1)).first?.index)
            _ = try await engine.switchPower(
                host,
                .restart,
                bootsFromNetwork: true,
                by: "admin@internal",
                correlation: nil
            )
            #expect(try await engine.host(host).status == .installingOS)
            #expect(try await engine.event(.powerFinished, after: before, host: host) != nil)
            let token = try await engine.issueArrival(Self.request(node)).token
            #expect(token != node.token)
            var again = try TestNode(node.hardwareID.rawValue)
            (again.mac, again.token) = (node.mac, token)
            #expect(try await again.enrol(with: engine).progress.state == .approved)
        }
    }

    @Test("a board that refuses, a machine that is on, a card or a name that is taken: refused, and nothing is stored")
    func refused() async throws {
        let board = try TestBoard(isOn: true)
        try await Self.running { engine, _ in
            let node = try TestNode()
            var order = try Self.order(board, node)
            let on = await #expect(throws: EngineError.self) {
                _ = try await engine.announce(order, by: "a", correlation: nil)
            }
            #expect(on?.remedy?.contains("--restart") == true)
            order.password = Secret("wr0ng one")
            let wrong = await #expect(throws: EngineError.self) {
                _ = try await engine.announce(order, by: "a", correlation: nil)
            }
            #expect(wrong.map { !$0.description.contains("wr0ng") } ?? false)
            order.password = Secret("s3cret-of-it")
            order.profile = "local"
            await #expect(throws: EngineError.self) { _ = try await engine.announce(order, by: "a", correlation: nil) }
            #expect(try await engine.hosts(matching: .all).isEmpty && !board.log.contains("power"))
            (order.profile, order.restarts) = (nil, true)
            _ = try await Self.announce(order, engine)
            #expect(board.log.contains("power 0"))
            var other = order
            other.name = try #require(HostName("kvm-10"))
            let taken = await #expect(throws: EngineError.self) {
                _ = try await engine.announce(other, by: "a", correlation: nil)
            }
            #expect(taken?.description.contains("is a network card of host kvm-9 already") == true)
        }
    }
}
