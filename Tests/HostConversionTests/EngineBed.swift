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
    private(set) var settings: EngineSettings

    init(_ change: (inout EngineSettings) -> Void = { _ in }) async throws {
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
        change(&settings)
        self.settings = settings
        try await HostEngine.initialize(settings, adminPassword: "correct horse")
    }

    /// The same with other settings, for the engine that runs next.
    func with(_ change: (inout EngineSettings) -> Void) -> EngineBed {
        var bed = self
        change(&bed.settings)
        return bed
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

extension TestServer {
    /// Has the lock of conversions, as a step does that an engine left behind, until /run/release is written to.
    func hold(step: String) async throws {
        try await shell(
            """
            D=\(ConversionLibrary.folder); mkdir -p -m 700 $D
            printf 'begun \(step)\\n' >> $D/journal; rm -f /run/held; mkfifo /run/release
            systemd-run --quiet --unit=holder flock $D/lock sh -c ': > /run/held; cat /run/release'
            timeout 60 sh -c 'until [ -e /run/held ]; do sleep 0.05; done'
            """
        )
    }

    /// Lets the farewell of the way back stop when it has taken the engine's key away.
    func holdFarewell() async throws {
        let step = "\(ConversionLibrary.folder)/step-access/script"
        try await shell(
            """
            mv \(step) \(step).real; mkfifo /run/release
            printf 'sh "$0.real" "$1"; code=$?; : > /run/left; cat /run/release; exit $code\\n' > \(step)
            """
        )
    }

    /// Waits until it has come there.
    func awaitFarewell() async throws {
        try await shell("timeout 60 sh -c 'until [ -e /run/left ]; do sleep 0.05; done'")
    }

    func endFarewell() async throws {
        try await shell(
            """
            echo > /run/release; timeout 60 sh -c 'while [ -e \(ConversionLibrary.folder) ]; do sleep 0.05; done'
            rm /run/release /run/left
            """
        )
    }

    func release() async throws { try await shell("echo > /run/release; rm /run/release") }
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
