import Engine
import Foundation
import HTTPTypes
import HostModel
import Subprocess
import Synchronization
import Testing

@testable import EngineAPI

/// `events/stream` by curl, over a real socket.
@Suite(.timeLimit(.minutes(2))) struct EventStreamTests {
    private static func steps(_ range: Range<Int>) -> [BootEvent] {
        range.compactMap { step in
            MACAddress(octets: [2, 0, 0, 0, 7, UInt8(step)]).map {
                BootEvent(mac: $0, stage: .failed, detail: "n\(step)")
            }
        }
    }

    private static func curl(_ port: Int, _ token: String?, _ words: [String], _ path: String) -> Arguments {
        let signedIn = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        let url = "https://127.0.0.1:\(port)\(APIClient.api)/\(path)"
        return Arguments(["-ksN", "--max-time", "100"] + signedIn + words + [url])
    }

    /// Reads until `count` events have come, telling after the first line that the stream is open.
    private static func read(
        _ port: Int,
        _ token: String,
        count: Int,
        _ words: [String] = [],
        opened: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> [EventResource] {
        let seen = Mutex<[EventResource]>([])
        _ = try await Subprocess.run(
            .name("curl"),
            arguments: curl(port, token, words, "events/stream"),
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            for try await line in execution.standardOutput.strings() {
                if line.hasPrefix("retry:") { try await opened() }
                guard line.hasPrefix("data: ") else { continue }
                let json = Data(line.dropFirst(6).utf8)
                let event = try JSONDecoder().decode(EventResource.self, from: json)
                let all = seen.withLock { seen in
                    seen.append(event)
                    return seen.count
                }
                if all == count { break }
            }
            try? execution.send(signal: .kill)
        }
        return seen.withLock(\.self)
    }

    @Test("events come as they are recorded; who was cut off goes on after the last one, without a gap")
    func comes() async throws {
        try await APIInstallation.run { client in
            let (engine, token) = (client.engine, try #require(client.token))
            try await engine.record(Self.steps(0..<5))
            try await ListeningEngine.run(engine) { port in
                let first = try await Self.read(port, token, count: 3) { try await engine.record(Self.steps(10..<20)) }
                #expect(first.map { $0.description.contains("n1") } == [true, true, true], "\(first)")
                let last = try #require(first.last?.index)
                try await engine.record(Self.steps(20..<30))
                let rest = try await Self.read(port, token, count: 17, ["-H", "Last-Event-ID: \(last)"])
                #expect(rest.compactMap { Int($0.index) } == (1...17).map { (Int(last) ?? 0) + $0 })
            }
        }
    }

    @Test("who asks for the head alone takes no place")
    func heads() async throws {
        try await APIInstallation.run { client in
            for _ in 0..<(EventStream.streamsMax + 10) {
                let answer = try await client.send(.head, "\(APIClient.api)/events/stream")
                guard answer.status == 200 else {
                    Issue.record("\(answer.status)")
                    break
                }
            }
        }
    }

    @Test("a stopping engine ends its streams; strangers and nonsense get none")
    func ends() async throws {
        try await APIInstallation.run { client in
            let (engine, token) = (client.engine, try #require(client.token))
            for (token, words, code) in [
                (nil, [], "401"), (token, ["-H", "Last-Event-ID: x"], "400"),
            ] as [(String?, [String], String)] {
                try await ListeningEngine.run(engine) { port in
                    let answer = try await Subprocess.run(
                        .name("curl"),
                        arguments: Self.curl(
                            port,
                            token,
                            words + ["-o", "/dev/null", "-w", "%{http_code}"],
                            "events/stream"
                        ),
                        output: .string(limit: 1000)
                    )
                    #expect(answer.standardOutput == code)
                }
            }
            // curl is left running: the listener's end must not wait for it.
            let (open, isOpen) = AsyncStream.makeStream(of: Void.self)
            async let stream = ListeningEngine.run(engine) { port in
                let ended = Task {
                    try await Self.read(port, token, count: 1000) { isOpen.yield() }
                }
                for await _ in open { break }
                withExtendedLifetime(ended) {}
            }
            try await stream
        }
    }
}
