extension HostEngine {
    package func events(_ query: EventQuery) async throws(EngineError) -> [EventRecord] {
        try await store.events(query, at: settings.clock.now())
    }

    /// The index of the newest event that was ever recorded, also where it had its time since.
    package var newestEvent: Int64 { store.feed.newest }

    /// Returns when there is an event newer than `index`, at once if there is one already, or after `seconds`.
    package func waitForEvent(after index: Int64, seconds: Int) async {
        await store.feed.wait(after: index, atMost: .seconds(min(max(seconds, 0), Self.eventWaitMax)))
    }

    static let eventWaitMax = 30
}
