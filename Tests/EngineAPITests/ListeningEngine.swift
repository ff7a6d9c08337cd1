import Engine
import Logging
import ServiceLifecycle

@testable import EngineAPI

/// The web side of an engine on a real socket.
enum ListeningEngine {
    /// Gives the port to `body`; afterwards the listener is shut down gracefully, and that must end.
    static func run(
        _ engine: HostEngine,
        _ change: (inout HTTPSListener) -> Void = { _ in },
        body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let (ports, known) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var listener = HTTPSListener(engine: engine, host: "127.0.0.1", port: 0, logger: logger) { known.yield($0) }
        change(&listener)
        let group = ServiceGroup(configuration: .init(services: [.init(service: listener)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                try await body(port)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
