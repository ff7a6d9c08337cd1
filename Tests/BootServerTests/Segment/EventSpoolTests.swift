import HostModel
import Testing

@testable import BootServer

/// Steps of boots on their way to an engine that is away.
@Suite struct EventSpoolTests {
    private func spool(_ directory: TemporaryDirectory, max: Int = EventSpool.eventsMax) throws -> EventSpool {
        try EventSpool(directory: "\(directory.path)/events", eventsMax: max, logger: AnswerCacheTests.quiet)
    }

    private static func event(_ text: String) throws -> BootEvent {
        BootEvent(mac: try #require(MACAddress("52:54:00:00:00:01")), stage: .script, detail: text)
    }

    @Test func stepsComeInOrderWithTheirNumbersAndTheirAge() async throws {
        let directory = try TemporaryDirectory()
        let spool = try spool(directory)
        await spool.keep([try Self.event("a"), try Self.event("b")], at: 1000)
        await spool.keep([try Self.event("c")], at: 3000)
        let batch = await spool.next(at: 5000)
        #expect(batch.map(\.detail) == ["a", "b", "c"] && batch.map(\.number) == [1, 2, 3])
        #expect(batch.map(\.age) == [4000, 4000, 2000])
        #expect(await spool.next(at: 5000) == batch, "until the engine has them")
        await spool.handOver(upTo: 3)
        #expect(await spool.next(at: 5000).isEmpty && spool.waiting == 0)
    }

    @Test("after a restart the same steps are there, and the numbers go on, also where nothing waits")
    func restarts() async throws {
        let directory = try TemporaryDirectory()
        for text in ["a", "b"] { await (try spool(directory)).keep([try Self.event(text)], at: 1) }
        let second = try spool(directory)
        #expect(await second.next(at: 1).map(\.number) == [1, 2])
        await second.handOver(upTo: 2)
        // The file that was handed over last stays for its number; handed over again it counts once, by that.
        let third = try spool(directory)
        await third.keep([try Self.event("c")], at: 2)
        let batch = await third.next(at: 2)
        #expect(batch.last?.number == 3 && batch.last?.detail == "c" && batch.allSatisfy { ($0.number ?? 0) >= 2 })
    }

    @Test func theOldestGiveWayAndLeaveAGap() async throws {
        let directory = try TemporaryDirectory()
        let spool = try spool(directory, max: 3)
        for text in ["a", "b", "c", "d", "e"] { await spool.keep([try Self.event(text)], at: 1) }
        #expect(await spool.next(at: 1).map(\.number) == [3, 4, 5])
        #expect(try self.spool(directory).waiting == 3, "nor are there more files")
    }

    @Test func aDamagedFileCostsItsOwnStepsOnly() async throws {
        let directory = try TemporaryDirectory()
        let spool = try spool(directory)
        for text in ["a", "b", "c"] { await spool.keep([try Self.event(text)], at: 1) }
        let name = "events/0000000000000000002-1"
        var bytes = try directory.read(name)
        bytes[40] ^= 4
        try directory.write(name, bytes)
        #expect(await (try self.spool(directory)).next(at: 1).map(\.number) == [1, 3])
        try directory.write("events/nonsense", [1])
        try directory.write("events/0000000000000000009-1.new", [1])
        #expect(await (try self.spool(directory)).next(at: 1).map(\.number) == [1, 3], "what a kill leaves is no step")
    }

    @Test func manyComeInBatches() async throws {
        let directory = try TemporaryDirectory()
        let spool = try spool(directory)
        await spool.keep(try (0..<150).map { try Self.event("\($0)") }, at: 1)
        var numbers: [Int64] = []
        while let last = await spool.next(at: 1).last?.number {
            numbers.append(last)
            await spool.handOver(upTo: last)
        }
        #expect(numbers == [64, 128, 150])
    }
}
