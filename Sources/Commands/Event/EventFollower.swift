import EngineClient
import HostModel

/// Goes on after the last event seen, over restarts of the engine.
struct EventFollower {
    private let session: EngineSession
    private let selection: EventSelection
    private var seen: Int64
    private var failures = 0

    /// The most events of one answer.
    static let pageMax = 500
    /// Calls in a row that may fail, and the pause after the first of them; it doubles.
    static let failuresMax = 6
    static let firstPause = Duration.milliseconds(500)

    /// `selection`: the host and the search.
    init(_ session: EngineSession, _ selection: EventSelection, after event: EventResource?) {
        (self.session, self.selection) = (session, selection)
        seen = event.flatMap { Int64($0.index) } ?? 0
    }

    /// The next events, the oldest first; empty when the engine's patience ended before there was one.
    mutating func next() async throws -> [EventResource] {
        var selection = selection
        (selection.after, selection.max, selection.waitSeconds) = (seen, Self.pageMax, EventSelection.waitMax)
        do throws(CallError) {
            let events = Array(try await session.events(selection).reversed())
            seen = events.compactMap { Int64($0.index) }.max() ?? seen
            failures = 0
            return events
        } catch {
            failures += 1
            guard error.isTransient, failures < Self.failuresMax else { throw error }
            try await Task.sleep(for: Self.firstPause * (1 << (failures - 1)))
            return []
        }
    }
}
