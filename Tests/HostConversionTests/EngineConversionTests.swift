import HostConversion
import HostModel
import Testing

@testable import Engine

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
        try await bed.server.holdFarewell()
        let job = try await bed.running { engine in
            let job = try await engine.uninstall(host.id, ServerReorder(), by: "test", correlation: nil)
            try await bed.server.awaitFarewell()
            return job.id
        }
        try await bed.running { engine in
            let ended = try await engine.ended(job)
            #expect(ended.status == .finished && ended.report == [], "\(ended)")
            #expect(try await engine.hosts(matching: HostFilter()).isEmpty)
        }
        try await bed.server.endFarewell()
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
        let bed = try await EngineBed { $0.monitoring.firstContact = 3000 }
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
            try await bed.server.awaitJournal("done network")
            try await bed.server.holdFarewell()
            try await bed.server.awaitFarewell()
        }
        // Killed once more, while it takes back and when the key is gone.
        try await bed.running { engine in
            let job = try #require(try await engine.jobs(of: host.id, max: 10).first)
            let ended = try await engine.ended(job.id)
            #expect(ended.status == .failed && ended.remedy?.contains("it is as it was before") == true, "\(ended)")
            #expect(ended.steps.last?.name == "undo" && ended.steps.last?.status == .finished, "\(ended)")
            #expect(ended.steps.contains { $0.name == "contact" && $0.status == .failed }, "\(ended)")
            #expect(try await engine.host(host.id).status == .installFailed)
        }
        try await bed.server.endFarewell()
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
        "a jump host's key is pinned too; a host that is removed, or approved with another key, while its server is worked on ends the work over SSH"
    )
    func endsWorkOfOverruled() async throws {
        let bed = try await EngineBed()
        try await bed.server.hold(step: "packages")
        var order = try bed.order()
        // Seen from the jump host, which is the same server, it listens on its own loopback.
        order.access = ServerAccess(address: "127.0.0.1")
        order.access.jump = ServerAccess.Jump(address: "127.0.0.1", port: bed.server.port)
        let good = order
        order.access.jump?.fingerprint = HostKeyFingerprint(rawValue: String(repeating: "x", count: 43))
        let bad = order
        try await bed.running { engine in
            let refused = await #expect(throws: EngineError.self) {
                try await engine.addServer(bad, by: "test", correlation: nil)
            }
            #expect(refused?.detail.contains("is pinned") == true, "\(String(describing: refused))")
            let host = try await engine.addServer(good, by: "test", correlation: nil)
            #expect(host.server?.jump?.fingerprint != nil && host.server?.fingerprint != nil)
            try await bed.server.shell(
                "timeout 60 sh -c 'until pgrep -f \"flock -w\" > /dev/null; do sleep 0.05; done'"
            )
            try await engine.remove(host.id, force: true, by: "test", correlation: nil)
            try await Self.awaitNoConnection(bed)

            let other = try await engine.addServer(good, by: "test", correlation: nil)
            let job = try #require(try await engine.jobs(of: other.id, max: 1).first)
            try await engine.reached("access", of: job.id)
            try await Self.approve(other.id, engine)
            try await Self.awaitNoConnection(bed)
            #expect(try await engine.job(job.id).status == .aborted)
            try await engine.remove(other.id, force: true, by: "test", correlation: nil)
            try await Self.awaitNoConnection(bed)
        }
    }

    private static func awaitNoConnection(_ bed: EngineBed) async throws {
        try await bed.server.shell(
            "timeout 30 sh -c 'while ss -Htn state established \"( sport = :22 )\" | grep -q .; do sleep 0.05; done'"
        )
    }

    /// As when a node under its name was approved with a key of its own.
    private static func approve(_ id: UniqueID, _ engine: HostEngine) async throws {
        let context = TransitionContext(now: 0, times: MonitoringTimes(), user: nil, correlation: nil)
        let host = try #require(try await engine.store.watched(id)).row
        let life = HostLife(status: host.status, detail: host.statusDetail, lastContact: 0)
        _ = try await engine.store.live(host, life, .approved(hasNewKey: true), context: context)
    }

    @Test("what another run is doing is not taken back; a run that goes on knows that the server was changed before")
    func knowsWhoseWorkItIs() async throws {
        let bed = try await EngineBed { settings in
            (settings.conversions.lockSeconds, settings.conversions.otherRunSeconds) = (1, 0)
            settings.monitoring.firstContact = 600_000
        }
        try await bed.server.hold(step: "packages")
        var options = ConversionOptions()
        options.undoesFailure = true
        let order = try bed.order(options)
        let host = try await bed.running { engine in
            let host = try await engine.addServer(order, by: "test", correlation: nil)
            let first = try #require(try await engine.jobs(of: host.id, max: 1).first)
            let busy = try await engine.ended(first.id)
            #expect(busy.error?.contains("still at work") == true, "\(busy)")
            #expect(busy.remedy?.contains("not taken back: another run is at work there") == true, "\(busy)")
            try await bed.server.shell("rm \(ConversionLibrary.folder)/journal")
            try await bed.server.release()
            var again = ServerReorder()
            again.credentials = .password(TestServer.password)
            let second = try await engine.reinstall(host.id, again, by: "test", correlation: nil)
            let chosen = try await engine.host(host.id).server?.options
            #expect(chosen?.repository == TestRepository.url && chosen?.needsVirtualization == false)
            #expect(chosen?.undoesFailure == false)
            try await engine.reached("contact", of: second.id)
            // As if its agent had answered: a host that works.
            let context = TransitionContext(now: 0, times: MonitoringTimes(), user: nil, correlation: nil)
            try await engine.store.endConversion(second.id, failure: nil, context: context)
            return host
        }
        try await bed.server.hold(step: "other")
        let patient = bed.with { $0.conversions.otherRunSeconds = 600 }
        let job = try await patient.running { engine in
            let job = try await engine.reinstall(host.id, ServerReorder(), by: "test", correlation: nil)
            try await engine.reached("access", of: job.id)
            return job
        }
        try await bed.server.shell("rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
        try await bed.running { engine in
            let ended = try await engine.ended(job.id)
            #expect(ended.status == .failed && ended.error?.contains("is pinned") == true, "\(ended)")
            #expect(try await engine.host(host.id).status == .installFailed)
        }
    }
}
