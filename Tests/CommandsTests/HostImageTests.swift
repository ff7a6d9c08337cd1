import HostModel
import Synchronization
import TestServers
import Testing

@testable import Commands
@testable import EngineClient

/// `muster host disks|install-disk|upgrade|rollback` as the built program.
@Suite struct HostImageTests {
    private static let name = "node-5a31"

    private static func job(_ status: String, step: Int, percent: Int? = nil, error: String? = nil) -> JobResource {
        let titles = [
            "Look at the host", "Write the image to the other slot", "Reboot", "Come back with the image, and prove it",
        ]
        let steps = titles.enumerated().map { index, title in
            var resource = JobResource.Step(
                id: "\(index)",
                number: "\(index + 1)",
                name: "t",
                description: title,
                status: index < step ? "finished" : index == step ? status : "unknown"
            )
            if index == step {
                (resource.progress, resource.activity) = (percent.map(String.init), "write \u{1B}[2Jsda")
            }
            return resource
        }
        var job = JobResource(
            id: "j1",
            href: "/ovirt-engine/api/jobs/j1",
            description: "Host node-5a31: the upgrade to node-debian v2",
            status: status,
            start_time: "2026-01-01T00:00:00.000Z",
            muster: .init(kind: "upgrade", steps: steps)
        )
        (job.muster.error, job.muster.remedy) = (error, error == nil ? nil : "Mend the image.")
        return job
    }

    private static var disks: [NodeDisk] {
        var free = NodeDisk()
        (free.name, free.serial, free.bytes) = (HostileText("nvme0n1"), HostileText("S3X1"), 1_920_383_410_176)
        (free.bus, free.byID) = (HostileText("nvme"), HostileText("nvme-eui.0025"))
        var full = NodeDisk()
        (full.name, full.serial, full.bytes) = (HostileText("sda"), HostileText("QM\u{1B}[2J1"), 10_737_418_240)
        full.contents = [HostileText("GPT with 2 partitions"), HostileText("LVM\u{202E}")]
        var ours = NodeDisk()
        (ours.name, ours.isInUse, ours.muster) = (HostileText("sdb"), true, .init())
        ours.muster?.slots = ["a": ImageSlot(state: .good)]
        ours.muster?.running = "a"
        return [free, full, ours]
    }

    @Test("disks, those that say what they should not too")
    func disks() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.disks = Self.disks }
            let table = try await program.run(["host", "disks", Self.name])
            #expect(
                table.output == """
                    NAME     SIZE     SERIAL        WWN  BUS   MODEL  USE          BY-ID          HOLDS
                    nvme0n1  1.9 TB   S3X1          -    nvme  -      free         nvme-eui.0025  -
                    sda      10.7 GB  QM\\u{1b}[2J1  -    -     -      holds data   -              GPT with 2 partitions, LVM\\u{202e}
                    sdb      0 B      -             -    -     -      runs slot a  -              -

                    """
            )
            let json = try await program.run(["host", "disks", Self.name, "-o", "json"])
            #expect(json.output.contains(#""serial" : "QM\u001b[2J1""#), "\(json.output)")
            engine.state.withLock { $0.disks = [] }
            #expect(try await program.run(["host", "disks", Self.name]).output == "The host sees no disk.\n")
        }
    }

    @Test("which switch port a NIC is plugged into, and what a hostile switch says") func neighbours() async throws {
        try await FakeEngine.loggedIn { program, engine in
            let unit = try LLDPDataUnit([
                .init(type: 1, value: [7, 65]), .init(type: 2, value: [5] + Array("Ethernet7/1".utf8)),
                .init(type: 3, value: [0, 120]), .init(type: 5, value: Array("leaf\u{1B}[2J".utf8)),
                .init(type: 127, value: [0, 0x80, 0xC2, 1, 0, 100]),
            ])
            engine.state.withLock {
                $0.neighbours = ["eth1": .init(enabled: true), "eth0": .init(enabled: true, tlvs: unit.elements)]
            }
            let table = try await program.run(["host", "lldp", Self.name])
            #expect(
                table.output == """
                    NIC   SWITCH         PORT         DESCRIPTION  VLAN  MTU  ADDRESS
                    eth0  leaf\\u{1b}[2J  Ethernet7/1  -            100   -    -
                    eth1  not heard      -            -            -     -    -

                    """
            )
        }
    }

    @Test("A31: logs one after another, and nothing in them drives the terminal")
    func logs() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock {
                $0.logs = [
                    HostLog("agent", lines: ["one", "two\u{1B}[2J"]), HostLog("ker\u{1B}nel", lines: ["\u{202E}three"]),
                ]
            }
            let all = try await program.run(["host", "logs", Self.name, "--lines", "7"])
            #expect(all.output == "==> agent <==\none\ntwo\\u{1b}[2J\n\n==> ker\\u{1b}nel <==\n\\u{202e}three\n")
            #expect(engine.state.withLock { $0.calls.last }?.hasSuffix("/logs?max=7") == true)
            let one = try await program.run(["host", "logs", Self.name, "--log", "agent"])
            #expect(one.output == "one\ntwo\\u{1b}[2J\n")
            let none = try await program.run(["host", "logs", Self.name, "--log", "mail"])
            #expect(none.exit == 65 && none.errors.contains("shows no log mail"), "\(none.errors)")
            #expect(try await program.run(["host", "logs", Self.name, "--lines", "0"]).exit == 64)
            engine.state.withLock { $0.logs = [] }
            let empty = try await program.run(["host", "logs", Self.name])
            #expect(empty.output == "The host has no log that it could show.\n")
        }
    }

    @Test("an installation says what it would do, and what is sent is what was typed")
    func installs() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.plan = ["wipe sda", "write \u{1B}[2J"] }
            let arguments = ["host", "install-disk", Self.name, "--disk", "serial=S3X1", "--image", "node-debian@v2"]
            let plan = try await program.run(arguments + ["--dry-run"])
            #expect(plan.output == "wipe sda\nwrite \\u{1b}[2J\n")
            #expect(engine.state.withLock { $0.calls.last }?.contains(#""dry_run":true"#) == true)
            engine.state.withLock {
                $0.plan = nil
                $0.jobs = [Self.job("started", step: 0)]
            }
            let begun = try await program.run(arguments + ["--wipe", "S3 X1"])
            #expect(begun.output.hasPrefix("node-5a31 is being installed on its disk; see muster event list"))
            let sent = engine.state.withLock { $0.calls.filter { $0.contains("installdisk") }.last }
            #expect(
                sent?.hasSuffix(#"installdisk {"disk":"serial=S3X1","image":"node-debian@v2","wipe":"S3 X1"}"#) == true
            )
        }
    }

    @Test("a job is followed to its end, each step told; its failure has the job's own remedy")
    func follows() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock {
                $0.jobs = [
                    Self.job("started", step: 1, percent: 5), Self.job("started", step: 1, percent: 6),
                    Self.job("finished", step: 3),
                ]
            }
            let done = try await program.run(["host", "upgrade", Self.name, "--wait"])
            #expect(done.exit == 0, "\(done.errors)")
            #expect(done.output == "node-5a31 is up with the new image\n")
            #expect(
                done.errors.hasPrefix("2/4 Write the image to the other slot: write \\u{1b}[2Jsda 5 %\n"),
                "\(done.errors)"
            )
            #expect(!done.errors.contains("6 %"), "not every percent")
            let failure = "Version v2 did not come up on host node-5a31: it fell back and runs v1."
            engine.state.withLock { $0.jobs = [Self.job("failed", step: 3, error: failure)] }
            let failed = try await program.run(["host", "rollback", Self.name, "--wait"])
            #expect(failed.exit == 1)
            #expect(failed.errors.contains("it fell back and runs v1\n  try: Mend the image."), "\(failed.errors)")
            #expect(failed.output.isEmpty)
        }
    }

    @Test("upgrade --check tells by its exit code whether there is something newer")
    func checks() async throws {
        try await FakeEngine.loggedIn { program, engine in
            var host = Samples.up
            var image = NodeImageReport()
            (image.name, image.version, image.slot) = (HostileText("node-debian"), HostileText("v1"), "a")
            image.slots = ["a": ImageSlot(name: image.name, version: image.version, state: .good)]
            image.fallBack = .init(version: HostileText("v0"), slot: "b", reason: HostileText("panic\u{1B}"))
            host.muster.image = image
            let current = host
            engine.state.withLock { $0.hosts = [current] }
            let none = try await program.run(["host", "upgrade", Self.name, "--check"])
            #expect(none.exit == 0)
            #expect(none.output == "node-5a31 runs node-debian v1; nothing newer is published\n")
            #expect(engine.state.withLock { $0.calls.contains { $0.contains("upgradecheck") } })
            host.muster.newer_version = "v2"
            let newer = host
            engine.state.withLock { $0.hosts = [newer] }
            let some = try await program.run(["host", "upgrade", Self.name, "--check"])
            #expect(some.exit == 1 && some.errors.isEmpty)
            #expect(some.output == "node-5a31 runs node-debian v1; v2 is published and active\n")
            let output = try await program.run(["host", "show", Self.name]).output
            let shown = output.split(separator: " ").joined(separator: " ")
            for line in [
                "Image node-debian v1 (slot a)", "Slot a node-debian v1 good",
                "Gave up v0: panic\\u{1b}",
                "Upgrade v2 is published",
            ] { #expect(shown.contains(line), "\(shown)") }
        }
    }

    @Test(
        "what is typed wrongly is said before anything is sent",
        arguments: [
            (["install-disk", name], 64), (["install-disk", name, "--disk", "-x"], 64),
            (["install-disk", name, "--disk", "a;b"], 64), (["install-disk", name, "--disk", "size>=many"], 64),
            (["install-disk", name, "--disk", "a", "--wipe", ""], 64),
            (["install-disk", name, "--disk", "a", "--image", "../x"], 65), (["upgrade", name, "--image", "A B"], 65),
            (["upgrade", name, "--check", "--wait"], 64), (["upgrade", name, "--timeout", "0"], 64), (["disks"], 64),
            (["disks", "nobody"], 65), (["rollback", "nobody"], 65),
        ] as [([String], Int32)]
    )
    func refuses(arguments: [String], exit: Int32) async throws {
        try await FakeEngine.loggedIn { program, engine in
            let outcome = try await program.run(["host"] + arguments)
            #expect(outcome.exit == exit, "\(outcome.errors)")
            let calls = engine.state.withLock { $0.calls.filter { $0.hasPrefix("POST /ovirt-engine/api/hosts") } }
            #expect(calls.isEmpty)
        }
    }
}
