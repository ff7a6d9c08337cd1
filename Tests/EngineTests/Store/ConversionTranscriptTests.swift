import HostConversion
import HostModel
import Testing

@testable import Engine

/// What is kept of what a server's programs said, and how much of it is shown at once.
@Suite struct ConversionTranscriptTests {
    private let installation: TestInstallation
    private let engine: HostEngine
    private let job: UniqueID
    private let context = TransitionContext(now: 5, times: MonitoringTimes(), user: nil, correlation: nil)

    init() async throws {
        installation = try await TestInstallation()
        engine = try await installation.open()
        let server = NewServer(
            name: try #require(HostName("kvm-8")),
            address: "192.0.2.8",
            port: 54321,
            cluster: nil,
            access: ServerAccess(address: "192.0.2.8")
        )
        job = try await engine.store.addServer(server, ConversionOptions(), context: context).job
    }

    private func write(_ text: String) async throws {
        try await engine.store.note(job, ConversionLine("packages", text), at: 7) { _ in }
    }

    @Test("of a transcript that is too large the end is shown, and how much is left out")
    func showsTheEnd() async throws {
        let long = String(repeating: "x", count: 30_000)
        for number in 1...300 { try await write("\(number) \(long)") }
        try await write("the end")
        let lines = try await engine.transcript(of: job)
        let shown = lines.dropFirst()
        #expect(lines.first?.text == "\(301 - shown.count) earlier entries are left out." && lines.first?.time == 7)
        #expect(shown.first?.text.hasPrefix("\(302 - shown.count) x") == true && shown.last?.text == "the end")
        #expect(shown.allSatisfy { $0.text.utf8.count <= ConversionLine.textMax })
        let bytes = lines.reduce(0) { $0 + $1.bytes }
        #expect((3 << 20)..<(5 << 20) ~= bytes, "\(bytes)")
    }

    @Test("a conversion that says more than is kept loses its beginning, not its end")
    func keepsTheEnd() async throws {
        for number in 1...(ConversionLine.countMax + 3) { try await write("\(number)") }
        let failure = ConversionFailure(step: "packages", "No.", remedy: "Yes.")
        try await engine.store.endConversion(job, failure: failure, context: context)
        let lines = try await engine.transcript(of: job)
        #expect(lines.count == ConversionLine.countMax + 1)
        #expect(lines.first?.text == "4 earlier entries are left out." && lines.last?.text == "No.\n")
    }

    @Test("an entry is cut by its bytes, whatever a character is")
    func cutsByBytes() async throws {
        try await write("e" + String(repeating: "\u{301}", count: 1_000_000))
        let text = try #require(try await engine.transcript(of: job).last?.text)
        #expect(text.utf8.count == ConversionLine.textMax - 1)
    }

    @Test("an event's text is cut by its bytes too")
    func cutsEvents() async throws {
        let marks = "e" + String(repeating: "\u{301}", count: 1_000_000)
        let event = (EventCode.installStep, EventRecord.Severity.normal, marks)
        try await engine.store.note(job, ConversionLine("packages", "x"), event: event, at: 7) { _ in }
        let last = try await engine.events(EventQuery(max: 1, newestFirst: true)).first
        #expect(last?.text.utf8.count == 1999)
    }
}
