import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import Testing

/// A folder of one test, gone when the test ends.
final class Scratch: Sendable {
    let path: FilePath

    init() throws {
        let unique = "muster-convert-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        path = FilePath(FileManager.default.temporaryDirectory.path).appending(unique)
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func file(_ name: String) -> FilePath { path.appending(name) }

    func write(_ text: String, to name: String) throws -> FilePath {
        try Data(text.utf8).write(to: URL(filePath: file(name).string))
        return file(name)
    }
}

/// Where this checkout stands.
enum Project {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
}

/// Runs a program that must succeed, and gives what it printed.
@discardableResult
func output(of program: String, _ arguments: [String], input: String = "") async throws -> String {
    let result = try await run(
        program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
        arguments: Arguments(arguments),
        input: .string(input),
        output: .string(limit: 8 << 20),
        error: .string(limit: 1 << 20)
    )
    try #require(
        result.terminationStatus.isSuccess,
        "\(program) \(arguments): \(result.standardError) \(result.standardOutput)"
    )
    return result.standardOutput
}
