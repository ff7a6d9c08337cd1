import AgentWire
import Crypto
import Engine
import HostModel
import NIOCore
import Testing

/// Disks and images of a host over real frames: what is ordered, what happens on the way, how it ends.
@Suite struct ImageWorkTests {
    struct Line: Sendable {
        var host: UniqueID
        var agent: TestAgent
        var node: TestNode
    }

    static let user = "admin@internal"
    private static let root = [UInt8](repeating: 7, count: 4096)

    /// A host that is up and runs v1, with v1 and v2 published and v2 active.
    static func up(
        _ engine: HostEngine,
        running image: NodeImageReport = TestNodeDisks.running("v1"),
        _ change: (inout sending TestAgent.State) -> Void = { _ in }
    ) async throws -> Line {
        for version in ["v1", "v2"] { try await publish(version, on: engine) }
        _ = try await engine.activate(image: "node-debian", version: "v2", by: user)
        var node = try TestNode(name: "node-1")
        let agent = try await TestAgent(key: node.key)
        agent.change {
            $0.capabilities.musterImage = image
            $0.capabilities.boot_uuid = "boot-0"
            change(&$0)
        }
        node.port = agent.port
        let enrolment = try await node.enrol(with: engine)
        try await engine.approve(enrolment.host, code: "\(enrolment.code)", by: user, correlation: nil)
        let progress = try await engine.claimProgress(enrolment.claim)
        agent.trust(certificate: progress.certificate, authority: engine.authorityPEM)
        _ = try #require(try await engine.event(.hostDetected, host: enrolment.host))
        return Line(host: enrolment.host, agent: agent, node: node)
    }

    static func publish(_ version: String, on engine: HostEngine, hasLoaders: Bool = true) async throws {
        let kernel = Array("kernel \(version)".utf8)
        let verity = RootVerity(rootHash: .random(), salt: .random(), dataSize: Int64(root.count))
        var files: [(String, ImageManifest.File.Role, [UInt8], RootVerity?)] = [
            ("vmlinuz", .kernel, kernel, nil), ("initramfs", .initramfs, kernel, nil),
            ("root.squashfs", .root, root, verity),
        ]
        if hasLoaders { files.append(("loaders.cpio", .loaders, root, nil)) }
        let manifest = ImageManifest(
            name: "node-debian",
            version: version,
            architecture: "x86_64",
            kernelVersion: "6.1.0",
            kernelArguments: [],
            files: try files.map { name, role, bytes, verity in
                let digest = try require(Nonce(bytes: Array(SHA256.hash(data: bytes))))
                return .init(name: name, role: role, size: Int64(bytes.count), sha256: digest, verity: verity)
            }
        )
        _ = try await engine.openUpload(manifest)
        for (name, _, bytes, _) in files {
            try await engine.append(
                image: "node-debian",
                version: version,
                file: name,
                offset: 0,
                total: Int64(bytes.count),
                bytes: ByteBuffer(bytes: bytes)
            )
        }
        _ = try await engine.publish(image: "node-debian", version: version, by: user)
    }

    static func installation(_ change: (inout EngineSettings) -> Void = { _ in }) async throws
        -> TestInstallation
    {
        try await TestInstallation { settings in
            (settings.imageWork.poll, settings.imageServer) = (20, "10.77.0.1:8080")
            change(&settings)
        }
    }

    /// Waits until the host has no work any more and is up.
    @discardableResult
    static func ended(_ engine: HostEngine, _ line: Line, _ code: EventCode) async throws -> EventRecord {
        let event = try #require(try await engine.event(code, host: line.host))
        _ = try #require(try await engine.event(.hostDetected, after: event.index, host: line.host))
        return event
    }

    // MARK: Upgrade

    @Test func anUpgradeEndsWithTheNewVersion() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) {
                $0.node.next = TestNodeDisks.running("v2", slot: "b", isTrial: true, other: "v1")
            }
            #expect(try await engine.host(line.host).newerImageVersion == "v2")
            let job = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: "c7")
            #expect(job.status == .started && job.steps.map(\.status) == [.started, .unknown, .unknown, .unknown])
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.rollBack(line.host, by: Self.user, correlation: nil)
            }
            #expect(refusal?.kind == .conflict)
            let finished = try await Self.ended(engine, line, .upgradeFinished)
            #expect(finished.user == Self.user && finished.correlation == "c7")
            let ended = try await engine.job(job.id)
            #expect(ended.status == .finished && ended.steps.allSatisfy { $0.status == .finished })
            let host = try await engine.host(line.host)
            #expect(host.status == .up && host.hardware?.image?.version.raw == "v2")
            #expect(host.hardware?.image?.isTrial == false, "the engine's voice ended the trial")
            #expect(host.newerImageVersion == nil)
            let order = try #require(line.agent.node.orders.first)
            let folder = try #require(order.image)
            #expect(order.kind == .upgrade && "\(folder)" == "http://10.77.0.1:8080/images/node-debian/v2")
            #expect(line.agent.node.reboots == 1)
            // Back again.
            line.agent.change { $0.node.next = TestNodeDisks.running("v1", slot: "a", isTrial: true, other: "v2") }
            let back = try await engine.rollBack(line.host, by: Self.user, correlation: nil)
            _ = try await engine.event(.upgradeFinished, after: finished.index, host: line.host)
            #expect(try await engine.job(back.id).status == .finished)
            #expect(line.agent.node.orders.last?.kind == .rollback)
            #expect(try await engine.jobs(of: line.host, max: 10).map(\.kind) == ["rollback", "upgrade"])
            try await line.agent.stop()
        }
    }

    @Test func theStatusesAreOVirts() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) { $0.node.end = nil }
            _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            #expect(try await engine.host(line.host).status == .preparingForMaintenance)
            var seen = try await engine.jobs(of: line.host, max: 1).first?.steps[1]
            while seen?.percent != 25 { seen = try await engine.jobs(of: line.host, max: 1).first?.steps[1] }
            #expect(seen?.activity == "write \\u{1b}[2Jsda")
            #expect(try await engine.host(line.host).status == .installing)
            line.agent.change {
                $0.node.end = .done
                $0.mute = [HostVerb.ping2.rawValue]
            }
            while try await engine.host(line.host).status == .installing {}
            #expect(try await engine.host(line.host).status == .reboot)
            line.agent.change { $0.capabilities.musterImage = TestNodeDisks.running("v2", slot: "b") }
            line.agent.change { $0.mute = [] }
            line.agent.breakConnections()
            try await Self.ended(engine, line, .upgradeFinished)
            try await line.agent.stop()
        }
    }

    @Test func anImageThatDoesNotComeUpFailsTheJobAndTheHostIsUpAgain() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            var fallen = TestNodeDisks.running("v1")
            fallen.slots["b"]?.state = .failed
            fallen.fallBack = .init(
                version: HostileText("v2"),
                slot: "b",
                reason: HostileText("it did not reach the engine")
            )
            let report = fallen
            let line = try await Self.up(engine) { $0.node.next = report }
            let job = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            let failed = try await Self.ended(engine, line, .upgradeFailed)
            #expect(failed.severity == .error)
            #expect(failed.text.contains("Version v2 did not come up on host node-1: it fell back and runs v1."))
            #expect(failed.text.contains("it did not reach the engine"))
            let ended = try await engine.job(job.id)
            #expect(ended.status == .failed && ended.steps.map(\.status) == [.finished, .finished, .finished, .failed])
            let host = try await engine.host(line.host)
            #expect(host.status == .up && host.hardware?.image?.version.raw == "v1")
            #expect(host.newerImageVersion == "v2")
            #expect(try await engine.event(.imageFellBack, host: line.host) != nil)
            try await line.agent.stop()
        }
    }

    @Test func aFallBackThatNobodyOrderedIsToldOnce() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine)
            // Somebody upgraded at the node itself; the reason comes when the node has looked.
            for reason in [nil, HostileText("slot b did not come up")] {
                line.agent.change { state in
                    state.capabilities.musterImage.slots["b"]?.state = .failed
                    state.capabilities.musterImage.fallBack = .init(
                        version: HostileText("v2"),
                        slot: "b",
                        reason: reason
                    )
                }
                line.agent.breakConnections()
                var seen: NodeImageReport.FallBack?
                while seen == nil || seen?.reason != reason {
                    seen = try await engine.host(line.host).hardware?.image?.fallBack
                }
            }
            let events = try await engine.events(EventQuery(after: 0, host: line.host, max: 1000, newestFirst: false))
            let told = events.filter { $0.code == .imageFellBack }
            #expect(told.map(\.text) == ["Host node-1 gave up version v2 in slot b and runs v1."])
            try await line.agent.stop()
        }
    }

    @Test func aWriteThatFailsLeavesTheHostUp() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) { $0.node.end = .failed }
            let job = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            let failed = try await Self.ended(engine, line, .upgradeFailed)
            #expect(failed.text.contains("Write the image to the other slot: The disk \\u{1b}[31mbroke. Change it."))
            #expect(line.agent.node.reboots == 0)
            #expect(try await engine.job(job.id).remedy == "Change it.")
            try await line.agent.stop()
        }
    }

    @Test func guestsAreNotRebootedAway() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) { $0.guests = 2 }
            _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            let failed = try await Self.ended(engine, line, .upgradeFailed)
            #expect(failed.text.contains("2 guests run on the host"))
            #expect(line.agent.node.orders.isEmpty)
            try await line.agent.stop()
        }
    }

    @Test func aDeafNodeIsToldAgain() async throws {
        let installation = try await Self.installation { $0.imageWork.rebootAgain = 100 }
        try await installation.running { engine in
            let line = try await Self.up(engine) {
                $0.node.deafness = 2
                $0.node.next = TestNodeDisks.running("v2", slot: "b")
            }
            _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            try await Self.ended(engine, line, .upgradeFinished)
            #expect(line.agent.node.reboots == 3)
            try await line.agent.stop()
        }
    }

    @Test func aNodeThatIsSwitchedOffInTheMiddleIsToldAgainAndNotForEver() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) { $0.node.end = nil }
            _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            for count in 1...3 {
                while line.agent.node.orders.count < count { await Task.yield() }
                line.agent.change { $0.node.job = nil }
                line.agent.breakConnections()
            }
            let failed = try await Self.ended(engine, line, .upgradeFailed)
            #expect(failed.text.contains("The node began 3 times and forgot it"))
            let orders = line.agent.node.orders
            #expect(Set(orders.map(\.id)).count == 1, "one id, so that it is one work")
            try await line.agent.stop()
        }
    }

    @Test func aNodeThatNeverComesBackFailsTheJobAtItsDeadline() async throws {
        let installation = try await Self.installation { ($0.imageWork.comeBack, $0.imageWork.reboot) = (300, 300) }
        try await installation.running { engine in
            let line = try await Self.up(engine) {
                $0.node.next = TestNodeDisks.running("v2", slot: "b", isTrial: true)
            }
            line.agent.change { $0.node.confirms = false }
            _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            let failed = try #require(try await engine.event(.upgradeFailed, host: line.host))
            #expect(failed.text.contains("has not proved itself yet"))
            try await line.agent.stop()
        }
    }

    @Test(
        "F1: the engine ends at each step of an upgrade, as it would by kill -9, and goes on when it is started anew",
        arguments: 1...4,
        [true, false]
    )
    func aRestartedEngineGoesOn(fromEvent step: Int, isUpgrade: Bool) async throws {
        let installation = try await Self.installation()
        let codes: [EventCode] = isUpgrade ? [.upgradeStarted] : [.diskInstallStarted]
        let line = try await installation.running { engine in
            let image = isUpgrade ? TestNodeDisks.running("v1") : TestNodeDisks.running("v1", slot: nil)
            let line = try await Self.up(engine, running: image) {
                $0.node.next = TestNodeDisks.running("v2", slot: isUpgrade ? "b" : "a", isTrial: isUpgrade)
            }
            if isUpgrade {
                _ = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            } else {
                let disk = DiskInstallation(disk: try require(DiskWord("serial=QM1")))
                _ = try await engine.installDisk(line.host, disk, by: Self.user, correlation: nil)
            }
            var seen = try #require(try await engine.event(codes[0], host: line.host)).index
            for _ in 1..<step {
                seen = try #require(try await engine.event(.imageStep, after: seen, host: line.host)).index
            }
            return line
        }
        try await installation.running { engine in
            try await Self.ended(engine, line, isUpgrade ? .upgradeFinished : .systemInstalled)
            let events = try await engine.events(EventQuery(host: line.host, max: 1000, newestFirst: false))
            #expect(events.filter { $0.code == .imageStep }.count == 3, "each step told once")
            #expect(events.filter { $0.code == codes[0] }.count == 1)
            #expect(!events.contains { $0.code == .upgradeFailed || $0.code == .systemInstallFailed })
            let host = try await engine.host(line.host)
            #expect(host.status == .up && host.hardware?.image?.version.raw == "v2")
            #expect(host.bootProfile == (isUpgrade ? nil : "local"))
            #expect(line.agent.node.orders.count <= 2)
            #expect(line.agent.node.reboots == 1, "rebooted once")
        }
        try await line.agent.stop()
    }

    // MARK: Refusals and the check

    @Test func whatCannotBeIsRefusedWithARemedy() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine)
            try await Self.publish("v3", on: engine)
            func refusal(_ image: String) async -> EngineError? {
                await #expect(throws: EngineError.self) {
                    try await engine.upgrade(line.host, to: ImageReference(image), by: Self.user, correlation: nil)
                }
            }
            #expect(await refusal("node-debian@v1")?.kind == .conflict, "runs already")
            #expect(await refusal("node-debian@v9")?.kind == .notFound)
            #expect(await refusal("nothing")?.kind == .notFound)
            let back = await #expect(throws: EngineError.self) {
                try await engine.rollBack(line.host, by: Self.user, correlation: nil)
            }
            #expect(back?.detail.contains("is empty") == true)
            #expect(try await engine.host(line.host).status == .up)
            let check = try await engine.checkUpgrade(line.host, by: Self.user, correlation: nil)
            #expect(check.isAvailable && check.newest == "v2")
            let told = try #require(try await engine.event(.updatesCheckFinished, host: line.host))
            #expect(told.text == "Host node-1, image node-debian: v2 is there, it runs v1.")
            try await line.agent.stop()
        }
    }

    @Test func aHostFromTheNetworkIsNotUpgraded() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine, running: TestNodeDisks.running("v1", slot: nil))
            let refusal = await #expect(throws: EngineError.self) {
                try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            }
            #expect(refusal?.remedy?.contains("install-disk") == true)
            line.agent.change { $0.capabilities.musterImage = NodeImageReport() }
            try await line.agent.stop()
        }
    }

    @Test func anApprovalWithANewKeyEndsTheWork() async throws {
        let installation = try await Self.installation()
        try await installation.running { engine in
            let line = try await Self.up(engine) { $0.node.end = nil }
            let job = try await engine.upgrade(line.host, to: nil, by: Self.user, correlation: nil)
            var again = line.node
            again.key = P256.Signing.PrivateKey()
            again.nonce = .random()
            let enrolment = try await again.enrol(with: engine)
            #expect(enrolment.host == line.host)
            try await engine.approve(line.host, code: "\(enrolment.code)", by: Self.user, correlation: nil)
            #expect(try await engine.job(job.id).status == .aborted)
            #expect(try await engine.host(line.host).status == .installing)
            try await line.agent.stop()
        }
    }
}
