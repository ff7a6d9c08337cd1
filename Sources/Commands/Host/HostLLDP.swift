import ArgumentParser
import EngineClient
import HostModel

struct HostLLDP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lldp",
        abstract: "Show which switch port each NIC of a host is plugged into, as the switches say by LLDP.",
        discussion: """
            The host listens and sends nothing. A switch speaks every 30 s or so, so a host that has just started may not have \
            heard it yet. `-o json` has everything that they say.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let nics = try await session.neighbours(of: found.id)
            output.show(nics, as: lldpTable(nics))
        }
    }
}

/// `muster host lldp`.
func lldpTable(_ nics: [String: LLDPReport]) -> Table {
    let rows = nics.sorted { $0.key < $1.key }.map { name, report in
        func say(_ type: Int, _ property: String) -> String? {
            report.tlvs.first { $0.type == type && $0.properties[property] != nil }?.properties[property]?.raw
        }
        let system = say(5, "system name") ?? say(1, "chassis ID")
        return [
            Cell(name), report.tlvs.isEmpty ? Cell("not heard", .waiting) : Cell(system), Cell(say(2, "port ID")),
            Cell(say(4, "port description")), Cell(say(127, "Port VLAN ID")), Cell(say(127, "mtu")),
            Cell(say(8, "management address")),
        ]
    }
    return Table(
        header: ["NIC", "SWITCH", "PORT", "DESCRIPTION", "VLAN", "MTU", "ADDRESS"],
        rows: rows,
        isLastOpen: true,
        ifEmpty: "The host has no NIC."
    )
}
