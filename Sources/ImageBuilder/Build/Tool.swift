import Subprocess
import SystemPackage

/// A program of the build machine, run with an argument array and bounded output.
struct Tool {
    /// What a tool may print, in bytes, before it is ended.
    private static let outputLimit = 16 << 20
    private static let errorLimit = 64 << 10
    private static let folders: [FilePath] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    var name: String
    /// The Debian package that has it, for the remedy.
    var package: String

    static let depmod = Tool(name: "depmod", package: "kmod")
    static let aptGet = Tool(name: "apt-get", package: "apt")
    static let aptCache = Tool(name: "apt-cache", package: "apt")
    static let unsquashfs = Tool(name: "unsquashfs", package: "squashfs-tools")

    private func path() throws(BuildError) -> FilePath {
        for folder in Self.folders where exists(folder.appending(name)) { return folder.appending(name) }
        throw BuildError(.missingTool, "\(name) is not on this machine", remedy: "apt-get install \(package)")
    }

    /// Runs it and gives its standard output.
    func run(_ arguments: [String], in directory: FilePath? = nil) async throws(BuildError) -> String {
        try await Self.run(try path(), arguments, in: directory)
    }

    /// Runs a program by path.
    static func run(
        _ program: FilePath,
        _ arguments: [String],
        in directory: FilePath? = nil
    ) async throws(BuildError) -> String {
        let command = program.lastComponent?.string ?? program.string
        do {
            let result = try await Subprocess.run(
                .path(program),
                arguments: Arguments(arguments),
                environment: .inherit.updating(["LC_ALL": "C", "TZ": "UTC"]),
                workingDirectory: directory,
                output: .string(limit: outputLimit),
                error: .string(limit: errorLimit)
            )
            guard result.terminationStatus.isSuccess else {
                throw failure(command, arguments, "\(result.terminationStatus)", result.standardError)
            }
            return result.standardOutput
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(
                .files,
                "could not run \(command): \(error)",
                remedy: "see whether it works by hand, and build again"
            )
        }
    }

    private static func failure(
        _ command: String,
        _ arguments: [String],
        _ status: String,
        _ output: String?
    ) -> BuildError {
        let lines = (output ?? "").split(separator: "\n").filter { !$0.hasPrefix("W:") && !$0.hasPrefix("WARNING") }
        let last = lines.last.map(String.init) ?? status
        if (output ?? "").contains("No space left on device") { return .diskFull("run \(command)") }
        let line = ([command] + arguments).joined(separator: " ")
        return BuildError(.files, "\(command) failed: \(last)", remedy: "run it by hand to see more: \(line)")
    }
}
