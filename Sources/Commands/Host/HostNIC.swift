import ArgumentParser
import EngineClient
import HostModel

/// `muster host nic HOST …`.
struct HostNIC: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nic",
        abstract: "The NICs of a host, and their virtual functions (SR-IOV).",
        usage: "muster host nic <host> list|set <nic> --functions <number>",
        subcommands: [HostNICList.self, HostNICSet.self]
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String
}

struct HostNICList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the NICs, how many virtual functions they have, and how many they can have.",
        usage: "muster host nic <host> list [-o table|json|yaml]",
        aliases: ["ls"]
    )

    @ParentCommand var parent: HostNIC
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reported = try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            return try await session.capabilities(of: found.id, as: ReportedNetworks.self)
        }
        output.show(reported.nics, as: reported.functionTable)
    }
}

struct HostNICSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Give a NIC so many virtual functions, for the host's next starts too.",
        usage: "muster host nic <host> set <nic> --functions <number>",
        discussion: """
            Refused while a network, a bond or a guest has one of the functions that are there: all of them go before the new \
            ones come.
            """
    )

    @ParentCommand var parent: HostNIC

    @Argument(help: "The NIC.")
    var nic: String

    @Option(help: "How many; 0 takes them away.")
    var functions: Int

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...OwnedNetworks.virtualFunctionsMax).contains(functions) else {
            throw ValidationError(
                "--functions takes 0 to \(OwnedNetworks.virtualFunctionsMax); `list` shows the card's most."
            )
        }
    }

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(parent.host)
            try await session.setVirtualFunctions(functions, of: nic, on: found.id)
            output.show(found, as: Sentence(words: "\(nic) of \(found.name) has \(functions) virtual functions"))
        }
    }
}
