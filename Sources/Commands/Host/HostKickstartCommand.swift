import ArgumentParser
import EngineClient
import HostModel

/// `muster host kickstart`: the disks and the network with which a host is installed.
struct HostKickstartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kickstart",
        abstract: "The disks and the network with which a host is installed.",
        subcommands: [HostKickstartShow.self, HostKickstartSet.self, HostKickstartRemove.self]
    )
}

struct HostKickstartShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show them.")

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try await options.withSession { session in
            try await session.hostKickstart(try await session.findHost(host).id)
        }
        output.show(settings, as: hostKickstartDetails(settings))
    }
}

struct HostKickstartSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set them from a YAML file.",
        discussion: "A disk is named by its link under /dev/disk/by-id, which holds its WWN or serial number. "
            + "A disk that holds data stops the installation, unless the file says `wipe: true`. See docs/kickstart.md."
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Argument(help: "A YAML or JSON file.", completion: .file())
    var file: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = try SettingsDocument.read(HostKickstart.self, from: file)
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.setHostKickstart(found.id, settings)
            let disks = settings.storage.disks.map(\.rawValue).joined(separator: ", ")
            let what = settings.storage.wipe ? "loses what is on" : "is installed on, if empty,"
            output.show(settings, as: Sentence(words: "\(found.name) \(what) \(disks) when a kickstart installs it"))
        }
    }
}

struct HostKickstartRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove them: the host is not installed any more.",
        aliases: ["rm"]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.removeHostKickstart(found.id)
            output.show(found, as: Sentence(words: "no kickstart installs \(found.name) any more"))
        }
    }
}

/// `muster host kickstart show`.
func hostKickstartDetails(_ settings: HostKickstart) -> Details {
    let (storage, network) = (settings.storage, settings.network ?? InstallNetwork())
    let link = network.bond.map {
        "\($0.name) over \($0.links.map(\.rawValue).joined(separator: ", ")), \($0.mode.rawValue)"
    }
    return Details(fields: [
        ("Disks", Cell(storage.disks.map(\.rawValue).joined(separator: " "))),
        ("Wipe", Cell(storage.wipe ? "yes" : "no")),
        ("RAID", Cell(storage.raid.map { "\($0.rawValue)" } ?? "none")),
        ("Layout", Cell(storage.layout.rawValue)),
        ("Network", Cell(link ?? network.link?.description ?? "the interface that it boots from")),
        ("VLAN", Cell(network.vlan.map { "\($0)" } ?? "none")),
        ("Address", Cell(network.address?.description ?? "DHCP")),
        ("Gateway", Cell(network.gateway?.description)),
        ("Name servers", Cell(network.nameservers.map(\.description).joined(separator: " "))),
    ])
}
