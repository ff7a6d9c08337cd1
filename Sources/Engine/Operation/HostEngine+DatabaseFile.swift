import Logging

extension HostEngine {
    static let databaseLookInterval = Duration.seconds(1)

    /// Says loudly, once, that the database was taken away, also when nobody writes; and once that it is back.
    func watchDatabaseFile() async {
        var isGone = false
        while !Task.isCancelled {
            do {
                try store.checkFile()
                if isGone { logger.notice("the database is in its place again") }
                isGone = false
            } catch {
                if !isGone { logger.critical("\(error)") }
                isGone = true
            }
            try? await Task.sleep(for: Self.databaseLookInterval)
        }
    }

    /// Throws when the engine cannot keep what it is told: its database was deleted or replaced, or does not answer.
    package func checkHealth() async throws(EngineError) {
        try store.checkFile()
        _ = try await store.isInitialized()
    }
}
