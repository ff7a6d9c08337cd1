import AgentWire
import Engine
import HostModel
import Testing

/// Hosts that are installed on their disks from the engine.
@Suite struct DiskInstallationTests {
    @Test func anInstallationEndsOnTheDiskWithTheProfileLocal() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine, running: TestNodeDisks.running("v1", slot: nil)) {
                $0.node.next = TestNodeDisks.running("v2")
            }
            let wanted = DiskInstallation(
                disk: try require(DiskWord("size>=100G,bus=nvme")),
                wipe: try require(DiskWord("S3 X 1"))
            )
            let plan = try await engine.planDiskInstallation(line.host, wanted)
            #expect(plan == ["wipe sda", "write \\u{1b}[2J"])
            #expect(line.agent.node.orders.isEmpty)
            _ = try await engine.installDisk(line.host, wanted, by: ImageWorkTests.user, correlation: nil)
            try await ImageWorkTests.ended(engine, line, .systemInstalled)
            #expect(try await engine.host(line.host).bootProfile == "local")
            let request = BootRequest(mac: line.node.mac, firmware: .bios)
            #expect(try await engine.answer(request).profile.mode == .local)
            let order = try #require(line.agent.node.orders.first)
            #expect(order.disk == wanted.disk && order.wipe == wanted.wipe)
            try await line.agent.stop()
        }
    }

    @Test func whatTheNodeRefusesIsNotBegun() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine, running: TestNodeDisks.running("v1", slot: nil)) {
                $0.node.refusal = RPCError(.badParameters, "Two disks match: sda \u{1B}[2J, sdb. Name one.")
            }
            let wanted = DiskInstallation(disk: try require(DiskWord("rule:only")))
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.installDisk(line.host, wanted, by: ImageWorkTests.user, correlation: nil)
            }
            #expect(refusal?.kind == .conflict)
            #expect(refusal?.detail == "Host node-1 refuses: Two disks match: sda \\u{1b}[2J, sdb. Name one.")
            #expect(try await engine.host(line.host).status == .up)
            #expect(try await engine.jobs(of: line.host, max: 1).isEmpty)
            // Refused only when it is ordered: a disk that changed meanwhile.
            line.agent.change { $0.node.refusal = nil }
            line.agent.change { $0.node.end = .failed }
            _ = try await engine.installDisk(line.host, wanted, by: ImageWorkTests.user, correlation: nil)
            try await ImageWorkTests.ended(engine, line, .systemInstallFailed)
            #expect(try await engine.host(line.host).bootProfile == nil, "it goes on booting as before")
            try await line.agent.stop()
        }
    }

    @Test func aHostThatComesBackFromTheNetworkIsNotInstalled() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine, running: TestNodeDisks.running("v1", slot: nil))
            let wanted = DiskInstallation(disk: try require(DiskWord("serial=1")))
            _ = try await engine.installDisk(line.host, wanted, by: ImageWorkTests.user, correlation: nil)
            let failed = try await ImageWorkTests.ended(engine, line, .systemInstallFailed)
            #expect(failed.text.contains("came back from somewhere else than its disk"))
            try await line.agent.stop()
        }
    }

    @Test func disksAreShownAsTheNodeTellsThem() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            var disk = NodeDisk()
            (disk.name, disk.serial, disk.bytes) = (HostileText("sda"), HostileText("QM\u{1B}1"), 1 << 40)
            let told = disk
            let line = try await ImageWorkTests.up(engine) { $0.node.disks = [told] }
            #expect(try await engine.disks(of: line.host) == [disk])
            #expect(try await engine.neighbours(of: line.host) == ["eth0": LLDPReport(enabled: true)])
            let logs = try await engine.logs(of: line.host, lines: 7)
            #expect(logs.first?.name == "agent" && logs.first?.lines.first?.contains("7") == true)
            line.agent.change { $0.certificate = nil }
            line.agent.breakConnections()
            let refusal = await #expect(throws: EngineError.self) { try await engine.disks(of: line.host) }
            #expect(refusal?.kind == .unavailable)
            try await line.agent.stop()
        }
    }

    @Test func anImageWithoutLoadersIsNotInstalledButUpgradedTo() async throws {
        let installation = try await ImageWorkTests.installation()
        try await installation.running { engine in
            let line = try await ImageWorkTests.up(engine) { $0.node.next = TestNodeDisks.running("v3", slot: "b") }
            try await ImageWorkTests.publish("v3", on: engine, hasLoaders: false)
            let image = ImageReference("node-debian@v3")
            let wanted = DiskInstallation(disk: try require(DiskWord("serial=1")), image: image)
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.installDisk(line.host, wanted, by: ImageWorkTests.user, correlation: nil)
            }
            #expect(refusal?.detail == "The image node-debian v3 has no boot loaders for a disk.")
            _ = try await engine.upgrade(line.host, to: image, by: ImageWorkTests.user, correlation: nil)
            try await ImageWorkTests.ended(engine, line, .upgradeFinished)
            try await line.agent.stop()
        }
    }
}
