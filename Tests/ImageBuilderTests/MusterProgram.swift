import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// The built `muster`, run as a person would.
enum MusterProgram {
    struct Outcome: Sendable {
        /// Negative for a signal.
        var exit: Int32
        var output: String
        var errors: String
    }

    /// Beside the test bundle, where `swift build` puts it.
    static var path: FilePath {
        get throws {
            let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let beside = FilePath(bundle).removingLastComponent().appending("muster")
            if FileManager.default.isExecutableFile(atPath: beside.string) { return beside }
            let named = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
            return FilePath(named).removingLastComponent().appending("muster")
        }
    }

    /// Runs it through `launcher` (`taskset -c 0`, `setpriv …`), and hands every line of its standard error to `line` while
    /// it runs, with its process id.
    static func run(
        _ arguments: [String],
        launcher: [String] = [],
        environment: [Environment.Key: String?] = [:],
        in folder: FilePath? = nil,
        line: (String, pid_t) -> Void = { _, _ in }
    ) async throws -> Outcome {
        var command = launcher + [try path.string] + arguments
        var options = PlatformOptions()
        options.processGroupID = 0
        var lines: [String] = []
        let result = try await Subprocess.run(
            launcher.isEmpty ? .path(FilePath(command.removeFirst())) : .name(command.removeFirst()),
            arguments: Arguments(command),
            environment: .inherit.updating(environment),
            workingDirectory: folder,
            platformOptions: options,
            input: .none,
            output: .discarded,
            error: .sequence
        ) { execution in
            let process = pid_t(execution.processIdentifier.value)
            for try await text in execution.standardError.strings() {
                for part in text.split(separator: "\n") {
                    lines.append(String(part))
                    line(String(part), process)
                }
            }
        }
        let exit: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): -signal
            }
        return Outcome(exit: exit, output: "", errors: lines.joined(separator: "\n"))
    }
}
