import Engine
import HostModel
import Testing

/// What machines boot, and what their boots leave behind.
@Suite struct BootTests {
    private static func request(_ node: TestNode) -> BootRequest {
        BootRequest(mac: node.mac, hardwareID: node.hardwareID, firmware: .bios)
    }

    @Test func anUnknownMachineGetsTheNodeImage() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let answer = try await engine.answer(Self.request(try TestNode()))
        #expect(answer.profile.name == "default")
        #expect(answer.profile.mode == .run)
        #expect(answer.profile.image?.name == "node-minimal")
        #expect(answer.manifest == nil, "none is published yet")
        #expect(answer.reason == "unknown machine")
    }

    @Test func theNextBootGoesBeforeTheHostsOwn() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let host = try await node.enrol(with: engine).host
        try await engine.setBoot(host, profile: "deny", when: .always, by: "admin@internal", correlation: nil)
        try await engine.setBoot(host, profile: "local", when: .next, by: "admin@internal", correlation: nil)
        #expect(try await engine.answer(Self.request(node)).profile.name == "local")
        #expect(try await engine.answer(Self.request(node)).profile.name == "local", "asking changes nothing")
        #expect(try await engine.host(host).nextBootProfile == "local")
        try await engine.record([BootEvent(mac: node.mac, stage: .script, detail: "asked for the script")])
        #expect(try await engine.answer(Self.request(node)).profile.name == "local")
        try await engine.record([
            BootEvent(mac: node.mac, stage: .localDisk, detail: "boots from its disk", outcome: "local")
        ])
        let after = try await engine.answer(Self.request(node))
        #expect(after.profile.name == "deny")
        #expect(after.reason == "host web, set for every boot")
        #expect(after.host?.rawValue == "web")
    }

    @Test("what a machine did before it registered is told of the host that it became")
    func aNewHostTakesItsBootStepsAlong() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let stranger = try TestNode()
        try await engine.record([
            BootEvent(mac: node.mac, stage: .kernel, detail: "loaded vmlinuz"),
            BootEvent(mac: stranger.mac, stage: .kernel, detail: "loaded vmlinuz"),
        ])
        let host = try await node.enrol(with: engine).host
        let events = try await engine.events(EventQuery(host: host, newestFirst: false))
        #expect(events.first?.text == "Machine \(node.mac): loaded vmlinuz")
        #expect(events.first?.hostName?.rawValue == "web")
        #expect(!events.contains { $0.text.contains("\(stranger.mac)") })
        #expect(try await engine.host(host).mac == node.mac)
    }

    @Test func theInitramfsSpendsTheNextBoot() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode()
        let host = try await node.enrol(with: engine).host
        try await engine.setBoot(host, profile: "default", when: .next, by: "admin@internal", correlation: nil)
        try await engine.record([BootEvent(mac: node.mac, stage: .kernel, detail: "fetched vmlinuz")])
        #expect(try await engine.host(host).nextBootProfile == "default")
        try await engine.record([
            BootEvent(mac: node.mac, stage: .initramfs, detail: "fetched initramfs", outcome: "default")
        ])
        #expect(try await engine.host(host).nextBootProfile == nil)
    }

    @Test func theMachineIDCountsWhereTheMACIsUnknown() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        _ = try await node.enrol(with: engine)
        var request = Self.request(node)
        request.mac = try TestNode().mac
        #expect(try await engine.answer(request).host?.rawValue == "web")
    }

    @Test func stepsBecomeEventsOfTheHost() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let node = try TestNode(name: "web")
        let host = try await node.enrol(with: engine).host
        let stranger = try TestNode()
        try await engine.record([
            BootEvent(mac: node.mac, stage: .loader, detail: "asked for undionly.kpxe"),
            BootEvent(mac: stranger.mac, stage: .failed, detail: "gave up \u{1B}[2J"),
        ])
        let events = try await engine.events(EventQuery(newestFirst: false)).suffix(2)
        #expect(events.map(\.host) == [host, nil])
        #expect(events.first?.text == "Host web (\(node.mac)): asked for undionly.kpxe")
        #expect(events.last?.text.contains("\(stranger.mac)") == true)
        #expect(events.last?.text.contains("\u{1B}") == false)
        #expect(events.last?.severity == .warning)
    }

    @Test func aFloodOfStepsIsCutOff() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let mac = try TestNode().mac
        for _ in 0..<20 {
            try await engine.record(
                Array(repeating: BootEvent(mac: mac, stage: .discover, detail: "DHCPDISCOVER"), count: 20)
            )
        }
        let count = try await engine.events(EventQuery(max: 1000)).count
        #expect((1...60).contains(count))
    }

    @Test func profilesAreKeptAndChecked() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        #expect(try await engine.profiles().map(\.name) == ["default", "deny", "local"])
        let quiet = BootProfile(
            name: "quiet",
            mode: .run,
            image: ImageReference("node-minimal"),
            kernelArguments: ["quiet", "ip=eth0:dhcp"]
        )
        try await engine.saveProfile(quiet, by: "admin@internal")
        #expect(try await engine.profile("quiet") == quiet)
        let host = try await TestNode().enrol(with: engine).host
        try await engine.setBoot(host, profile: "quiet", when: .always, by: "admin@internal", correlation: nil)
        let used = await #expect(throws: EngineError.self) {
            try await engine.removeProfile("quiet", by: "admin@internal")
        }
        #expect(used?.kind == .conflict)
        let kept = await #expect(throws: EngineError.self) {
            try await engine.removeProfile("default", by: "admin@internal")
        }
        #expect(kept?.kind == .conflict)
        let unknown = await #expect(throws: EngineError.self) {
            try await engine.setBoot(host, profile: "nope", when: .next, by: "admin@internal", correlation: nil)
        }
        #expect(unknown?.kind == .notFound)
        try await engine.removeProfile("local", by: "admin@internal")
        #expect(try await engine.profiles().map(\.name) == ["default", "deny", "quiet"])
    }

    @Test(arguments: [
        "a b", "a\nb", "#!ipxe", "a;reboot", "a&b", "a\"b", "a'b", "a`b", "${net0/ip}", "a|b", "", "é", "a\u{0}",
    ])
    func anArgumentThatIsNoWordIsRefused(_ argument: String) async throws {
        let profile = BootProfile(
            name: "x",
            mode: .run,
            image: ImageReference("node-minimal"),
            kernelArguments: [argument]
        )
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.saveProfile(profile, by: "admin@internal")
        }
        #expect(refusal?.kind == .invalid)
    }
}
