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
            Makes NAME/VERSION with kernel, initramfs, root image and manifest below the output folder, and NAME/current,
            which names the newest version. The same inputs and the same key give the same version. Needs no engine; needs
            root only for an image whose base is a distribution. What is finished is kept: an interrupted build goes on where
            it was.

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

    @Flag(help: "Pack the root image with zstd-3: quicker to build, larger.")
    var fast = false

    @Option(help: ArgumentHelp("How progress is shown: auto, lines, json, none.", valueName: "style"))
    var progress = ProgressStyle.auto
    @Option(
        help: ArgumentHelp(
            "Where the menu of boot media is (default: pxe in a checkout, else /usr/share/muster/pxe).",
            valueName: "folder"
        ),
        completion: .directory
    )
    var pxeDirectory: String?
    @OptionGroup var signing: ImageSigningOptions

    @Option(help: "How the result is written.")
    var format = OutputFormat.table

    private struct Summary: Encodable {
        var directory: String
        var unchanged: Bool
        var manifest: ImageManifest
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var build = ImageBuild(
            definition: FilePath(file),
            outputDirectory: FilePath(output),
            cacheDirectory: try Self.cache(cacheDirectory, environment: environment),
            agent: Self.agent(agent),
            signer: try signing.signer()
        )
        build.menuTemplate = Self.menuTemplate(pxeDirectory)
        build.isFast = fast
        build.sourceDateEpoch = environment["SOURCE_DATE_EPOCH"]
        let meter = BuildMeter(progress, isTerminal: Terminal.isErrorTerminal, width: Terminal.errorWidth) {
            Terminal.complain($0)
        }
        let built: BuiltImage
        do {
            built = try await untilInterrupted { [build] in try await build.run { meter.report($0) } }
        } catch let error as BuildError {
            meter.end()
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

    private static func menuTemplate(_ option: String?) -> FilePath? {
        (option.map { [$0] } ?? ["pxe", "/usr/share/muster/pxe"])
            .map { FilePath($0).appending(ImageBuild.menuTemplateName) }
            .first { FileManager.default.isReadableFile(atPath: $0.string) }
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
        case .result, .interrupted, .signing: .failed
        case .privilege: .noPermission
        }
    }
}
