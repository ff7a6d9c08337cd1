import HostModel
import Logging
import Synchronization
import Testing

@testable import BootServer

@Suite(.timeLimit(.minutes(1))) struct BootEventQueueTests {
    /// A directory that notes batches, and fails as often as it is told.
    private final class Recorder: BootDirectory {
        struct Away: Error {}

        private let state: Mutex<(failures: Int, batches: [[BootEvent]])>

        init(failures: Int = 0) { state = Mutex((failures, [])) }

        func answer(_ request: BootRequest) async throws -> BootAnswer { throw Away() }

        func record(_ events: [BootEvent]) async throws {
            try state.withLock { state in
                guard state.failures == 0 else {
                    state.failures -= 1
                    throw Away()
                }
                state.batches.append(events)
            }
        }

        func reservations() async throws -> [AddressReservation] { [] }

        var batches: [[BootEvent]] { state.withLock(\.batches) }
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func event(_ number: Int) throws -> BootEvent {
        BootEvent(mac: try #require(MACAddress("02:00:00:00:00:01")), stage: .script, detail: "\(number)")
    }

    @Test("events arrive in order, in batches, all before the end")
    func order() async throws {
        let recorder = Recorder()
        let queue = BootEventQueue(directory: recorder, logger: Self.quiet)
        for number in 0..<200 { queue.offer(try Self.event(number)) }
        queue.finish()
        await queue.run()
        #expect(recorder.batches.map(\.count) == [64, 64, 64, 8])
        #expect(recorder.batches.flatMap(\.self).map(\.detail) == (0..<200).map(String.init))
    }

    @Test("a full queue drops the newest and never waits")
    func full() async throws {
        let recorder = Recorder()
        let queue = BootEventQueue(directory: recorder, logger: Self.quiet)
        for number in 0..<(BootEventQueue.eventsMax + 100) { queue.offer(try Self.event(number)) }
        queue.finish()
        await queue.run()
        let details = recorder.batches.flatMap(\.self).map(\.detail)
        #expect(details.count == BootEventQueue.eventsMax)
        #expect(details.last == "\(BootEventQueue.eventsMax - 1)")
    }

    @Test("a batch that fails is tried again")
    func retry() async throws {
        let recorder = Recorder(failures: 1)
        let queue = BootEventQueue(directory: recorder, logger: Self.quiet)
        queue.offer(try Self.event(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await queue.run() }
            while recorder.batches.isEmpty { await Task.yield() }
            queue.finish()
        }
        #expect(recorder.batches.flatMap(\.self).map(\.detail) == ["1"])
    }

    @Test("at the end a directory that is away is asked once, not for half a minute")
    func endWhileAway() async throws {
        let recorder = Recorder(failures: 1)
        let queue = BootEventQueue(directory: recorder, logger: Self.quiet)
        queue.offer(try Self.event(1))
        queue.finish()
        await queue.run()
        #expect(recorder.batches.isEmpty)
    }
}
