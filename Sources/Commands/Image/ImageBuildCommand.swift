import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import SystemPackage

struct ImageBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build a node image from its definition.",
        discussion: """
            Makes NAME/VERSION with kernel, initramfs and manifest below the output folder, and NAME/current, which names
            the newest version. The same inputs and the same key give the same version. Needs no engine and no root.

            The manifest is signed with the image key (muster image key), whose certificate goes into the initramfs. The first \
            build of a user who has none makes one and says so; --no-sign builds without.
            """
    )

    @Argument(help: "The definition, such as images/node-minimal.yaml.", completion: .file(extensions: ["yaml"]))
    var file: String

    @Option(help: ArgumentHelp("Where built images go.", valueName: "folder"), completion: .directory)
    var output = BuiltImageFolder.defaultDirectory

    @Option(
        help: ArgumentHelp(
            "Where packages and stages are kept between builds (default: $XDG_CACHE_HOME/muster/images).",
            valueName: "folder"
        ),
        completion: .directory
    )
    var cacheDirectory: String?

    @Option(
        help: ArgumentHelp(
            "The static agent to put in (default: .build-agent/muster-agent, then /usr/lib/muster/muster-agent).",
            valueName: "file"
        ),
        completion: .file()
    )
    var agent: String?

    @OptionGroup var signing: ImageSigningOptions

    @Option(help: "How the result is written.")
    var format = OutputFormat.table

    private struct Summary: Encodable {
        var directory: String
        var unchanged: Bool
        var manifest: ImageManifest
    }

    func run() async throws {
        let build = ImageBuild(
            definition: FilePath(file),
            outputDirectory: FilePath(output),
            cacheDirectory: try Self.cache(cacheDirectory, environment: ProcessInfo.processInfo.environment),
            agent: Self.agent(agent),
            signer: try signing.signer()
        )
        let built: BuiltImage
        do {
            built = try await build.run { Terminal.complain(terminalEscaped($0.description) + "\n") }
        } catch let error as BuildError {
            throw UserError(error)
        }
        let manifest = built.manifest
        let summary = Summary(directory: built.directory.string, unchanged: built.isUnchanged, manifest: manifest)
        let size = mebibytes(manifest.files.reduce(0) { $0 + $1.size })
        let state = built.isUnchanged ? "is unchanged" : "is built"
        let words = "\(manifest.name)@\(manifest.version) \(state): \(size) in \(built.directory)"
        Terminal.show(format.render(summary, as: Sentence(words: words), .current))
    }

    static func cache(_ option: String?, environment: [String: String]) throws(UserError) -> FilePath {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let option { return FilePath(option) }
        guard let base = value("XDG_CACHE_HOME") ?? value("HOME").map({ $0 + "/.cache" }) else {
            throw UserError(
                .configuration,
                "there is no place for the cache: neither HOME nor XDG_CACHE_HOME is set",
                remedy: "name a folder with --cache-directory"
            )
        }
        return FilePath(base).appending("muster").appending("images")
    }

    /// The named agent, or the first of the usual ones that is there.
    private static func agent(_ option: String?) -> FilePath? {
        if let option { return FilePath(option) }
        return [".build-agent/muster-agent", "/usr/lib/muster/muster-agent"]
            .first { FileManager.default.isExecutableFile(atPath: $0) }
            .map { FilePath($0) }
    }
}

extension UserError {
    init(_ error: BuildError) {
        self.init(Self.exit(error.kind), terminalEscaped(error.message), remedy: terminalEscaped(error.remedy))
    }

    private static func exit(_ kind: BuildError.Kind) -> ExitStatus {
        switch kind {
        case .definition, .files, .image: .badData
        case .missingTool, .packages: .unavailable
        case .diskFull, .busy: .tryAgain
        case .result, .signing: .failed
        }
    }
}
