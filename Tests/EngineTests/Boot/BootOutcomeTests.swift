import Engine
import HostModel
import Testing

/// What ends a next-boot profile, and what does not.
@Suite struct BootOutcomeTests {
    private static let user = "admin@internal"

    private static func request(_ node: TestNode) -> BootRequest {
        BootRequest(mac: node.mac, hardwareID: node.hardwareID, firmware: .bios)
    }

    private static func step(
        _ node: TestNode,
        _ stage: BootEvent.Stage,
        of profile: String?,
        mac: MACAddress? = nil
    ) -> BootEvent {
        BootEvent(
            mac: mac ?? node.mac,
            stage: stage,
            detail: "a step",
            hardwareID: node.hardwareID,
            outcome: profile
        )
    }

    private static func enrolled(
        _ installation: TestInstallation,
        next profile: String
    ) async throws -> (engine: HostEngine, node: TestNode, host: UniqueID) {
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let host = try await node.enrol(with: engine).host
        try await engine.setBoot(host, profile: profile, when: .next, by: user, correlation: nil)
        return (engine, node, host)
    }

    @Test("a host that boots deny once is denied for all the packets of one boot, and then no more")
    func denies() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let (engine, node, host) = try await Self.enrolled(installation, next: "deny")
        // Firmware asks again and again before it goes on.
        for _ in 0..<5 {
            #expect(try await engine.answer(Self.request(node)).profile.name == "deny")
            try await engine.record([Self.step(node, .denied, of: "deny")])
            clock.advance(seconds: 59)
        }
        #expect(try await engine.answer(Self.request(node)).profile.name == "deny")
        clock.advance(seconds: 6)
        #expect(try await engine.answer(Self.request(node)).profile.name == "default")
        // Set again, it holds again.
        try await engine.setBoot(host, profile: "deny", when: .next, by: Self.user, correlation: nil)
        #expect(try await engine.answer(Self.request(node)).profile.name == "deny")
    }

    @Test("a denial that is over is forgotten, and survives a restart while it holds")
    func forgetsDenials() async throws {
        let clock = TestClock()
        let installation = try await TestInstallation { $0.clock = clock.wall }
        let node = try TestNode(name: "web")
        let host = try await installation.running { engine in
            let host = try await node.enrol(with: engine).host
            try await engine.setBoot(host, profile: "deny", when: .next, by: Self.user, correlation: nil)
            try await engine.record([Self.step(node, .denied, of: "deny")])
            return host
        }
        clock.advance(seconds: 301)
        let engine = try await installation.open()
        #expect(try await engine.answer(Self.request(node)).profile.name == "default")
        try await installation.running(engine) { engine in
            var profile = try await engine.host(host).nextBootProfile
            for _ in 0..<200 where profile != nil {
                await engine.waitForEvent(after: 0, seconds: 0)
                try await Task.sleep(for: .milliseconds(20))
                profile = try await engine.host(host).nextBootProfile
            }
            #expect(profile == nil)
        }
    }

    @Test("a step without an outcome, and the outcome of another profile, spend nothing")
    func spendsOnlyItsOwn() async throws {
        let installation = try await TestInstallation()
        let (engine, node, host) = try await Self.enrolled(installation, next: "local")
        try await engine.record([
            Self.step(node, .discover, of: nil), Self.step(node, .initramfs, of: nil),
            Self.step(node, .initramfs, of: "default"), Self.step(node, .localDisk, of: nil),
            Self.step(node, .denied, of: nil),
        ])
        #expect(try await engine.host(host).nextBootProfile == "local")
        try await engine.record([Self.step(node, .localDisk, of: "local")])
        #expect(try await engine.host(host).nextBootProfile == nil)
    }

    @Test("a host with a new network card spends its profile too, and the step is told of it")
    func knowsTheHardware() async throws {
        let installation = try await TestInstallation()
        let (engine, node, host) = try await Self.enrolled(installation, next: "local")
        let card = try TestNode().mac
        var request = Self.request(node)
        request.mac = card
        #expect(try await engine.answer(request).profile.name == "local")
        try await engine.record([Self.step(node, .localDisk, of: "local", mac: card)])
        #expect(try await engine.answer(request).profile.name == "default")
        let events = try await engine.events(EventQuery(host: host, newestFirst: true))
        #expect(events.first?.text == "Host web (\(card)): a step")
    }

    @Test("what is not told any more because it is too much still spends the profile")
    func spendsUnheard() async throws {
        let installation = try await TestInstallation {
            ($0.boot.machineBurst, $0.boot.machinePerMinute) = (1, 0)
        }
        let (engine, node, host) = try await Self.enrolled(installation, next: "local")
        try await engine.record([Self.step(node, .discover, of: nil)])
        try await engine.record([Self.step(node, .localDisk, of: "local")])
        #expect(try await engine.host(host).nextBootProfile == nil)
    }
}

/// How much of the log machines can take.
@Suite struct BootLimitTests {
    private static func stranger(_ number: Int, _ stage: BootEvent.Stage = .discover) throws -> BootEvent {
        let octets = [2, 0, 0, UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
        return BootEvent(mac: try require(MACAddress(octets: octets)), stage: stage, detail: "a step")
    }

    private static func count(_ engine: HostEngine) async throws -> Int {
        try await engine.events(EventQuery(max: 10_000)).count { $0.code == .bootStep || $0.code == .bootDenied }
    }

    @Test("machines that are no hosts share one allowance, whatever they call themselves and whatever the step")
    func sharesAmongStrangers() async throws {
        let installation = try await TestInstallation {
            ($0.boot.strangersBurst, $0.boot.strangersPerMinute) = (50, 0)
        }
        let engine = try await installation.open()
        let stages: [BootEvent.Stage] = [.discover, .denied, .localDisk, .initramfs]
        for start in stride(from: 0, to: 400, by: 100) {
            try await engine.record((start..<start + 100).map { try Self.stranger($0, stages[$0 % 4]) })
        }
        #expect(try await Self.count(engine) == 50)
        // A host is heard all the same.
        let node = try TestNode(name: "web")
        _ = try await node.enrol(with: engine)
        try await engine.record([BootEvent(mac: node.mac, stage: .discover, detail: "a step")])
        #expect(try await Self.count(engine) == 51)
    }

    @Test("a rack of 1000 new machines that are powered on at once is recorded whole")
    func tellsARack() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let before = try await engine.events(EventQuery(max: 1)).first?.index ?? 0
        for _ in 0..<12 {
            for start in stride(from: 0, to: 1000, by: 250) {
                try await engine.record((start..<start + 250).map { try Self.stranger($0) })
            }
        }
        #expect(try await engine.events(EventQuery(max: 1)).first?.index == before + 12_000)
    }
}

/// The addresses that are kept for hosts.
@Suite struct ReservationTests {
    private static func node(_ name: String, _ address: String) throws -> TestNode {
        var node = try TestNode(name: name)
        node.address = try require(IPv4Address(address))
        return node
    }

    @Test("an approved host keeps its address; one that nobody approved keeps none")
    func keepsApproved() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try Self.node("web", "10.77.0.120")
        let claim = try await node.enrol(with: engine, carries: true)
        #expect(try await engine.reservations().isEmpty)
        try await engine.approve(claim.host, code: "\(claim.code)", by: "admin@internal", correlation: nil)
        #expect(
            try await engine.reservations()
                == [AddressReservation(mac: node.mac, address: node.address, name: node.name)]
        )
    }

    @Test("a fixed address goes before the one that the host has, belongs to one host, and can be given up")
    func fixes() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let (web, db) = (try Self.node("web", "10.77.0.120"), try Self.node("db", "10.77.0.121"))
        let (webClaim, dbClaim) = (
            try await web.enrol(with: engine, carries: true), try await db.enrol(with: engine, carries: true)
        )
        try await engine.approve(webClaim.host, code: "\(webClaim.code)", by: "admin@internal", correlation: nil)
        let fixed = try require(IPv4Address("10.77.0.20"))
        func fix(_ host: UniqueID, _ address: IPv4Address?) async throws {
            try await engine.setFixedAddress(host, address, by: "admin@internal", correlation: nil)
        }
        try await fix(webClaim.host, fixed)
        #expect(try await engine.reservations().map(\.address) == [fixed])
        #expect(try await engine.host(webClaim.host).fixedAddress == fixed)
        for taken in [fixed, web.address] {
            let refusal = await #expect(throws: EngineError.self) { try await fix(dbClaim.host, taken) }
            #expect(refusal?.kind == .conflict)
        }
        for impossible in [IPv4Address.any, .loopback, .broadcast, try require(IPv4Address("224.0.0.1"))] {
            let refusal = await #expect(throws: EngineError.self) { try await fix(dbClaim.host, impossible) }
            #expect(refusal?.kind == .invalid)
        }
        // Also for a host that waits for its approval.
        let second = try require(IPv4Address("10.77.0.21"))
        try await fix(dbClaim.host, second)
        #expect(try await Set(engine.reservations().map(\.mac)) == [web.mac, db.mac])
        try await fix(webClaim.host, nil)
        #expect(try await Set(engine.reservations().map(\.address)) == [web.address, second])
        try await engine.remove(dbClaim.host, force: true, by: "admin@internal", correlation: nil)
        #expect(try await engine.reservations().map(\.address) == [web.address])
    }
}
