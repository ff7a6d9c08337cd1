import HostConversion
import HostModel
import Testing

/// Two runs on one server, and servers that say nothing. Takes root.
@Suite(.serialized) struct OtherRunTests {
    @Test(
        "another run is waited for as long as it lives; when that is too long, it is told as that and nothing is undone"
    )
    func waitsForAnotherRun() async throws {
        let bed = try await ConversionBed()
        try await bed.server.hold(step: "packages")
        var patience = ConversionPatience(pause: .milliseconds(50))
        patience.lockSeconds = 1
        patience.otherRun = .zero
        let error = await #expect(throws: ConversionError.self) {
            try await bed.conversion(EventList(), patience: patience).run()
        }
        #expect(error?.kind == .busy && error?.message.contains("(step packages)") == true, "\(error?.message ?? "")")
        let undo = await #expect(throws: ConversionError.self) {
            try await ConversionUndo.run(patience) { () async throws(ConversionError) in
                try await SSHConnection.open(try bed.server.target())
            }
        }
        #expect(undo?.kind == .busy, "\(undo?.message ?? "")")

        patience.otherRun = .seconds(600)
        let server = bed.server
        let events = EventList { event in
            guard event.kind == .waiting else { return }
            try await server.shell("rm \(ConversionLibrary.folder)/journal")
            try await server.release()
        }
        try await bed.conversion(events, patience: patience).run()
        #expect(events.all.filter { $0.kind == .waiting }.count == 1)
        #expect(events.kinds(.access) == [.began, .waiting, .finished])
        #expect(try await bed.undo().isExact)
    }

    @Test("a run that took longer than it may ends between two questions")
    func endsInTime() async throws {
        let bed = try await ConversionBed()
        var patience = ConversionPatience(pause: .milliseconds(50))
        patience.total = .zero
        let events = EventList()
        let error = await #expect(throws: ConversionError.self) {
            try await bed.conversion(events, patience: patience).run()
        }
        #expect(error?.kind == .timeout && error?.message.contains("the conversion took longer") == true)
        #expect(events.kinds(.access) == [.began, .failed])
    }

    @Test("on a server that nobody converted there was nothing to take back, which is not the same as being as before")
    func tellsNothing() async throws {
        let server = try await TestServer.boot()
        let connection = try await SSHConnection.open(try server.target())
        let report = try await ConversionUndo(connection).takeBack()
        #expect(report.foundNothing && report.isComplete && !report.isExact)
        #expect(report.lines.first?.contains("nothing to take back") == true)
        await connection.close()
    }

    @Test("a server that gives no sign of life is told as that; one that is busy for longer than the limit is not")
    func tellsSilence() async throws {
        let server = try await TestServer.boot()
        let connection = try await SSHConnection.open(try server.target())
        var script = RemoteScript("kill $alive; sleep 60", purpose: "sleeping", timeLimit: .seconds(60))
        script.silenceLimit = .seconds(1)
        let error = await #expect(throws: ConversionError.self) { try await connection.run(script) }
        #expect(error?.kind == .silent && error?.message.contains("sign of life") == true)
        script = RemoteScript("sleep 5; echo done", purpose: "sleeping", timeLimit: .seconds(60))
        (script.silenceLimit, script.aliveSeconds) = (.seconds(4), 1)
        let answer = try await connection.run(script)
        #expect(String(decoding: answer.output, as: UTF8.self) == "done\n" && answer.complaint == "")
        await connection.close()
    }
}
