import Glibc
import HostModel
import Synchronization
import Testing

@testable import BootServer

/// Scripts, refusals and events, over the wire.
@Suite(.timeLimit(.minutes(2))) struct BootStepTests {
    private static let mac = BootHTTPFixture.mac
    private static let script = "/boot/script?mac=\(mac)&platform=pcbios"

    @Test(
        "each mode gets its script and its event",
        arguments: [
            (BootProfile.Mode.local, "local.ipxe.template", BootEvent.Stage.localDisk),
            (.deny, "deny.ipxe.template", .denied), (.run, "wait.ipxe.template", .script),
            (.kickstart, "wait.ipxe.template", .failed),
        ]
    )
    func scripts(mode: BootProfile.Mode, template: String, stage: BootEvent.Stage) async throws {
        try await BootHTTPFixture.with(answers: { _ in BootHTTPFixture.answer(mode) }) { fixture in
            let answer = try await fixture.get(Self.script)
            #expect(answer.statuses == [200])
            #expect(answer.body == "#!ipxe\necho \(template)\n")
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == stage)
            #expect(event?.address == .loopback)
        }
    }

    @Test("when nobody can answer, the machine is told to wait, and never given something else")
    func directoryAway() async throws {
        try await BootHTTPFixture.with(answers: { _ in throw MemoryDirectory.Away() }) { fixture in
            #expect(try await fixture.get(Self.script).body == "#!ipxe\necho wait.ipxe.template\n")
            let image = try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)")
            #expect(image.statuses == [503])
            #expect(image.header("Retry-After") == "5")
        }
    }

    @Test("the directory is asked what the loader said")
    func request() async throws {
        let asked = Mutex<BootRequest?>(nil)
        try await BootHTTPFixture.with(answers: { request in
            asked.withLock { $0 = request }
            return BootHTTPFixture.answer(.deny)
        }) { fixture in
            _ = try await fixture.get("/boot/script?mac=\(Self.mac)&uuid=AB&platform=efi&product=%1b%5b2J")
            let request = asked.withLock { $0 }
            #expect(request?.mac.hyphenated == Self.mac)
            #expect(request?.firmware == .uefi)
            #expect(request?.hardwareID == HardwareID("ab"))
            #expect(request?.product == HostileText("\u{1B}[2J"))
        }
    }

    @Test("an image is an event of the machine that names itself, at its end and only then")
    func imageEvents() async throws {
        try await BootHTTPFixture.with { fixture in
            _ = try await fixture.get("/images/node/1/vmlinuz")
            _ = try await fixture.exchange("HEAD /images/node/1/vmlinuz?mac=\(Self.mac) HTTP/1.0\r\n\r\n")
            _ = try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)", "Range: bytes=0-9\r\n")
            _ = try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)")
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .kernel)
            #expect(event?.detail.hasPrefix("loaded vmlinuz of node 1, 300000 bytes in ") == true)
            #expect(fixture.directory.events.count == 1)
        }
    }

    @Test("A28: a live root is a step of its own, its manifest is none, and a spent profile does not stop it")
    func liveRoot() async throws {
        try await BootHTTPFixture.with(answers: { _ in BootHTTPFixture.answer(.deny) }) { fixture in
            for file in ["manifest.json", "manifest.json.p7s"] {
                let answer = try await fixture.get("/images/node/1/\(file)?mac=\(Self.mac)&platform=efi")
                #expect(answer.statuses == [404])
            }
            _ = try await fixture.get("/images/node/1/root.squashfs?mac=\(Self.mac)", "Range: bytes=100-\r\n")
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .root)
            #expect(event?.detail.hasPrefix("loaded the end of root.squashfs of node 1, 299900 bytes in ") == true)
        }
    }

    @Test("the live root reports a sentence")
    func liveRootReport() async throws {
        try await BootHTTPFixture.with { fixture in
            let target = "/boot/event?mac=\(Self.mac)&platform=efi&stage=live_root&detail=the%20memory%20is%20full"
            let answer = try await fixture.get(target)
            #expect(answer.statuses == [200])
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .failed)
            #expect(event?.detail == "the machine reports that the step live_root failed: the memory is full")
        }
    }

    @Test(
        "a machine that says it is installed ends the profile that installs it, if it is that machine",
        arguments: [(BootProfile.Mode.install, true), (.install, false), (.run, true)]
    )
    func installed(mode: BootProfile.Mode, isItself: Bool) async throws {
        let machines = isItself ? MachineLocator(neighbours: BootHTTPFixture.neighbours()) : Self.strangers
        try await BootHTTPFixture.with(machines: machines, answers: { _ in BootHTTPFixture.answer(mode) }) { fixture in
            let answer = try await fixture.get("/boot/event?mac=\(Self.mac)&stage=installed&detail=sda%1b")
            #expect(answer.body == "taken\n")
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .installed)
            #expect(event?.detail.hasPrefix("the machine reports that it is installed: sda\\u{1b}") == true)
            #expect(event?.outcome == (mode == .install && isItself ? "default" : nil))
        }
    }

    /// What another machine than the one that it names asks for.
    private static let strangers = MachineLocator(neighbours: BootHTTPFixture.neighbours("52-54-00-00-00-66"))

    @Test("only what a machine itself got is the outcome of its profile", arguments: [true, false])
    func outcomes(isItself: Bool) async throws {
        let machines = isItself ? MachineLocator(neighbours: BootHTTPFixture.neighbours()) : Self.strangers
        let initramfs = "/images/node/1/initramfs.zst?mac=\(Self.mac)&uuid=AB&profile=once"
        try await BootHTTPFixture.with(machines: machines) { fixture in
            // One byte of the end is the end, but not the file.
            _ = try await fixture.get(initramfs, "Range: bytes=999-999\r\n")
            let end = await fixture.directory.nextEvent()
            #expect(end?.detail.hasPrefix("loaded the end of initramfs.zst of node 1, 1 bytes") == true)
            _ = try await fixture.get(initramfs)
            let whole = await fixture.directory.nextEvent()
            #expect(whole?.stage == .initramfs && whole?.hardwareID == HardwareID("ab"))
            #expect(whole?.outcome == (isItself ? "once" : nil))
            #expect(whole?.detail.hasSuffix("not known to be the machine's") == !isItself)
        }
        for (mode, stage) in [(BootProfile.Mode.local, BootEvent.Stage.localDisk), (.deny, .denied)] {
            try await BootHTTPFixture.with(machines: machines, answers: { _ in BootHTTPFixture.answer(mode) }) {
                fixture in
                _ = try await fixture.get(Self.script)
                let event = await fixture.directory.nextEvent()
                #expect(event?.stage == stage)
                #expect(event?.outcome == (isItself ? "default" : nil))
            }
        }
    }

    @Test("scripts and images of one address are bounded, and the engine is not asked for the rest")
    func asksAreBounded() async throws {
        var limits = BootHTTPLimits()
        (limits.asksPerPeer, limits.askMilliseconds) = (3, 3_600_000)
        let asked = Mutex(0)
        try await BootHTTPFixture.with(
            limits: limits,
            answers: { _ in
                asked.withLock { $0 += 1 }
                return BootHTTPFixture.answer(.run)
            }
        ) { fixture in
            for number in 0..<6 {
                let answer = try await fixture.get("/boot/script?mac=52-54-00-00-00-0\(number)")
                #expect(answer.statuses == [number < 3 ? 200 : 503])
                if number >= 3 { #expect(answer.header("Retry-After") == "5") }
            }
            #expect(try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)").statuses == [503])
            #expect(asked.withLock { $0 } == 3)
        }
    }

    @Test("one address has its share of the downloads, and no more")
    func downloadsPerPeer() async throws {
        var limits = BootHTTPLimits()
        limits.downloadsPerPeerMax = 2
        #expect(BootHTTPLimits().downloadsPerPeerMax == 8)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            #expect(truncate(fixture.root + "/images/node/1/vmlinuz", 64 << 20) == 0)
            var clients: [RawClient] = []
            for _ in 0..<2 {
                let client = try await RawClient.connect(port: fixture.server.port, reads: false)
                try await client.send("GET /images/node/1/vmlinuz HTTP/1.1\r\nHost: t\r\n\r\n")
                await client.readOnce()
                clients.append(client)
            }
            #expect(try await fixture.get("/images/node/1/empty").statuses == [503])
            for client in clients { client.close() }
        }
    }

    @Test("a denied machine gets no image either")
    func deniedImage() async throws {
        var limits = BootHTTPLimits()
        limits.downloadsPerPeerMax = 1
        try await BootHTTPFixture.with(limits: limits, answers: { _ in BootHTTPFixture.answer(.deny) }) { fixture in
            // It keeps no place in the queue.
            for _ in 0..<3 {
                let answer = try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)")
                #expect(answer.statuses == [403])
            }
            #expect(await fixture.directory.nextEvent()?.stage == .denied)
        }
    }

    @Test("H14: past the limit of downloads a machine is told when to come again")
    func downloadLimit() async throws {
        var limits = BootHTTPLimits()
        limits.downloadsMax = 0
        let asked = Mutex(0)
        try await BootHTTPFixture.with(
            limits: limits,
            answers: { _ in
                asked.withLock { $0 += 1 }
                return BootHTTPFixture.answer(.run)
            }
        ) { fixture in
            let answer = try await fixture.get("/images/node/1/vmlinuz?mac=\(Self.mac)")
            #expect(answer.statuses == [503])
            #expect(answer.header("Retry-After") == "5")
            #expect(asked.withLock(\.self) == 0, "the engine is not asked about who has to wait")
        }
    }

    @Test("a place of a download is given back at its end, however it ends")
    func downloadsAreCounted() async throws {
        var limits = BootHTTPLimits()
        limits.downloadsMax = 1
        try await BootHTTPFixture.with(limits: limits) { fixture in
            for target in ["vmlinuz", "nothing", "link", "empty", "vmlinuz"] {
                let status = try await fixture.get("/images/node/1/\(target)").statuses
                #expect(status == [["vmlinuz", "empty"].contains(target) ? 200 : 404])
            }
        }
    }

    @Test("a report becomes an escaped event; a flood of them does not")
    func reports() async throws {
        var limits = BootHTTPLimits()
        (limits.reportsPerMachine, limits.reportSeconds) = (2, 3600)
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let target = "/boot/event?mac=\(Self.mac)&stage=initramfs&detail=%1b%5b31m"
            var bodies: [String] = []
            for _ in 0..<4 { bodies.append(String(try await fixture.get(target).body)) }
            #expect(bodies == ["taken\n", "taken\n", "not taken\n", "not taken\n"])
            let event = await fixture.directory.nextEvent()
            #expect(event?.stage == .failed)
            #expect(
                event?.detail == "the machine reports that the step initramfs failed: \\u{1b}[31m"
            )
        }
    }
}
