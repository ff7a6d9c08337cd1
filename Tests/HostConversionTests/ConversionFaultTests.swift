import FoundationEssentials
import Glibc
import HostConversion
import HostModel
import Synchronization
import SystemPackage
import Testing

/// What was begun last beside a conversion.
private final class LastTask: Sendable {
    private let task = Mutex<Task<Void, any Error>?>(nil)

    var value: Task<Void, any Error>? {
        get { task.withLock(\.self) }
        set { task.withLock { $0 = newValue } }
    }
}

/// Everything that may break while a server is converted: afterwards it is a node, or what it was before. Takes root, and
/// four minutes: `make test-convert`.
@Suite(.serialized, .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil)) struct ConversionFaultTests {

    @Test("the connection breaks in every step: it goes on by itself, and still goes back equal by hash")
    func survivesBrokenConnections() async throws {
        let bed = try await ConversionBed()
        let before = try await bed.state()
        let server = bed.server
        let events = EventList { event in
            guard event.kind == .began else { return }
            Task {
                try await server.awaitBegun(event.step)
                try server.order("drop")
            }
        }
        try await bed.conversion(events).run()
        #expect(events.all.contains { $0.kind == .reconnecting })
        for step in try await bed.plan().steps {
            let last = events.kinds(step.id).last
            #expect(last == .finished || last == .already, "\(step.id)")
        }
        try await ConversionTests.checkNode(bed)
        let report = try await bed.undo()
        #expect(report.isExact, "\(report.text)")
        let difference = ConversionTests.difference(before, try await bed.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    @Test("whoever converts is ended in every step, and starts again")
    func survivesCancellation() async throws {
        let bed = try await ConversionBed()
        let server = bed.server
        for step in try await bed.plan().steps.map(\.id) + [.certificate] {
            let conversion = try await bed.conversion(EventList())
            let run = Task { try await conversion.run() }
            try await server.awaitBegun(step)
            run.cancel()
            // What had begun on the server may be done before the end arrives here.
            _ = await run.result
        }
        try await bed.conversion(EventList()).run()
        try await ConversionTests.checkNode(bed)
        #expect(try await bed.undo().isExact)
    }

    @Test("the server's power is cut while a step is at work; after its boot it goes on")
    func survivesPowerCuts() async throws {
        let bed = try await ConversionBed(size: TestServer.onDisk)
        let before = try await bed.state()
        let current = CurrentServer(bed.server)
        let cuts = try await bed.plan().steps.map(\.id)
        let folder = bed.folder
        let last = LastTask()
        let events = EventList { event in
            guard event.kind == .began, cuts.contains(event.step) else { return }
            // A step that was done before its power went: the next one begins on the server that has booted again.
            try await last.value?.value
            last.value = Task {
                try await current.value.awaitBegun(event.step)
                current.replace(by: try await current.value.powerCycled(serve: folder))
            }
        }
        try await bed.conversion(events, on: current).run()
        #expect(events.all.filter { $0.kind == .reconnecting }.count >= cuts.count)
        #expect(try await bed.undo(on: current).isExact)
        let difference = ConversionTests.difference(before, try await bed.state(of: current.value))
        #expect(difference.isEmpty, "\(difference)")
    }

    @Test("a full disk is said in words, and what was there comes back", arguments: [4, 20])
    func survivesFullDisk(mebibytes: Int) async throws {
        let bed = try await ConversionBed(size: mebibytes << 20)
        let before = try await bed.state()
        let events = EventList()
        let error = await #expect(throws: ConversionError.self) { try await bed.conversion(events).run() }
        #expect(error?.message.contains("is full") == true, "\(error?.message ?? ""): \(error?.detail ?? "")")
        #expect(events.all.last?.kind == .failed)
        let report = try await bed.undo()
        #expect(report.isExact, "\(report.text)")
        let difference = ConversionTests.difference(before, try await bed.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    @Test("a package that fails ends with its step, its words and a remedy; going back is exact")
    func namesFailedPackage() async throws {
        let bed = try await ConversionBed(failing: true)
        let before = try await bed.state()
        let error = await #expect(throws: ConversionError.self) { try await bed.conversion(EventList()).run() }
        #expect(error?.kind == .step && error?.message.contains("packages") == true && error?.remedy.isEmpty == false)
        #expect(error?.detail.contains("no: $(reboot)") == true)
        #expect(error?.detail.contains("\u{1b}") == false)
        let report = try await bed.undo()
        #expect(report.isExact, "\(report.text)")
        let difference = ConversionTests.difference(before, try await bed.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    @Test("an agent that does not start, and one that does not arrive whole, are never put in place")
    func refusesBadAgent() async throws {
        let bed = try await ConversionBed()
        let bad = try bed.repository.write("#!/no/such/interpreter\n", to: "agent")
        let error = await #expect(throws: ConversionError.self) {
            try await bed.conversion(EventList(), agent: bad).run()
        }
        #expect(error?.message.contains("agent-file") == true)
        #expect(try await bed.server.shell("ls /usr/bin/*muster-agent* 2> /dev/null | grep -v new || true") == "")
        #expect(try await bed.undo().isExact)
    }

    @Test("what others change after the conversion stays theirs, and is listed with its reason")
    func keepsForeignChanges() async throws {
        let bed = try await ConversionBed()
        try await bed.conversion(EventList()).run()
        try await bed.server.shell(
            """
            echo changed >> /etc/motd; echo mine > '/etc/a file of $(mine)'; useradd alice
            echo '# by hand' >> /etc/libvirt/qemu.conf; mkdir /etc/muster-agent/extra
            echo 'ssh-ed25519 AAAA alice' >> /root/.ssh/authorized_keys
            """
        )
        let report = try await bed.undo()
        #expect(report.isComplete && !report.isExact)
        for file in ["/etc/motd", "/etc/a file of $(mine)", "/etc/passwd", "/etc/group", "/etc/shadow"] {
            #expect(report.foreign.contains(file), "\(report.text)")
        }
        #expect(try await bed.server.shell("id -un alice; tail -n 1 /etc/motd") == "alice\nchanged\n")
        #expect(try await bed.server.shell("cat /root/.ssh/authorized_keys") == "ssh-ed25519 AAAA alice\n")
        let left = try await bed.server.shell(
            "getent passwd vdsm qemu sanlock; ls /usr/bin/muster-agent 2> /dev/null; true"
        )
        #expect(left == "")
    }

    @Test("names that look like commands under /etc come through a conversion and back untouched")
    func keepsHostileNames() async throws {
        let bed = try await ConversionBed()
        try await bed.server.shell(
            #"""
            cd /etc; for name in '$(touch pwned)' '`touch pwned`' ' lead and trail ' '-rf' "it's" 'back\slash' '*' 'ü'; do
                echo x > "./$name"; ln -s "./$name" "./link to $name"; done
            mkdir 'a;touch pwned;b'; echo x > 'a;touch pwned;b/c'; touch "$(printf 'new\nline')"
            """#
        )
        let before = try await bed.state()
        try await bed.conversion(EventList()).run()
        #expect(try await bed.undo().isExact)
        let difference = ConversionTests.difference(before, try await bed.state())
        #expect(difference.isEmpty, "\(difference)")
        #expect(try await bed.server.shell("find / -xdev -name pwned") == "")
    }
}
