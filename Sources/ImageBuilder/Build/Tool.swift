import Subprocess
import SystemPackage

/// A program of the build machine, run with an argument array and bounded output.
///
/// Its process group is its own, and the kernel ends it when this program ends, however that comes about: nothing goes on
/// writing behind the back of the next build.
struct Tool {
    /// What a tool may print where its output is the result, in bytes, before it is ended.
    private static let outputLimit = 64 << 20
    /// How much of its last output is kept for an error message, in bytes; what is before that is dropped.
    private static let tailLimit = 64 << 10
    /// How long a tool may take to end when it is asked to, before it is killed.
    private static let patience: Duration = .seconds(2)
    /// How much of a command line a message shows, in characters.
    private static let longestCommand = 500
    /// How the line begins that says what is wrong, the most telling first: dpkg's own word before that of apt above it.
    private static let telling = ["dpkg: error", "Error: ", "E: ", "error: "]
    private static let folders: [FilePath] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    var name: String
    /// The Debian package that has it, for the remedy.
    var package: String

    static let depmod = Tool(name: "depmod", package: "kmod")
    static let aptGet = Tool(name: "apt-get", package: "apt")
    static let aptCache = Tool(name: "apt-cache", package: "apt")
    static let mmdebstrap = Tool(name: "mmdebstrap", package: "mmdebstrap")
    static let dnf = Tool(name: "dnf", package: "dnf")
    static let rpm = Tool(name: "rpm", package: "rpm")
    static let tar = Tool(name: "tar", package: "tar")
    static let xz = Tool(name: "xz", package: "xz-utils")
    static let zstd = Tool(name: "zstd", package: "zstd")
    static let mksquashfs = Tool(name: "mksquashfs", package: "squashfs-tools")
    static let unshare = Tool(name: "unshare", package: "util-linux")
    static let setpriv = Tool(name: "setpriv", package: "util-linux")
    static let grubMakeImage = Tool(name: "grub-mkimage", package: "grub-common")
    static let makeFAT = Tool(name: "mkfs.fat", package: "dosfstools")
    static let makeDirectories = Tool(name: "mmd", package: "mtools")
    static let copyFiles = Tool(name: "mcopy", package: "mtools")
    static let makeExt = Tool(name: "mke2fs", package: "e2fsprogs")
    static let unsquashfs = Tool(name: "unsquashfs", package: "squashfs-tools")

    /// Where it stands on this machine.
    func path() throws(BuildError) -> FilePath {
        for folder in Self.folders where exists(folder.appending(name)) { return folder.appending(name) }
        throw BuildError(.missingTool, "\(name) is not on this machine", remedy: "apt-get install \(package)")
    }

    /// All that are not on this machine, in one sentence.
    static func require(_ tools: [Tool]) throws(BuildError) {
        let missing = tools.filter { (try? $0.path()) == nil }
        guard let first = missing.first else { return }
        let names = missing.map(\.name).joined(separator: ", ")
        let packages = missing.map(\.package).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        throw BuildError(
            .missingTool,
            missing.count == 1 ? "\(first.name) is not on this machine" : "these are not on this machine: \(names)",
            remedy: "apt-get install \(packages.joined(separator: " "))"
        )
    }

    /// Runs it and gives its standard output.
    func run(
        _ arguments: [String],
        in directory: FilePath? = nil,
        environment: [String: String] = [:]
    ) async throws(BuildError) -> String {
        try await Self.run(try path(), arguments, in: directory, environment: environment)
    }

    /// Runs a program by path and gives its standard output.
    static func run(
        _ program: FilePath,
        _ arguments: [String],
        in directory: FilePath? = nil,
        environment: [String: String] = [:]
    ) async throws(BuildError) -> String {
        var output: [UInt8] = []
        var isTooMuch = false
        try await run(program, arguments, in: directory, environment: environment, input: .none) { chunk in
            isTooMuch = isTooMuch || output.count + chunk.count > outputLimit
            if !isTooMuch { output += chunk }
        }
        guard !isTooMuch else {
            let command = program.lastComponent?.string ?? program.string
            throw BuildError(.files, "\(command) printed more than \(outputLimit >> 20) MiB", remedy: "run it by hand")
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Runs it and hands every line that it says to `line`, for progress: mmdebstrap tells its own on standard error. If it fails, what it said last goes into the
    /// error, and into the file `log`.
    func watch(
        _ arguments: [String],
        in directory: FilePath? = nil,
        environment: [String: String] = [:],
        log: FilePath,
        line: (String) -> Void
    ) async throws(BuildError) {
        var lines = LineSplitter()
        let said = Tail(limit: Self.tailLimit)
        do {
            try await Self.run(try path(), arguments, in: directory, environment: environment, input: .none, said: said)
            {
                chunk in
                said.add(chunk)
                lines.add(chunk, line)
            }
        } catch {
            guard error.kind == .files else { throw error }
            _ = try? writeFile(said.text.utf8, to: log)
            throw BuildError(.files, error.message, remedy: "see what it said in \(log), and build again")
        }
    }

    /// Runs it while `feed` writes its standard input, on a thread of its own: the pipe holds little, and the writer waits.
    func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        feed: @escaping @Sendable (FileDescriptor) throws -> Void
    ) async throws(BuildError) {
        let program = try path()
        do {
            let pipe = try FileDescriptor.pipe()
            async let fed: Void = Feeder.run(pipe.writeEnd, feed)
            do {
                let input = FileDescriptorInput.fileDescriptor(pipe.readEnd, closeAfterSpawningProcess: true)
                try await Self.run(program, arguments, in: nil, environment: environment, input: input) { _ in }
            } catch {
                // The tool's own complaint says more than the pipe that it left.
                _ = try? await fed
                throw error
            }
            try await fed
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(error, doing: "feed \(name)")
        }
    }

    /// Standard error comes after the fact, in the message of the error that is thrown; or, where `said` keeps the end of all
    /// that the tool says, in between its output.
    private static func run(
        _ program: FilePath,
        _ arguments: [String],
        in directory: FilePath?,
        environment: [String: String],
        input: some InputProtocol,
        said: Tail? = nil,
        output: (ArraySlice<UInt8>) -> Void
    ) async throws(BuildError) {
        let command = Self.shown(program, arguments)
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: patience)
        ]
        let complaints = Tail(limit: tailLimit)
        do {
            let configuration = Configuration(
                executable: .path(try setpriv.path()),
                arguments: Arguments(["--pdeathsig", "KILL", "--", program.string] + arguments),
                environment: Self.environment(environment),
                workingDirectory: directory,
                platformOptions: options
            )
            let status: TerminationStatus
            if said == nil {
                status = try await Subprocess.run(configuration, input: input, output: .sequence, error: .sequence) {
                    execution in
                    let errors = execution.standardError
                    async let drained: Void = drain(errors, into: complaints)
                    for try await chunk in execution.standardOutput {
                        chunk.withUnsafeBytes { output(ArraySlice($0)) }
                    }
                    try await drained
                }.terminationStatus
            } else {
                status = try await Subprocess.run(
                    configuration,
                    input: input,
                    output: .sequence,
                    error: .combinedWithOutput
                ) { execution in
                    for try await chunk in execution.standardOutput {
                        chunk.withUnsafeBytes { output(ArraySlice($0)) }
                    }
                }.terminationStatus
            }
            try Task.checkCancellation()
            guard status.isSuccess else {
                let output = (said?.text ?? "") + "\n" + complaints.text
                throw failure(command, arguments, "\(status)", output)
            }
        } catch let error as BuildError {
            throw error
        } catch {
            if Task.isCancelled { throw .interrupted }
            throw BuildError(
                .files,
                "could not run \(command): \(error)",
                remedy: "see whether it works by hand, and build again"
            )
        }
    }

    /// What a person knows it by: in a sandbox, the tool inside.
    private static func shown(_ program: FilePath, _ arguments: [String]) -> String {
        let name = program.lastComponent?.string ?? program.string
        guard name == unshare.name, let end = arguments.firstIndex(of: "--"), end + 1 < arguments.count else {
            return name
        }
        return arguments[end + 1].split(separator: "/").last.map(String.init) ?? name
    }

    private static func drain(_ errors: SubprocessOutputSequence, into tail: Tail) async throws {
        for try await chunk in errors { chunk.withUnsafeBytes { tail.add(ArraySlice($0)) } }
    }

    /// The same for everybody: what a person has set must not show in an image.
    private static func environment(_ additions: [String: String]) -> Environment {
        var values: [Environment.Key: String] = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive",
        ]
        for (name, value) in additions { values[Environment.Key(stringLiteral: name)] = value }
        return .custom(values)
    }

    private static func failure(
        _ command: String,
        _ arguments: [String],
        _ status: String,
        _ output: String
    ) -> BuildError {
        let lines = output.split(whereSeparator: \.isNewline)
        let telling = lines.filter { !$0.hasPrefix("W:") && !$0.hasPrefix("WARNING") && !$0.hasPrefix("I:") }
        let error = Self.telling.lazy.compactMap { word in telling.first { $0.hasPrefix(word) } }.first ?? telling.last
        if output.contains("No space left on device") || output.contains("Disk quota exceeded") {
            return .diskFull("run \(command)")
        }
        let line = ([command] + arguments).joined(separator: " ").prefix(longestCommand)
        let last = error.map { String($0.prefix(400)) } ?? status
        return BuildError(.files, "\(command) failed: \(last)", remedy: "run it by hand to see more: \(line)")
    }
}
