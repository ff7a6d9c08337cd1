import Engine
import Foundation
import HostModel
import Logging
import NIOCore
import ServiceLifecycle
import Subprocess
import SystemPackage
import Testing

@testable import EngineAPI

/// Connections that take an answer and do not read it.
@Suite struct StalledAnswerTests {
    /// One connection an address: as long as the stalled one is open, there is no other.
    @Test func anAnswerThatNobodyTakesIsGivenUp() async throws {
        try await APIInstallation.run { client in
            let steps = (0..<200).compactMap { MACAddress(octets: [2, 0, 0, 0, 0, UInt8($0)]) }
            for _ in 0..<5 {
                try await client.engine.record(
                    steps.map { BootEvent(mac: $0, stage: .failed, detail: String(repeating: "x", count: 1900)) }
                )
            }
            try await ListeningEngine.run(client.engine) { listener in
                (listener.pace, listener.quota.perSource) = (.init(interval: .milliseconds(300), bytes: 32 << 10), 1)
            } body: { port in
                try await Self.stall(port: port, token: try #require(client.token))
            }
        }
    }

    private static func stall(port: Int, token: String) async throws {
        let script = #filePath.replacing("StalledAnswerTests.swift", with: "stalled-client.py")
        _ = try await Subprocess.run(
            .name("python3"),
            arguments: [script, "\(port)", token],
            input: .inputWriter,
            output: .sequence,
            error: .discarded
        ) { execution in
            for try await line in execution.standardOutput.strings() where line == "asked" { break }
            var isServed = false
            let end = ContinuousClock.now + .seconds(60)
            while !isServed, ContinuousClock.now < end { isServed = try await Self.isServed(port) }
            #expect(isServed, "the stalled connection is gone, so another one is served")
            try await execution.standardInputWriter.finish()
        }
    }

    private static func isServed(_ port: Int) async throws -> Bool {
        let result = try await Subprocess.run(
            .name("curl"),
            arguments: ["--silent", "--insecure", "https://127.0.0.1:\(port)/ovirt-engine/services/health"],
            output: .string(limit: 4096),
            error: .discarded
        )
        return result.standardOutput.hasPrefix("DB Up!")
    }
}
