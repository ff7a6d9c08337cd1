import ArgumentParser
import EngineClient
import HostModel

struct HostUpgrade: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Write a newer image to a host's other slot, and boot it.",
        discussion: """
            For hosts that run from their own disk (muster host install-disk). The host writes the slot that does not run, \
            reboots, and is on trial until it does its work again; an image that does not come up is given up by the host \
            itself, which then runs the former one, and the job fails and says so. No guest may run on it meanwhile.

            With --check nothing is changed; exit code 0 says that the host runs the active version, 1 that there is another.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(
        help: ArgumentHelp("NAME or NAME@VERSION; the active version of what runs unless given.", valueName: "image"),
        completion: .images
    )
    var image: String?

    @Flag(help: "Only say whether a newer version is published.")
    var check = false

    @OptionGroup var job: JobOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !check || image == nil && !job.wait else {
            throw ValidationError("--check takes neither --image nor --wait.")
        }
    }

    func run() async throws {
        let image = try image.map(imageReference)
        try await options.withSession { session in
            let found = try await session.findHost(host)
            guard !check else { return try await check(found, session) }
            let action = try await session.upgrade(found.id, to: image)
            try await session.follow(
                action,
                of: found,
                wait: job.wait,
                seconds: job.timeout,
                output,
                begun: "\(found.name) is being upgraded",
                done: "\(found.name) is up with the new image"
            )
        }
    }

    private func check(_ found: HostResource, _ session: EngineSession) async throws {
        try await session.checkUpgrade(found.id)
        let host = try await session.host(found.id)
        let runs = [host.muster.image?.name.raw, host.muster.image?.version.raw].compactMap(\.self).joined(
            separator: " "
        )
        guard let newer = host.muster.newer_version else {
            return output.show(host, as: Sentence(words: "\(host.name) runs \(runs); nothing newer is published"))
        }
        output.show(host, as: Sentence(words: "\(host.name) runs \(runs); \(newer) is published and active"))
        throw ExitCode(ExitStatus.failed.rawValue)
    }
}

struct HostRollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Boot a host with the image in its other slot.",
        discussion: """
            Only where that image is known to be good; muster host show tells both slots. Nothing is written but the choice of \
            the slot; the image is on trial as after an upgrade.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var job: JobOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let action = try await session.rollBack(found.id)
            try await session.follow(
                action,
                of: found,
                wait: job.wait,
                seconds: job.timeout,
                output,
                begun: "\(found.name) goes back to its other image",
                done: "\(found.name) is up with its former image"
            )
        }
    }
}
