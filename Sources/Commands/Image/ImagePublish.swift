import ArgumentParser
import EngineClient
import HostModel

struct ImagePublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Send a built image to the engine.",
        discussion: """
            An upload that was interrupted goes on where it ended. The engine checks sizes and SHA-256 before it offers the
            version; the first version of a name becomes the active one, later ones by muster image activate.
            """
    )

    @Argument(help: "The image's name, or its folder.", completion: .directory)
    var image: String

    @Option(help: ArgumentHelp("Where built images lie.", valueName: "folder"), completion: .directory)
    var directory = BuiltImageFolder.defaultDirectory

    @Flag(help: "Make it the active version at once.")
    var activate = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let folder = try BuiltImageFolder.find(image, in: directory)
        let manifest = folder.manifest
        try await options.withSession { session in
            let before = try await session.image(manifest)
            try await upload(folder, to: session, onlyDescriptions: before?.state == "published")
            if activate { try await session.activate(image: manifest.name, version: manifest.version) }
            let after = try await session.image(manifest)
            let verb = before?.state == "published" ? "was published before" : "is published"
            let words = "\(manifest.name)@\(manifest.version) \(verb)\(after?.active == true ? " and active" : "")"
            output.show(after, as: Sentence(words: words))
        }
    }

    /// A published version's files never change; a new key may have signed its manifest since.
    private func upload(
        _ folder: BuiltImageFolder,
        to session: EngineSession,
        onlyDescriptions: Bool
    ) async throws {
        let meter = UploadMeter(isLive: Terminal.isErrorTerminal) { Terminal.complain($0) }
        let upload = ImageUpload(
            folder.manifest,
            to: session,
            descriptions: try folder.descriptions(),
            reading: { try folder.read($0, at: $1, count: $2) },
            report: { meter.report($0) }
        )
        if onlyDescriptions { try await upload.sendDescriptions() } else { try await upload.run() }
    }
}

extension EngineSession {
    /// What the engine has of this version.
    fileprivate func image(_ manifest: ImageManifest) async throws(CallError) -> NodeImageResource? {
        try await images().first { $0.name == manifest.name && $0.version == manifest.version }
    }
}
