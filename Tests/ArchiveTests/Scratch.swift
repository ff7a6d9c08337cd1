import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// A folder of one test, with the process id in its name; gone when the test ends.
final class Scratch: Sendable {
    let path: FilePath

    init(_ name: String) throws {
        let unique = "muster-\(name)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        path = FilePath(FileManager.default.temporaryDirectory.path).appending(unique)
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func file(_ name: String) -> FilePath { path.appending(name) }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file(name).string))) }

    func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
        try Data(bytes).write(to: URL(filePath: file(name).string))
        return file(name)
    }
}

/// Runs a program that must succeed, and gives what it printed.
func output(of program: String, _ arguments: [String], in folder: FilePath? = nil) async throws -> String {
    let result = try await run(
        .name(program),
        arguments: Arguments(arguments),
        workingDirectory: folder,
        output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 16)
    )
    try #require(result.terminationStatus.isSuccess, "\(program) \(arguments): \(result.standardError)")
    return result.standardOutput
}
