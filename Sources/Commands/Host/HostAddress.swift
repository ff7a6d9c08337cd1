import ArgumentParser
import EngineClient
import HostModel

struct HostAddress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "address",
        abstract: "Fix the address that a host is given at its boots.",
        discussion: """
            It counts from the host's next boot on; a lease that runs is left alone. The address must be of the network \
            that the boot server serves, inside or outside of its pool. An approved host keeps the address that it has \
            without this.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Argument(help: "The IPv4 address.")
    var address: String?

    @Flag(help: "Fix none any more.")
    var release = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (address == nil) == release else { throw ValidationError("Name an address, or give --release.") }
        if let address, IPv4Address(address) == nil { throw ValidationError("\(address) is no IPv4 address.") }
    }

    func run() async throws {
        let wanted = address.flatMap { IPv4Address($0) }
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.setFixedAddress(found.id, wanted)
            let host = try await session.host(found.id)
            let sentence =
                wanted.map { "gets the address \($0) from its next boot on" } ?? "has no fixed address any more"
            output.show(host, as: Sentence(words: "\(host.name) \(sentence)"))
        }
    }
}
