import Synchronization
import Testing
import Virtualization

@testable import Agent

@Suite struct HostDeviceListTests {
    private let list = HostDeviceList()
    private let count = Counter()

    private final class Counter: Sendable {
        let asked = Atomic(0)
    }

    private func ask(at now: ContinuousClock.Instant) async throws {
        _ = try await list.devices(now: now) { [count] in
            count.asked.add(1, ordering: .relaxed)
            return []
        }
    }

    @Test("an answer holds for ten seconds") func kept() async throws {
        try await ask(at: .now)
        try await ask(at: .now)
        #expect(count.asked.load(ordering: .relaxed) == 1)
        try await ask(at: .now + .seconds(11))
        #expect(count.asked.load(ordering: .relaxed) == 2)
    }

    @Test("who asks while it is being asked waits for the same answer") func shared() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        async let first = list.devices { [count] in
            count.asked.add(1, ordering: .relaxed)
            begin.finish()
            for await _ in gate {}
            return []
        }
        for await _ in begun {}
        async let second: Void = ask(at: .now)
        open.finish()
        _ = try await (first, second)
        #expect(count.asked.load(ordering: .relaxed) == 1)
    }

    @Test("a failure is not kept") func failure() async throws {
        struct Broken: Error {}
        await #expect(throws: Broken.self) { _ = try await list.devices { throw Broken() } }
        try await ask(at: .now)
        #expect(count.asked.load(ordering: .relaxed) == 1)
    }
}
