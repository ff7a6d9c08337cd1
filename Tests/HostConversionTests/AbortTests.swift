import HostConversion
import HostModel
import Testing

@testable import Engine

/// Conversions that somebody ends before their time: nothing of them goes on, here or on the server. Takes root.
@Suite(.serialized) struct AbortTests {
    /// apt waits for as long as /run/hold is there, in a program of a session of its own.
    private static let slowApt =
        "DPkg::Pre-Invoke {\"[ ! -e /run/hold ] || setsid sleep 987\";};"

    @Test(
        "a step that hangs is ended on the server, by the engine that comes after a kill too; the agent's stage and the way back end as well, and each goes on"
    )
    func endsEverywhere() async throws {
        let bed = try await EngineBed {
            $0.monitoring.firstContact = 600_000
            $0.conversions.abortGraceSeconds = 1
        }
        try await bed.server.shell("echo '\(Self.slowApt)' > /etc/apt/apt.conf.d/99slow; : > /run/hold")
        let before = try await bed.server.state()
        let host = try await bed.running { engine in
            let host = try await engine.addServer(bed.order(), by: "test", correlation: nil)
            try await bed.server.shell(
                "timeout 60 sh -c 'until pgrep -f \"[s]leep 987\" > /dev/null; do sleep 0.05; done'"
            )
            let job = try await Self.newest(host.id, engine)
            let wanted = try await engine.abortJob(job, by: "admin@internal", correlation: "c1")
            #expect(wanted.status == .started)
            return host
        }
        // Killed before it had stopped anything.
        try await bed.running { engine in
            let ended = try await engine.ended(try await Self.newest(host.id, engine))
            #expect(ended.status == .aborted, "\(ended)")
            #expect(ended.error?.contains("by admin@internal in the step packages, whose programs were ended") == true)
            #expect(ended.remedy?.contains("muster host reinstall kvm-8") == true)
            #expect(ended.steps.first { $0.name == "packages" }?.status == .aborted)
            let now = try await engine.host(host.id)
            #expect(now.status == .installFailed && now.statusDetail == "packages")
            try await Self.expectQuiet(bed)
            let late = await #expect(throws: EngineError.self) {
                try await engine.abortJob(ended.id, by: "test", correlation: nil)
            }
            #expect(late?.kind == .conflict && late?.detail.contains("has ended already (aborted)") == true)

            try await bed.server.shell("rm /run/hold")
            let again = try await engine.reinstall(host.id, ServerReorder(), by: "test", correlation: nil)
            try await bed.server.awaitJournal("done network")
            try await engine.reached("contact", of: again.id)
            let second = try await engine.abortJob(again.id, by: "test", correlation: nil)
            #expect(second.status == .aborted && second.error?.contains("in the step contact") == true, "\(second)")
            #expect(try await engine.host(host.id).statusDetail == "contact")
        }
        try await bed.with { $0.conversions.abortGraceSeconds = 60 }.running { engine in
            try await Self.stopsTheWayBack(engine, host.id, bed)
        }
        let difference = ConversionTests.difference(before, try await bed.server.state())
        #expect(difference.isEmpty, "\(difference)")
    }

    /// The step that is being taken back is let come to its end; nothing after it is begun.
    private static func stopsTheWayBack(_ engine: HostEngine, _ host: UniqueID, _ bed: EngineBed) async throws {
        let step = "\(ConversionLibrary.folder)/step-agent-file/script"
        try await bed.server.shell(
            """
            mv \(step) \(step).real; mkfifo /run/release
            printf 'sh "$0.real" "$1"; code=$?; : > /run/left; cat /run/release; exit $code\\n' > \(step)
            """
        )
        let job = try await engine.uninstall(host, ServerReorder(), by: "test", correlation: nil)
        try await bed.server.awaitFarewell()
        let patient = try await engine.abortJob(job.id, by: "test", correlation: nil)
        #expect(patient.status == .started)
        try await bed.server.shell(
            "timeout 60 sh -c 'until [ -e \(ConversionLibrary.folder)/stop ]; do sleep 0.02; done'"
        )
        try await bed.server.shell("echo > /run/release; rm /run/release")
        let ended = try await engine.ended(job.id)
        #expect(ended.status == .aborted, "\(ended)")
        #expect(ended.remedy?.contains("`muster host uninstall kvm-8` goes on with the way back") == true, "\(ended)")
        let now = try await engine.host(host)
        #expect(now.status == .installFailed && now.statusDetail == "undo")
        let journal = try await bed.server.shell("cat \(ConversionLibrary.folder)/journal")
        #expect(!journal.contains("undone host-id"), "\(journal)")
        try await expectQuiet(bed)
        try await bed.server.shell("rm /run/left")
        let last = try await engine.uninstall(host, ServerReorder(), by: "test", correlation: nil)
        let gone = try await engine.ended(last.id)
        #expect(gone.status == .finished && gone.report == [], "\(gone)")
    }

    private static func newest(_ host: UniqueID, _ engine: HostEngine) async throws -> UniqueID {
        try #require(try await engine.jobs(of: host, max: 1).first).id
    }

    /// A sign of life may come once more after its script.
    private static func expectQuiet(_ bed: EngineBed) async throws {
        try await bed.server.shell(
            "timeout 60 sh -c 'while pgrep -f \"muster-[c]onversion|[s]leep 987|[f]lock\" > /dev/null; do sleep 0.05; done'"
        )
    }
}

extension HostEngine {
    /// Waits until a step has begun.
    func reached(_ step: String, of job: UniqueID) async throws {
        while true {
            let seen = try await lastEvent()
            let now = try await self.job(job)
            if now.steps.contains(where: { $0.name == step && $0.status == .started }) { return }
            try #require(now.status == .started, "\(now)")
            await waitForEvent(after: seen, seconds: 1)
        }
    }
}
