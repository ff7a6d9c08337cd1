import Foundation
import Subprocess
import SystemPackage

/// The built `muster`, run as a person would, with a configuration of its own.
struct Program: ~Copyable {
    struct Outcome: Sendable {
        var exit: Int32
        var output: String
        var errors: String
    }

    let folder: FilePath
    var configuration: FilePath { folder.appending("config.yaml") }

    init() throws {
        folder = FilePath(NSTemporaryDirectory()).appending("muster-cli-\(getpid())-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder.string) }

    /// Beside the test bundle, where `swift build` puts it.
    static var path: FilePath {
        get throws {
            let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let beside = FilePath(bundle).removingLastComponent().appending("muster")
            if FileManager.default.isExecutableFile(atPath: beside.string) { return beside }
            // Run by a test runner of the toolchain: the bundle is its argument.
            let named = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
            return FilePath(named).removingLastComponent().appending("muster")
        }
    }

    func run(
        _ arguments: [String],
        environment: [Environment.Key: String] = [:],
        input: String = ""
    ) async throws -> Outcome {
        var values: [Environment.Key: String?] = [
            "MUSTER_CONFIG": configuration.string, "TZ": "UTC", "NO_COLOR": nil, "HOME": folder.string,
            "XDG_CONFIG_HOME": nil,
        ]
        for (key, value) in environment { values[key] = value }
        // From a file: a program that ends before it has read a pipe would bring the writer of that pipe down.
        let typed = folder.appending("input")
        try Data(input.utf8).write(to: URL(filePath: typed.string))
        let result = try await Subprocess.run(
            .path(try Self.path),
            arguments: Arguments(arguments),
            environment: .inherit.updating(values),
            input: .fileDescriptor(try FileDescriptor.open(typed, .readOnly), closeAfterSpawningProcess: true),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let exit: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): -signal
            }
        return Outcome(exit: exit, output: result.standardOutput, errors: result.standardError)
    }
}
