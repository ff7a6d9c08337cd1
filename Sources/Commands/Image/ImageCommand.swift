import ArgumentParser

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Node images: build, publish, activate.",
        subcommands: [ImageBuildCommand.self, ImagePublish.self, ImageList.self, ImageActivate.self]
    )
}
