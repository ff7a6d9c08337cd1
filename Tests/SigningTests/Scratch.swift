import Glibc
import Subprocess
import SystemPackage
import Testing

/// A folder of one test; gone when the test ends.
final class Scratch: Sendable {
    let path: FilePath

    init() throws {
        path = FilePath("/tmp/muster-signing-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        try #require(mkdir(path.string, 0o755) == 0)
    }

    deinit {
        // Two levels are all that these tests make.
        for name in Self.names(path) {
            for inner in Self.names(path.appending(name)) { unlink(path.appending(name).appending(inner).string) }
            rmdir(path.appending(name).string)
            unlink(path.appending(name).string)
        }
        rmdir(path.string)
    }

    func file(_ name: String) -> FilePath { path.appending(name) }

    func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> FilePath {
        let file = try FileDescriptor.open(
            file(name),
            .writeOnly,
            options: [.create, .truncate],
            permissions: [.ownerReadWrite]
        )
        try file.closeAfter { _ = try file.writeAll(bytes) }
        return self.file(name)
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(file(name), .readOnly)
        return try file.closeAfter {
            try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }

    static func names(_ folder: FilePath) -> [String] {
        guard let stream = opendir(folder.string) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// What openssl(1) said, and whether it succeeded.
func openssl(_ arguments: [String]) async throws -> (succeeded: Bool, output: String) {
    try await runTool("openssl", arguments)
}

func runTool(_ name: String, _ arguments: [String]) async throws -> (succeeded: Bool, output: String) {
    let result = try await run(
        .name(name),
        arguments: Arguments(arguments),
        output: .string(limit: 1 << 20),
        error: .string(limit: 1 << 16)
    )
    return (result.terminationStatus.isSuccess, result.standardOutput + result.standardError)
}
