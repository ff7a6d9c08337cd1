import HostModel
import Synchronization
import TestServers
import Testing

@testable import Commands

/// `muster job` as the built program.
@Suite struct JobCommandTests {
    private static func job(_ status: String, error: String? = nil) -> JobResource {
        let steps = ["access", "packages", "network"].enumerated().map { index, name in
            JobResource.Step(
                id: "\(index)",
                number: "\(index + 1)",
                name: name,
                description: "Step \(name)",
                status: index == 0 ? "finished" : index == 1 ? status : "unknown"
            )
        }
        var job = JobResource(
            id: "j1",
            href: "",
            description: "Host kvm-8: its conversion into a node",
            status: status,
            start_time: "2026-11-26T11:02:41.000Z",
            muster: JobResource.Muster(kind: "convert", steps: steps)
        )
        (job.muster.error, job.muster.remedy) = (error, error.map { _ in "Do it again." })
        return job
    }

    @Test func lists() async throws {
        try await FakeEngine.loggedIn { program, engine in
            engine.state.withLock { $0.jobs = [Self.job("started"), Self.job("failed", error: "No.\u{1B}[2J")] }
            let all = try await program.run(["job", "list"])
            #expect(all.exit == 0 && all.output.split(separator: "\n").count == 3, "\(all)")
            #expect(all.output.contains("convert  failed   Step packages"), "\(all.output)")
            let running = try await program.run(["job", "list", "--running", "--no-headers"])
            #expect(running.output.split(separator: "\n").count == 1 && running.output.contains("started"))
            #expect(try await program.run(["job", "list", "--max", "0"]).exit == 64)
            engine.state.withLock { $0.jobs = [Self.job("failed", error: "No.\u{1B}[2J")] }
            let shown = try await program.run(["job", "show", "j"])
            #expect(shown.output.contains("Reason   No.\\u{1b}[2J") && shown.output.contains("Remedy   Do it again."))
            #expect(try await program.run(["job", "show", "x"]).exit == 65)
        }
    }

    @Test("an abort waits for the end, and says how it ended and what to do")
    func aborts() async throws {
        try await FakeEngine.loggedIn { program, engine in
            // One look by the beginning of the id is for the list; then one for each look at the job.
            engine.state.withLock { $0.jobs = [Self.job("started")] }
            let begun = try await program.run(["job", "abort", "j1", "--no-wait"])
            #expect(begun.exit == 0 && begun.output.contains("is being aborted"), "\(begun)")
            #expect(
                engine.state.withLock { $0.calls.contains { $0.hasPrefix("POST /ovirt-engine/api/jobs/j1/abort") } }
            )
            engine.state.withLock { $0.jobs = [Self.job("aborted", error: "It was aborted.")] }
            let ended = try await program.run(["job", "abort", "j1"])
            let words = "Host kvm-8: its conversion into a node: aborted. It was aborted. Do it again.\n"
            #expect(ended.exit == 0 && ended.output == words, "\(ended)")
            engine.state.withLock { $0.refusal = .ok(#"{"detail":"[It reboots.]"}"#, status: "409 Conflict") }
            #expect(try await program.run(["job", "abort", "j1"]).exit == 1)
        }
    }
}
