import AgentWire
import Glibc
import HostModel
import Subprocess
import SystemPackage

/// Runs `muster-agent disks|slots|install|upgrade|rollback|confirm`: what writes to disks is a process of its own, with an
/// argument array and no input.
struct InstallerProgram: Sendable {
    let path: FilePath

    /// Bytes of one line that are kept, and of the answer to `disks` and `slots`.
    static let lineBytesMax = 8192
    static let answerBytesMax = 1 << 20

    struct TimedOut: Error {}

    /// Runs to the end, at most so many seconds. Cancelled, or when its time is over, the program is asked to end and then
    /// killed. Each line is told as it comes.
    func run(
        _ arguments: [String],
        seconds: Int,
        onStart: @Sendable @escaping (pid_t) async -> Void = { _ in },
        onLine: @Sendable @escaping (InstallerLine) async -> Void
    ) async throws -> Int32? {
        let result = try await Subprocess.run(
            configuration(arguments),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) {
            execution in
            await onStart(execution.processIdentifier.value)
            let output = execution.standardOutput
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var lines = BoundedLines(limit: Self.lineBytesMax)
                    for try await buffer in output {
                        let bytes = buffer.withUnsafeBytes { Array($0) }
                        for line in lines.take(bytes) { await onLine(InstallerLine(line)) }
                    }
                    if let line = lines.finish() { await onLine(InstallerLine(line)) }
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(seconds))
                    throw TimedOut()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
        return result.terminationStatus.code
    }

    /// What the program answers on its standard output, bounded; its refusal otherwise.
    func answer(_ arguments: [String], seconds: Int) async throws(RPCError) -> [UInt8] {
        let command = arguments.first ?? ""
        do {
            return try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask {
                    let result = try await Subprocess.run(
                        configuration(arguments),
                        input: .none,
                        output: .bytes(limit: Self.answerBytesMax),
                        error: .string(limit: Self.lineBytesMax)
                    )
                    guard result.terminationStatus.isSuccess else {
                        throw Self.failure(result.terminationStatus, result.standardError, of: command)
                    }
                    return result.standardOutput
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(seconds))
                    throw TimedOut()
                }
                defer { group.cancelAll() }
                return try await group.next() ?? []
            }
        } catch let error as RPCError {
            throw error
        } catch is TimedOut {
            throw RPCError(.resourceUnavailable, "muster-agent \(command) did not end in \(seconds) seconds.")
        } catch {
            throw RPCError(.general, "muster-agent \(command) could not be run: \(error).")
        }
    }

    private func configuration(_ arguments: [String]) -> Configuration {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: Self.graceful)]
        return Configuration(executable: .path(path), arguments: Arguments(arguments), platformOptions: options)
    }

    /// How long a program may take to end when it is asked to.
    private static let graceful = Duration.seconds(10)

    private static func failure(_ status: TerminationStatus, _ words: String, of command: String) -> RPCError {
        var tale = InstallerTale()
        for line in words.split(whereSeparator: \.isNewline) { tale.take(InstallerLine(String(line))) }
        return tale.failure(status: status.code, of: command)?.error ?? RPCError(.general, "\(command): \(status)")
    }
}

extension TerminationStatus {
    /// `nil` for a process that a signal ended.
    fileprivate var code: Int32? { if case .exited(let code) = self { code } else { nil } }
}
