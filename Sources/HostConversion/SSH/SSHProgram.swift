import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// One of OpenSSH's programs on this machine, run with an argument array, a time limit and bounded output.
struct SSHProgram {
    /// What ssh itself, and the server's program, may say on standard error, in bytes; the rest is dropped.
    static let complaintBytesMax = 64 << 10
    /// How long a program may take to end when it is asked to, before it is killed.
    private static let patience: Duration = .seconds(2)

    var name: String

    static let ssh = SSHProgram(name: "ssh")
    static let keygen = SSHProgram(name: "ssh-keygen")

    /// What came of one run.
    struct Ending: Sendable {
        /// `nil`: ended by a signal, or by one of the limits.
        var exitCode: Int32?
        var isTimedOut = false
        /// Ended because it said nothing for too long.
        var isSilent = false
        var output: [UInt8] = []
        /// Whether there was more than the limit.
        var isCut = false
        var complaints: [UInt8] = []

        var complaint: String { String(decoding: complaints, as: UTF8.self) }
    }

    /// Runs it; `input` is read from its beginning and closed. `silenceLimit`: how long it may say nothing, on either output.
    func run(
        _ arguments: [String],
        input: FileDescriptor? = nil,
        environment: [String: String] = [:],
        outputLimit: Int,
        timeLimit: Duration,
        silenceLimit: Duration? = nil
    ) async throws(ConversionError) -> Ending {
        let environment = Self.environment(environment)
        let path = try path()
        let heard = LastWord()
        do {
            return try await withThrowingTaskGroup(of: Ending.self) { group in
                group.addTask {
                    if let input {
                        let source = FileDescriptorInput.fileDescriptor(input, closeAfterSpawningProcess: true)
                        return try await Self.run(path, arguments, source, environment, outputLimit, heard)
                    }
                    return try await Self.run(path, arguments, NoInput.none, environment, outputLimit, heard)
                }
                group.addTask {
                    try await Task.sleep(for: timeLimit)
                    return Ending(isTimedOut: true)
                }
                if let silenceLimit {
                    group.addTask {
                        try await heard.awaitSilence(of: silenceLimit)
                        return Ending(isSilent: true)
                    }
                }
                guard let first = try await group.next() else { throw CancellationError() }
                // What was cut short ends by its teardown, which is waited for; its output until then is worth nothing.
                group.cancelAll()
                while await group.nextResult() != nil {}
                if first.isTimedOut || first.isSilent { try Task.checkCancellation() }
                return first
            }
        } catch {
            if error is CancellationError || Task.isCancelled { throw .interrupted }
            throw ConversionError(
                .files,
                "could not run \(name): \(error)",
                remedy: "see whether it works by hand on this machine"
            )
        }
    }

    private func path() throws(ConversionError) -> FilePath {
        for folder in ["/usr/bin", "/bin", "/usr/local/bin"] {
            let path = FilePath(folder).appending(name)
            if access(path.string, X_OK) == 0 { return path }
        }
        throw ConversionError(
            .missingTool,
            "\(name) is not on this machine",
            remedy: "apt-get install openssh-client (dnf install openssh-clients)"
        )
    }

    private static func run(
        _ program: FilePath,
        _ arguments: [String],
        _ input: some InputProtocol,
        _ environment: Environment,
        _ outputLimit: Int,
        _ heard: LastWord
    ) async throws -> Ending {
        var options = PlatformOptions()
        // A session of its own: neither a terminal's Ctrl-C nor a prompt on the terminal reaches it.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: patience)
        ]
        let result = try await Subprocess.run(
            .path(program),
            arguments: Arguments(arguments),
            environment: environment,
            platformOptions: options,
            input: input,
            output: .sequence,
            error: .sequence
        ) { execution in
            let errors = execution.standardError
            async let complaints = collect(errors, limit: complaintBytesMax, heard)
            let output = try await collect(execution.standardOutput, limit: outputLimit, heard)
            return (output, try await complaints)
        }
        let ((output, isCut), (complaints, _)) = result.closureResult
        var ending = Ending(output: output, isCut: isCut, complaints: complaints)
        if case .exited(let code) = result.terminationStatus { ending.exitCode = Int32(code) }
        return ending
    }

    /// Reads to the end, so that nobody waits for a full pipe, and keeps the first `limit` bytes.
    private static func collect(
        _ chunks: SubprocessOutputSequence,
        limit: Int,
        _ heard: LastWord
    ) async throws -> (bytes: [UInt8], isCut: Bool) {
        var bytes: [UInt8] = []
        var isCut = false
        for try await chunk in chunks {
            heard.note()
            let room = limit - bytes.count
            isCut = isCut || chunk.count > room
            chunk.withUnsafeBytes { bytes += $0.prefix(max(0, room)) }
        }
        return (bytes, isCut)
    }

    private static func environment(_ additions: [String: String]) -> Environment {
        var values: [Environment.Key: String] = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
        ]
        for (name, value) in additions { values[Environment.Key(stringLiteral: name)] = value }
        return .custom(values)
    }
}

/// When a program said something last.
private final class LastWord: Sendable {
    private let moment = Mutex(ContinuousClock.now)

    func note() { moment.withLock { $0 = .now } }

    func awaitSilence(of limit: Duration) async throws {
        while true {
            let end = moment.withLock(\.self) + limit
            guard end > .now else { return }
            try await Task.sleep(until: end)
        }
    }
}
