import Logging

/// How a start waits for what is not there yet.
package struct StartWait: Sendable {
    /// The pauses between tries: a minute in all, in which an interface gets its address at boot and a killed process lets
    /// go of its ports. Whoever starts this program may start it again.
    package static let pauses: [Duration] = [1, 2, 4, 8, 15, 15, 15].map { .seconds($0) }

    private let pauses: [Duration]
    private let sleep: @Sendable (Duration) async throws -> Void

    /// Another `sleep` is for tests.
    package init(
        pauses: [Duration] = pauses,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        (self.pauses, self.sleep) = (pauses, sleep)
    }

    /// Runs `body`, and again after each pause while what it needs is unavailable.
    func opening<Value>(_ logger: Logger, _ body: () async throws -> Value) async throws -> Value {
        for pause in pauses {
            do {
                return try await body()
            } catch let failure as StartFailure where failure.kind == .unavailable {
                logger.warning("\(failure.cause); it is tried again in \(pause.components.seconds) s")
                try await sleep(pause)
            }
        }
        return try await body()
    }
}
