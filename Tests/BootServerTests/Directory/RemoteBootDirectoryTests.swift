import EngineClient
import HostModel
import NIOHTTP1
import Testing

@testable import BootServer

/// `BootDirectory` over a real Unix socket (docs/protocols.md, section 2).
@Suite(.timeLimit(.minutes(1))) struct RemoteBootDirectoryTests {
    private static let answer = """
        {"profile":{"name":"default","mode":"run","image":"node-minimal","kernelArguments":["quiet"]},
         "reason":"unknown machine"}
        """

    private static func request() throws -> BootRequest {
        BootRequest(
            mac: try #require(MACAddress("52:54:00:12:34:56")),
            firmware: .uefi,
            product: HostileText("a\n\"b\"")
        )
    }

    @Test("asks, and reads the answer")
    func answers() async throws {
        try await EngineStub.with(["/boot/answer": .answer(.ok, Self.answer)]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            let answer = try await directory.answer(try Self.request())
            #expect(answer.profile.image == ImageReference("node-minimal"))
            #expect(answer.reason == "unknown machine")
            let call = try #require(engine.calls.first)
            #expect(call.method == .POST)
            #expect(call.body.contains(#""mac":"52:54:00:12:34:56""#))
            #expect(call.body.contains(#""product":"a\n\"b\"""#))
        }
    }

    @Test("no answer is kept: a machine that was denied is not started by an older answer")
    func keepsNoAnswer() async throws {
        try await EngineStub.with(["/boot/answer": .answer(.ok, Self.answer)]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            #expect(try await directory.answer(try Self.request()).profile.mode == .run)
            engine.react(to: "/boot/answer", .answer(.serviceUnavailable, "{}"))
            await #expect(throws: RemoteBootDirectory.Failure.self) { try await directory.answer(try Self.request()) }
        }
    }

    @Test("the reservations of the last answer hold while the engine is away, and only those")
    func keepsReservations() async throws {
        let list = #"[{"mac":"52:54:00:12:34:56","address":"10.77.0.9","name":"node-9"}]"#
        try await EngineStub.with(["/boot/reservations": .answer(.internalServerError, "{}")]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            await #expect(throws: RemoteBootDirectory.Failure.self) { try await directory.reservations() }
            engine.react(to: "/boot/reservations", .answer(.ok, list))
            let reservations = try await directory.reservations()
            #expect(reservations.map(\.address.description) == ["10.77.0.9"])
            engine.react(to: "/boot/reservations", .answer(.ok, "nonsense"))
            #expect(try await directory.reservations() == reservations)
            engine.react(to: "/boot/reservations", .answer(.ok, "[]"))
            #expect(try await directory.reservations() == [])
        }
    }

    @Test("events are sent as one list")
    func records() async throws {
        try await EngineStub.with(["/boot/events": .answer(.noContent, "")]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            let mac = try Self.request().mac
            try await directory.record([
                BootEvent(mac: mac, stage: .localDisk, detail: "one"),
                BootEvent(mac: mac, stage: .failed, detail: "two"),
            ])
            let body = try #require(engine.calls.first?.body)
            #expect(body.hasPrefix("[{") && body.contains(#""stage":"local_disk""#) && body.contains("two"))
        }
    }

    @Test("a refusal tells the engine's reason, escaped")
    func refusal() async throws {
        let fault = #"{"fault":{"reason":"r","detail":"no\u001b[31m","remedy":"x"}}"#
        try await EngineStub.with(["/boot/answer": .answer(.conflict, fault)]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            let expected = RemoteBootDirectory.Failure.refused(status: 409, detail: "no\\u{1b}[31m")
            await #expect(throws: expected) { try await directory.answer(try Self.request()) }
        }
    }

    @Test(
        "what is no answer is an error, never a guess",
        arguments: [
            "", "{}", "[]", "null", #"{"profile":{"name":"x","mode":"format-disk","kernelArguments":[]},"reason":""}"#,
            #"{"profile":{"name":"x","mode":"run","image":"../etc","kernelArguments":[]},"reason":""}"#,
        ]
    )
    func malformed(body: String) async throws {
        try await EngineStub.with(["/boot/answer": .answer(.ok, body)]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            await #expect {
                try await directory.answer(try Self.request())
            } throws: { error in
                guard case .malformed = error as? RemoteBootDirectory.Failure else { return false }
                return true
            }
        }
    }

    @Test("an engine that says nothing is given up after 2 s")
    func silent() async throws {
        try await EngineStub.with(["/boot/answer": .silence]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            await #expect {
                try await directory.answer(try Self.request())
            } throws: { error in
                guard case .unreachable(.timedOut(_, .answering, seconds: 2)) = error as? RemoteBootDirectory.Failure
                else { return false }
                return true
            }
        }
    }

    @Test("an engine that comes back is found again, over a new connection")
    func restart() async throws {
        try await EngineStub.with(["/boot/answer": .answer(.ok, Self.answer)]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            _ = try await directory.answer(try Self.request())
            await engine.stop()
            directory.close()
            await #expect(throws: RemoteBootDirectory.Failure.self) { try await directory.answer(try Self.request()) }
        }
    }

    @Test("more calls than go on at once wait for their turn, too many are refused, and turns are given back")
    func boundedCalls() async throws {
        try await EngineStub.with(["/boot/answer": .silence]) { engine in
            let directory = try RemoteBootDirectory(socketPath: engine.path)
            defer { directory.close() }
            let request = try Self.request()
            let refused = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<(RemoteBootDirectory.callsMax + RemoteBootDirectory.waitingMax + 10) {
                    group.addTask {
                        do {
                            _ = try await directory.answer(request)
                            return false
                        } catch RemoteBootDirectory.Failure.tooManyCalls(let waiting) {
                            // Those whose turn did not come in time leave fewer behind them.
                            return waiting == RemoteBootDirectory.waitingMax
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(refused >= 1)
            engine.react(to: "/boot/answer", .answer(.ok, Self.answer))
            #expect(try await directory.answer(request).reason == "unknown machine")
        }
    }
}
