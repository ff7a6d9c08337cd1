import Subprocess
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A program that runs beside a test, and what it said.
final class Daemon: Sendable {
    let pid: pid_t
    private let log = Mutex("")
    private let lines: AsyncStream<String>
    private let feed: AsyncStream<String>.Continuation

    private init(pid: pid_t) {
        self.pid = pid
        (lines, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    var text: String { log.withLock { $0 } }

    /// Waits for a line that holds `mark`; the test fails when the program ends before.
    func await(_ mark: String) async throws {
        for await line in lines where line.contains(mark) { return }
        try #require(Bool(false), "\(mark) never came: \(text)")
    }

    func kill(_ signal: Int32 = SIGKILL) { _ = Glibc.kill(pid, signal) }

    static func run<Result: Sendable>(
        _ words: [String],
        until mark: String,
        _ body: (Daemon) async throws -> Result
    ) async throws -> Result {
        let configuration = Configuration(executable: .name(words[0]), arguments: Arguments(Array(words.dropFirst())))
        return try await Subprocess.run(
            configuration,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let daemon = Daemon(pid: execution.processIdentifier.value)
            let output = execution.standardOutput
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await line in output.strings() {
                        daemon.log.withLock { $0 += line + "\n" }
                        daemon.feed.yield(line)
                    }
                    daemon.feed.finish()
                }
                do {
                    try await daemon.await(mark)
                    let result = try await body(daemon)
                    daemon.kill(SIGTERM)
                    return result
                } catch {
                    daemon.kill()
                    throw error
                }
            }
        }.closureResult
    }
}
