import ArgumentParser

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Work that the engine does for hosts.",
        subcommands: [JobList.self, JobShow.self, JobAbort.self]
    )
}
