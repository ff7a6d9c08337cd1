import ArgumentParser
import EngineClient
import HostModel

struct ImageActivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Choose the version that machines boot.",
        discussion: "Without a version: the one that was published last."
    )

    @Argument(help: "NAME or NAME@VERSION.", completion: .images)
    var image: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let wanted = ImageReference(image) else {
            throw UserError(
                .badData,
                "\(terminalEscaped(image)) is no name of an image",
                remedy: "NAME or NAME@VERSION, as muster image list shows them"
            )
        }
        try await options.withSession { session in
            let images = try await session.images()
            let version = try wanted.version ?? Self.latest(of: wanted.name, among: images)
            try await session.activate(image: wanted.name, version: version)
            let now = try await session.images().first { $0.name == wanted.name && $0.version == version }
            output.show(now, as: Sentence(words: "\(wanted.name)@\(version) is active"))
        }
    }

    /// Times of the wire sort as text.
    static func latest(of name: String, among images: [NodeImageResource]) throws(UserError) -> String {
        let published = images.filter { $0.name == name && $0.state == "published" }
        guard let latest = published.max(by: { $0.created < $1.created }) else {
            throw UserError(.badData, "no version of \(name) is published", remedy: "muster image publish \(name)")
        }
        return latest.version
    }
}
