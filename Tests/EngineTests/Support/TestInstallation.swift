import Engine
import Foundation
import HostModel
import Logging

/// A real installation in a directory of its own, with times short enough for tests.
final class TestInstallation: Sendable {
    let directory: String
    let settings: EngineSettings

    static let password = "correct horse"

    /// `folder`: where its directory is made; else with the temporary files.
    init(in folder: String? = nil, _ change: (inout EngineSettings) -> Void = { _ in }) async throws {
        directory =
            (folder.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory)
            .appending(path: "muster-engine-\(ProcessInfo.processInfo.processIdentifier)-\(UniqueID.random())").path
        var settings = EngineSettings(dataDirectory: directory, engineAddress: "engine.example.org")
        settings.monitoring.refresh = 20
        settings.monitoring.stepRetry = 20
        settings.monitoring.connectivityPoll = 20
        // What a test waits for comes at once; what it must never see is far away, however busy the machine is.
        settings.monitoring.confirmation = 5000
        settings.monitoring.connect = 20_000
        settings.monitoring.call = 60_000
        settings.monitoring.grace = 300
        settings.monitoring.connectivityCheck = 30_000
        settings.enrolment.claimsPerMinutePerSource = 10_000
        change(&settings)
        self.settings = settings
        try await Self.template.value
        try FileManager.default.copyItem(atPath: Self.templatePath, toPath: directory)
    }

    /// Made once by the engine itself and copied for each test: hashing the password takes a second in a debug build.
    private static let template = Task {
        let settings = EngineSettings(dataDirectory: templatePath, engineAddress: "engine.example.org")
        try await HostEngine.initialize(settings, adminPassword: password)
        atexit { try? FileManager.default.removeItem(atPath: TestInstallation.templatePath) }
    }

    private static let templatePath = FileManager.default.temporaryDirectory
        .appending(path: "muster-engine-template-\(ProcessInfo.processInfo.processIdentifier)").path

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func open() async throws -> HostEngine {
        var tries = 0
        while true {
            do {
                return try await HostEngine.open(
                    settings,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                )
            } catch {
                guard error.detail.hasPrefix("Another muster-engine"), tries < 100 else { throw error }
                // A program that another test starts holds a copy of the lock between its fork and its exec.
                tries += 1
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Runs an engine while `body` runs, then cancels it at whatever it does, as a kill would, and lets go of the files.
    func running<Value: Sendable>(_ body: @Sendable (HostEngine) async throws -> Value) async throws -> Value {
        try await running(try await open(), body)
    }

    func running<Value: Sendable>(
        _ engine: HostEngine,
        _ body: @Sendable (HostEngine) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            defer { group.cancelAll() }
            return try await body(engine)
        }
    }
}

extension HostEngine {
    /// Waits until the events show what is looked for; `nil` when it did not come in time.
    func event(
        _ code: EventCode,
        after index: Int64 = 0,
        host: UniqueID? = nil,
        within seconds: Int = 60
    ) async throws -> EventRecord? {
        let end = ContinuousClock.now + .seconds(seconds)
        var seen = index
        while ContinuousClock.now < end {
            let events = try await events(EventQuery(after: seen, host: host, max: 1000, newestFirst: false))
            if let found = events.first(where: { $0.code == code }) { return found }
            seen = events.last?.index ?? seen
            await waitForEvent(after: seen, seconds: 1)
        }
        return nil
    }

    func codes() async throws -> [Int] {
        try await events(EventQuery(max: 1000, newestFirst: false)).map(\.code.rawValue)
    }
}
