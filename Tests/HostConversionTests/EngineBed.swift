import Engine
import FoundationEssentials
import HostConversion
import HostModel
import Logging
import SystemPackage
import Testing

/// An engine in this process, and a server that it converts. The server's agent is in a network that the engine has no way
/// to: what goes over SSH works, and nobody answers for the agent.
struct EngineBed {
    let server: TestServer
    private let repository: TestRepository
    private let scratch: Scratch
    let settings: EngineSettings

    init() async throws {
        repository = try await TestRepository(asNode: true)
        server = try await TestServer.boot(size: 4 << 30, serve: repository.folder)
        try await server.shell(": > /etc/apt/sources.list")
        scratch = try Scratch()
        var settings = EngineSettings(dataDirectory: scratch.file("engine").string, engineAddress: "127.0.0.1")
        // The server's own sshd stands for the engine's web side.
        settings.httpsPort = 22
        settings.agentFile = Project.root.appending(AgentFile.ofCheckout).string
        settings.conversions.poll = 50
        (settings.monitoring.firstContact, settings.monitoring.stepRetry) = (300, 20)
        self.settings = settings
        try await HostEngine.initialize(settings, adminPassword: "correct horse")
    }

    /// Runs an engine while `body` runs, then cancels it at whatever it does, as a kill would.
    func running<Value: Sendable>(_ body: @Sendable (HostEngine) async throws -> Value) async throws -> Value {
        let engine = try await open()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            defer { group.cancelAll() }
            return try await body(engine)
        }
    }

    private func open() async throws -> HostEngine {
        var tries = 0
        while true {
            do {
                return try await HostEngine.open(
                    settings,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                )
            } catch {
                guard error.detail.hasPrefix("Another muster-engine"), tries < 500 else { throw error }
                // A program that is started holds a copy of the lock between its fork and its exec.
                tries += 1
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    func order(_ options: ConversionOptions = ConversionOptions()) throws -> ServerOrder {
        let access = ServerAccess(address: "127.0.0.1", port: server.port)
        var order = ServerOrder(
            name: try #require(HostName("kvm-8")),
            address: "127.0.0.1",
            port: 1,
            access: access,
            credentials: .password(TestServer.password)
        )
        order.options = options
        (order.options.needsVirtualization, order.options.repository) = (false, TestRepository.url)
        return order
    }
}

extension HostEngine {
    /// Waits for an event that is newer than `index`.
    @discardableResult
    func event(_ code: EventCode, after index: Int64 = 0, within seconds: Int = 120) async throws -> EventRecord {
        let end = ContinuousClock.now + .seconds(seconds)
        var seen = index
        while ContinuousClock.now < end {
            let events = try await events(EventQuery(after: seen, max: 1000, newestFirst: false))
            if let found = events.first(where: { $0.code == code }) { return found }
            seen = events.last?.index ?? seen
            await waitForEvent(after: seen, seconds: 1)
        }
        let all = try await events(EventQuery(max: 1000, newestFirst: false)).map(\.text).joined(separator: "\n")
        throw NoEvent(description: "no event \(code.rawValue):\n\(all)")
    }

    /// The newest one's index.
    func lastEvent() async throws -> Int64 { try await events(EventQuery(max: 1, newestFirst: true)).first?.index ?? 0 }

    /// Waits until the job has ended.
    func ended(_ job: UniqueID, within seconds: Int = 120) async throws -> JobRecord {
        let end = ContinuousClock.now + .seconds(seconds)
        var seen: Int64 = 0
        while ContinuousClock.now < end {
            let now = try await self.job(job)
            if now.status != .started { return now }
            seen = try await events(EventQuery(max: 1, newestFirst: true)).first?.index ?? seen
            await waitForEvent(after: seen, seconds: 1)
        }
        throw NoEvent(description: "the job goes on: \(try await self.job(job))")
    }
}

struct NoEvent: Error, CustomStringConvertible {
    var description: String
}
