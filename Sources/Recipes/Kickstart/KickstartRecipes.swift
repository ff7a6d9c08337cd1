package import HostModel

/// Writes the kickstart files of one boot server from the templates of the `kickstart` directory.
package struct KickstartRecipes: Sendable {
    /// The files of the `kickstart` directory.
    package enum File: String, CaseIterable, Hashable, Sendable {
        /// CentOS Stream 9 from packages; it gets the agent and registers by itself.
        case plainHost = "centos-stream-9.ks.template"
        /// A node image, unpacked by `liveimg`.
        case nodeImage = "node-image.ks.template"
        /// `%pre`: stops before anything is written where a disk is missing, is no whole disk, or holds data.
        case checkDisks = "check-disks.sh.template"
        /// `%post` of a plain host: fetches the agent, and starts it from then on.
        case installAgent = "install-agent.sh.template"
        /// `%post` of a node image: tells its agent where the engine is.
        case configureNode = "configure-node.sh.template"
        /// `%onerror` and the end of `%post`: tells the engine how it went.
        case report = "report.sh.template"

        var placeholders: Set<String> {
            switch self {
            case .plainHost: common.union(["source", "packages", "install_agent"])
            case .nodeImage: common.union(["source", "configure_node"])
            case .checkDisks: ["disks", "wipe", "report_failed"]
            case .installAgent: ["agent_url", "agent_sha", "engine_arguments"]
            case .configureNode: ["engine_arguments"]
            case .report: ["report_installed"]
            }
        }

        private var common: Set<String> {
            [
                "host", "profile", "network", "storage", "access", "time_zone", "check_disks", "report",
                "report_failed",
            ]
        }
    }

    package let server: ServerLocation
    package let engine: EngineLocation?
    private let templates: [File: KickstartTemplate]

    /// The agent's file as the boot server serves it: `/boot/muster-agent`.
    package static let agentPath = ["boot", "muster-agent"]
    /// The first component of a token's address: `/kickstart/TOKEN`, and `/kickstart/TOKEN/installed` to report.
    package static let tokenPath = "kickstart"

    /// Reads the files by `text`, which gives the text of a file of the `kickstart` directory; its error is passed on.
    package init(
        server: ServerLocation,
        engine: EngineLocation?,
        text: (_ fileName: String) throws -> String
    ) throws {
        (self.server, self.engine) = (server, engine)
        var templates: [File: KickstartTemplate] = [:]
        for file in File.allCases {
            templates[file] = try KickstartTemplate(
                name: file.rawValue,
                text: try text(file.rawValue),
                allowed: file.placeholders
            )
        }
        self.templates = templates
    }

    /// The whole file for one machine.
    package func text(for kickstart: Kickstart) throws(RecipeError) -> String {
        guard let engine else { throw .engineUnknown }
        var values = try common(kickstart)
        switch kickstart.payload {
        case .packages(let agent):
            values["source"] = try .lines(packageSource(kickstart.settings))
            values["packages"] = try .lines(kickstart.settings.packages.map { [$0.rawValue] })
            values["install_agent"] = try render(
                .installAgent,
                [
                    "agent_url": try .shell(KickstartText.url(server, path: Self.agentPath).text),
                    "agent_sha": try .shell(agent.description),
                    "engine_arguments": try .shellWords(engine.kernelArguments),
                ]
            )
            return try render(.plainHost, values).text
        case .image(let image):
            values["source"] = try .lines([imageSource(image)])
            values["configure_node"] = try render(
                .configureNode,
                ["engine_arguments": try .shellWords(engine.kernelArguments)]
            )
            return try render(.nodeImage, values).text
        }
    }

    private func common(_ kickstart: Kickstart) throws(RecipeError) -> [String: KickstartText] {
        let network = kickstart.machine.network ?? InstallNetwork()
        let storage = kickstart.machine.storage
        let failed = try report(kickstart, .failed)
        return [
            "host": .comment(kickstart.host.rawValue),
            "profile": .comment(kickstart.profile),
            "network": try .lines([KickstartNetwork(network: network, host: kickstart.host).command()]),
            "storage": try .lines(KickstartStorage(storage: storage, firmware: kickstart.firmware).commands()),
            "access": try .lines(access(kickstart.settings)),
            "time_zone": try .word(kickstart.settings.timeZone.rawValue),
            "check_disks": try render(
                .checkDisks,
                [
                    "disks": try .shellWords(storage.disks.map(\.path)),
                    "wipe": try .shell(storage.wipe ? "yes" : "no"),
                    "report_failed": failed,
                ]
            ),
            "report": try render(.report, ["report_installed": try report(kickstart, .installed)]),
            "report_failed": failed,
        ]
    }

    /// The address of a report, as a word of the shell.
    private func report(
        _ kickstart: Kickstart,
        _ outcome: InstallReport.Outcome
    ) throws(RecipeError) -> KickstartText {
        let path = [Self.tokenPath, kickstart.reportToken.description, outcome.rawValue]
        return try .shell(KickstartText.url(server, path: path).text)
    }

    private func packageSource(_ settings: KickstartSettings) -> [[String]] {
        [["url", "--url=\(settings.tree.rawValue)"]]
            + settings.repositories.map { ["repo", "--name=\($0.name)", "--baseurl=\($0.url.rawValue)", "--install"] }
    }

    private func imageSource(_ image: Kickstart.Image) throws(RecipeError) -> [String] {
        for name in [image.name, image.version, image.file] where !ImageReference.isComponent(name) {
            throw .unsafeName(value: name)
        }
        let url = KickstartText.url(server, path: ["images", image.name, image.version, image.file]).text
        return ["liveimg", "--url=\(url)", "--checksum=\(image.sha256)"]
    }

    private func access(_ settings: KickstartSettings) -> [[String]] {
        let password = settings.rootPassword.map { ["rootpw", "--iscrypted", $0.rawValue] } ?? ["rootpw", "--lock"]
        return [password] + settings.sshKeys.map { ["sshkey", "--username=root", $0.rawValue] }
    }

    private func render(_ file: File, _ values: [String: KickstartText]) throws(RecipeError) -> KickstartText {
        guard let template = templates[file] else { preconditionFailure("init loads every template") }
        return try template.render(values)
    }
}
