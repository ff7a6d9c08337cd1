import HostModel
import Synchronization
import Testing

@testable import BootServer

/// The script of an announced machine over the wire: the real template, a directory in memory that has one token.
@Suite(.timeLimit(.minutes(2))) struct ArrivalHTTPTests {
    private static let token = Nonce.random()
    private static let script = "/boot/script?mac=\(BootHTTPFixture.mac)&platform=pcbios"

    /// `asked`: how often the directory was asked for a token.
    private static func with(
        machines: MachineLocator,
        mode: BootProfile.Mode = .run,
        _ body: @escaping @Sendable (BootHTTPFixture, _ asked: @Sendable () -> Int) async throws -> Void
    ) async throws {
        let (asked, hash) = (Counter(), try #require(Nonce(hex: String(repeating: "0", count: 64))))
        let files: [(String, ImageManifest.File.Role)] = [("vmlinuz", .kernel), ("initramfs.zst", .initramfs)]
        let manifest = ImageManifest(
            name: "node",
            version: "1",
            architecture: "x86_64",
            kernelVersion: "6.1.0",
            kernelArguments: [],
            files: files.map { ImageManifest.File(name: $0.0, role: $0.1, size: 1000, sha256: hash) }
        )
        var answer = BootAnswer(profile: BootProfile(name: "default", mode: mode), manifest: manifest, reason: "a test")
        answer.awaitsToken = true
        let answers = answer
        let tickets: MemoryDirectory.Arrivals = { _ in
            guard asked.next() == 1 else { throw MemoryDirectory.Away() }
            return ArrivalTicket(token: token)
        }
        try await BootHTTPFixture.with(machines: machines, tickets: tickets, answers: { _ in answers }) {
            (fixture) async throws in try await body(fixture) { asked.value }
        }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock(\.self) }
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test("the machine itself gets its token once; the head makes none, and without one it boots all the same")
    func once() async throws {
        let itself = MachineLocator(neighbours: BootHTTPFixture.neighbours())
        try await Self.with(machines: itself) { (fixture, asked) async throws in
            _ = try await fixture.exchange("HEAD \(Self.script) HTTP/1.0\r\n\r\n")
            #expect(asked() == 0)
            let first = try await fixture.get(Self.script)
            #expect(first.body.contains(" muster.token=\(Self.token)"), "\(first.body)")
            #expect(first.header("Cache-Control") == "no-store")
            let second = try await fixture.get(Self.script)
            #expect(second.statuses == [200] && second.body.contains("initramfs.zst"))
            #expect(!second.body.contains("muster.token"))
        }
    }

    @Test("H11: whoever asks in the name of an announced machine gets no token, and it is told") func stranger()
        async throws
    {
        let stranger = MachineLocator(neighbours: BootHTTPFixture.neighbours("52-54-00-00-00-66"))
        try await Self.with(machines: stranger) { (fixture, asked) async throws in
            let answer = try await fixture.get(Self.script)
            #expect(answer.statuses == [200] && !answer.body.contains("muster.token"))
            #expect(asked() == 0)
            let event = await fixture.directory.nextEvent()
            #expect(event?.detail.hasPrefix("was announced, and gets no token: asked for from an address") == true)
        }
    }

    @Test("only a node that runs from the network gets one") func otherMode() async throws {
        let itself = MachineLocator(neighbours: BootHTTPFixture.neighbours())
        try await Self.with(machines: itself, mode: .rescue) { (fixture, asked) async throws in
            #expect(try await !fixture.get(Self.script).body.contains("muster.token"))
            #expect(asked() == 0)
        }
    }
}
