import Foundation
import HostModel
import Logging
import ServiceLifecycle
import Subprocess
import SystemPackage

/// Keeps one child running: starts it again whenever it falls, and passes a stop on to it. Only a first start that
/// cannot succeed ends it, so that a mistake in the settings is seen at once.
struct ChildService: Service {
    /// In messages: `muster-boot`.
    var name: String
    /// The program, once it may be started; `nil` for a stop before that.
    var program: @Sendable () async -> ChildProgram?
    /// Told each line that the child writes to standard output.
    var onLine: @Sendable (String) async -> Void = { _ in }
    var logger: Logger

    /// What a child may take for a graceful stop before it is killed.
    static let stopMax = Duration.seconds(10)

    func run() async throws {
        guard let program = await cancelWhenGracefulShutdown({ await program() }) else { return }
        var policy = RestartPolicy()
        var isFirst = true
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let started = ContinuousClock.now
            let ending = try await runOnce(program)
            guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
            if isFirst, case .exited(let status) = ending, program.isRefusal(status) {
                throw ChildEnded(status: status)
            }
            isFirst = false
            let pause = policy.fell(afterRunning: ContinuousClock.now - started)
            logger.warning("\(name) fell (\(ending)); it is started again in \(pause)")
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: pause) }
        }
    }

    private func runOnce(_ program: ChildProgram) async throws -> TerminationStatus {
        var options = PlatformOptions()
        // A Ctrl-C on the terminal is the supervisor's to pass on.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        let result = try await Subprocess.run(
            .path(FilePath(ChildProgram.setpriv)),
            arguments: Arguments(program.launch),
            environment: .custom(Self.environment),
            platformOptions: options,
            input: .none,
            output: .sequence,
            error: .currentStandardError
        ) { child in
            logger.info("\(name) started", metadata: ["pid": "\(child.processIdentifier.value)"])
            try await withGracefulShutdownHandler {
                for try await line in child.standardOutput.strings() { await onLine(line) }
            } onGracefulShutdown: {
                try? child.send(signal: .terminate)
            }
        }
        return result.terminationStatus
    }

    private static var environment: [Subprocess.Environment.Key: String] {
        let own = ProcessInfo.processInfo.environment.filter { ChildProgram.variables.contains($0.key) }
        let pairs = own.compactMap { name, value in
            Subprocess.Environment.Key(rawValue: name).map { key in (key, value) }
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// A child said why it cannot run; the supervisor leaves with the same status.
struct ChildEnded: Error, Hashable, Sendable {
    var status: Int32
}
