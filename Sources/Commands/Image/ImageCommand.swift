import ArgumentParser

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Node images: build, check, publish, activate.",
        subcommands: [
            ImageBuildCommand.self, ImageKeyCommand.self, ImageVerify.self, ImageInspect.self, ImageDiff.self,
            ImageRun.self, ImageEmbedCommand.self, ImagePublish.self, ImageList.self, ImageActivate.self,
        ]
    )
}
