import Engine
import HostConversion
import HostModel
import Testing

/// Conversions as the engine orders them: what it knows after a kill, and what it does when something fails. Takes root.
@Suite(.serialized) struct EngineConversionTests {
    @Test(
        "knowledge of the engine's key outlives a wrong password; another machine is left alone; a way back that was cut off after the key was gone ends"
    )
    func goesBackAfterAKill() async throws {
        let bed = try await EngineBed()
        let before = try await bed.server.state()
        let host = try await bed.running { engine in
            let host = try await engine.addServer(bed.order(), by: "test", correlation: nil)
            try await engine.event(.installFailed)
            #expect(try await engine.host(host.id).statusDetail == "contact")
            return host
        }
        #expect(host.server?.fingerprint != nil)
        try await bed.running { engine in
            try await Self.keepsKey(engine, host)
            try await Self.leavesOtherMachine(engine, host, bed)
        }
        // The farewell has taken the key away, and waits.
        let step = "\(ConversionLibrary.folder)/step-access/script"
        try await bed.server.shell(
            """
            mv \(step) \(step).real; mkfifo /run/release
            printf 'sh "$0.real" "$1"; code=$?; : > /run/left; cat /run/release; exit $code\\n' > \(step)
            """
        )
        let job = try await bed.running { engine in
            let job = try await engine.uninstall(host.id, ServerReorder(), by: "test", correlation: nil)
            try await bed.server.shell("timeout 60 sh -c 'until [ -e /run/left ]; do sleep 0.05; done'")
            return job.id
        }
        try await bed.running { engine in
            let ended = try await engine.ended(job)
            #expect(ended.status == .finished && ended.report == [], "\(ended)")
            #expect(try await engine.hosts(matching: HostFilter()).isEmpty)
        }
        try await bed.server.shell(
            """
            echo > /run/release; timeout 60 sh -c 'while [ -e \(ConversionLibrary.folder) ]; do sleep 0.05; done'
            """
        )
        let difference = ConversionTests.difference(before, try await bed.server.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    private static func keepsKey(_ engine: HostEngine, _ host: HostRecord) async throws {
        var wrong = ServerReorder()
        wrong.credentials = .password("wrong")
        let refused = try await engine.reinstall(host.id, wrong, by: "test", correlation: nil)
        let ended = try await engine.ended(refused.id)
        #expect(ended.status == .failed && ended.error?.contains("did not accept the password") == true, "\(ended)")
        let known = try await engine.host(host.id).server
        #expect(known?.hasEngineKey == true && known?.byEngineKey.user == "root")
    }

    private static func leavesOtherMachine(_ engine: HostEngine, _ host: HostRecord, _ bed: EngineBed) async throws {
        let other = String(repeating: "1", count: 32)
        // A machine id that was never written to the disk does not count; here it was.
        try await bed.server.shell(
            "umount /etc/machine-id 2> /dev/null; cp /etc/machine-id /run/machine-id.was; echo \(other) > /etc/machine-id"
        )
        let job = try await engine.uninstall(host.id, ServerReorder(), by: "test", correlation: nil)
        let ended = try await engine.ended(job.id)
        #expect(ended.status == .failed && ended.error?.contains("is another machine") == true, "\(ended)")
        #expect(try await bed.server.shell("ls \(ConversionLibrary.folder)/undo") != "")
        try await bed.server.shell("cat /run/machine-id.was > /etc/machine-id")
    }

    @Test(
        "a server that is away when the engine starts again is waited for; an agent that never answers is a failure that is taken back"
    )
    func takesBackWhatDoesNotComeUp() async throws {
        let bed = try await EngineBed()
        let before = try await bed.server.state()
        var options = ConversionOptions()
        options.undoesFailure = true
        let order = try bed.order(options)
        let host = try await bed.running { engine in
            let host = try await engine.addServer(order, by: "test", correlation: nil)
            try await bed.server.awaitBegun(.hostID)
            return host
        }
        try bed.server.order("refuse")
        try await bed.running { engine in
            try await engine.event(.conversionWaits)
            try bed.server.order("accept")
            let job = try #require(try await engine.jobs(of: host.id, max: 10).first)
            let ended = try await engine.ended(job.id)
            #expect(ended.status == .failed && ended.remedy?.contains("it is as it was before") == true, "\(ended)")
            #expect(ended.steps.last?.name == "undo" && ended.steps.last?.status == .finished, "\(ended)")
            #expect(ended.steps.contains { $0.name == "contact" && $0.status == .failed }, "\(ended)")
            #expect(try await engine.host(host.id).status == .installFailed)
        }
        let difference = ConversionTests.difference(before, try await bed.server.state())
        #expect(difference.isEmpty, "\(difference)")

        // As after its next boot.
        try await bed.server.shell("rm /run/muster-undone")
        try await bed.running { engine in
            var order = ServerReorder()
            order.credentials = .password(TestServer.password)
            let job = try await engine.uninstall(host.id, order, by: "test", correlation: nil)
            let ended = try await engine.ended(job.id)
            #expect(
                ended.status == .finished && ended.report?.first?.contains("nothing to take back") == true,
                "\(ended)"
            )
        }
    }

    @Test(
        "a host that is removed while its server is worked on: the work over SSH ends, and the next one has its place"
    )
    func endsWorkOfRemovedHost() async throws {
        let bed = try await EngineBed()
        try await bed.server.shell(
            """
            D=\(ConversionLibrary.folder); mkdir -p -m 700 $D
            systemd-run --quiet --unit=holder flock $D/lock sh -c ': > /run/held; exec sleep infinity'
            timeout 60 sh -c 'until [ -e /run/held ]; do sleep 0.05; done'
            """
        )
        try await bed.running { engine in
            let host = try await engine.addServer(bed.order(), by: "test", correlation: nil)
            try await bed.server.shell(
                "timeout 60 sh -c 'until pgrep -f \"flock -w\" > /dev/null; do sleep 0.05; done'"
            )
            try await engine.remove(host.id, force: true, by: "test", correlation: nil)
            try await bed.server.shell(
                "timeout 30 sh -c 'while ss -Htn state established \"( sport = :22 )\" | grep -q .; do sleep 0.05; done'"
            )
        }
    }
}
