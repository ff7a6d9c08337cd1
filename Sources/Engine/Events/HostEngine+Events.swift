extension HostEngine {
    package func events(_ query: EventQuery) async throws(EngineError) -> [EventRecord] {
        try await store.events(query, now: settings.clock.now())
    }

    package func event(_ index: Int64) async throws(EngineError) -> EventRecord {
        let found = try await events(EventQuery(after: index - 1, max: 1, newestFirst: false)).first
        guard let found, found.index == index else {
            throw EngineError(.notFound, "There is no event \(index).", remedy: "`muster event list` shows them.")
        }
        return found
    }

    /// The index of the newest event that was ever recorded, also where it had its time since.
    package var newestEvent: Int64 { store.feed.newest }

    /// Returns when there is an event newer than `index`, at once if there is one already, or after `seconds`.
    package func waitForEvent(after index: Int64, seconds: Int) async {
        await store.feed.wait(after: index, atMost: .seconds(min(max(seconds, 0), Self.eventWaitMax)))
    }

    static let eventWaitMax = 30
}
