import ServiceLifecycle

/// Runs until the service is told to stop; being stopped is no error.
func untilShutdown(_ body: @Sendable @escaping () async throws -> Void) async throws {
    do { try await cancelWhenGracefulShutdown(body) } catch is CancellationError { return }
}
