import ArgumentParser
import EngineClient
import HostModel

struct BootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot",
        abstract: "The boot servers: how they are, their leases, and what a machine would boot.",
        subcommands: [
            BootStatusCommand.self, BootServerCommand.self, BootApprove.self, BootDeny.self, BootRemove.self,
            BootLeaseCommand.self, BootExplain.self, BootEvents.self, BootCheck.self,
        ]
    )
}

struct BootStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the boot servers: interfaces, modes, how full their pools are, and what is on its way to whom.",
        discussion: """
            SERVER is the name of a boot server on another segment, and SAID when it was heard last. The second table is of files \
            that machines load now; it is not there when none does.
            """
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (services, servers) = try await options.withSession { session in
            (try await session.bootServices(), try await session.bootServers())
        }
        output.show(services, as: bootStatusTable(services, servers, .current))
        guard [.table, .wide].contains(output.output),
            services.contains(where: { $0.status.transfers?.isEmpty == false })
        else { return }
        Terminal.show("\n")
        output.show(services, as: transferTable(services))
    }
}

struct BootLeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Addresses that the boot servers gave.",
        subcommands: [BootLeaseList.self]
    )
}

struct BootLeaseList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the leases, in the order of addresses.",
        discussion: "With --output json they are in the boot servers' status.",
        aliases: ["ls"]
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let services = try await options.withSession { try await $0.bootServices() }
        output.show(services, as: leaseTable(services, .current))
    }
}

struct BootExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what a machine would boot, and why, without booting it.",
        discussion: "--arch is bios, uefi-x64, uefi-x64-http, uefi-x86, uefi-arm64 or uefi-arm64-http."
    )

    @Option(help: "The hardware address of the machine's network card.", transform: Self.address)
    var mac: MACAddress

    @Option(help: "The machine's firmware.")
    var arch = "uefi-x64"

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    private static func address(_ text: String) throws -> MACAddress {
        guard let mac = MACAddress(text) else { throw ValidationError("expected aa:bb:cc:dd:ee:ff") }
        return mac
    }

    func run() async throws {
        let explanation = try await options.withSession { try await $0.explainBoot(mac, architecture: arch) }
        output.show(explanation, as: explanationDetails(explanation))
    }
}

/// `muster boot status`.
func bootStatusTable(
    _ services: [BootServiceResource],
    _ servers: [BootServerResource],
    _ style: Style
) -> Table {
    let rows = services.flatMap { service in
        let status = service.status
        let missing = status.missing_loaders.joined(separator: " ")
        return status.addressCells.map { cells in
            [Cell(service.server), Cell(status.interface)] + cells + [
                Cell("\(status.http_port)"), Cell(status.https_port.map { "\($0)" }),
                Cell(missing.isEmpty ? nil : missing, .bad), Cell(LocalTime.text(service.reported, style), .faint),
            ]
        }
    }
    // One that has said nothing since the engine's start, or for an hour.
    let silent = servers.filter { server in
        server.status == "approved" && !services.contains { $0.server == server.name }
    }
    let silentRows = silent.map { server in
        [Cell(server.name)] + Array(repeating: Cell(String?.none), count: 8)
            + [Cell(LocalTime.text(server.last_heard, style) ?? "never", .bad)]
    }
    return Table(
        header: [
            "SERVER", "INTERFACE", "ADDRESS", "DHCP", "POOL", "IN USE", "HTTP", "HTTPS", "MISSING LOADERS", "SAID",
        ],
        rows: rows + silentRows,
        isLastOpen: true,
        ifEmpty: "No boot server has said how it is. One says it every ten seconds."
    )
}

extension BootStatus {
    /// Address, what DHCP does there, the addresses that are given and how many of them are taken: for each network, those of
    /// IPv6 last. Theirs are computed, so that there is nothing to count.
    fileprivate var addressCells: [[Cell]] {
        let pools = networks.isEmpty ? [nil] : networks.map(Optional.some)
        let rows = pools.map { pool in
            [Cell("\(address)"), Cell(dhcp), Cell(pool?.pool), Cell(pool.map { "\($0.in_use)/\($0.pool_size)" })]
        }
        guard let address6 else { return rows }
        let links = (dhcp6 == "full" ? networks6 : nil) ?? []
        return rows
            + (links.isEmpty ? [nil] : links.map(Optional.some)).map { link in
                [Cell("\(address6)"), Cell(dhcp6), Cell(link.map { "\($0)" }), Cell(String?.none)]
            }
    }
}

/// `muster boot status`: files on their way.
func transferTable(_ services: [BootServiceResource]) -> Table {
    let rows = services.flatMap { $0.status.transfers ?? [] }.map { transfer in
        [
            Cell(transfer.mac.map { "\($0)" }), Cell(transfer.address.map { "\($0)" }), Cell(transfer.way),
            Cell(transfer.file), Cell(transfer.progress), Cell(transfer.rate),
        ]
    }
    return Table(
        header: ["MACHINE", "ADDRESS", "BY", "FILE", "DONE", "MB/S"],
        rows: rows,
        isLastOpen: true,
        ifEmpty: "Nothing is on its way."
    )
}

extension BootStatus.Transfer {
    /// Parts of a hundred, and the size in MB.
    fileprivate var progress: String {
        let share = size > 0 ? min(bytes * 100 / size, 100) : 100
        return "\(share)% of \(Self.tenths(Double(size) / 1e6)) MB"
    }

    /// On average since its beginning.
    fileprivate var rate: String { Self.tenths(milliseconds > 0 ? Double(bytes) / Double(milliseconds) / 1000 : 0) }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// `muster boot lease list`.
func leaseTable(_ services: [BootServiceResource], _ style: Style) -> Table {
    let rows = services.flatMap(\.status.leases).map { lease in
        [
            Cell("\(lease.address)"), Cell("\(lease.mac)"), Cell(lease.state, lease.state == "bound" ? .good : .faint),
            Cell(LocalTime.text("\(lease.expires)", style), .faint),
        ]
    }
    return Table(
        header: ["ADDRESS", "MAC", "STATE", "ENDS"],
        rows: rows,
        isLastOpen: true,
        ifEmpty: "No boot server has given an address."
    )
}

/// `muster boot explain`.
func explanationDetails(_ explanation: BootExplanation) -> Details {
    var fields = [
        ("Machine", Cell("\(explanation.mac)")), ("Host", Cell(explanation.host)),
        ("Profile", Cell(explanation.profile)),
        ("Mode", Cell(explanation.mode)), ("Image", Cell(explanation.image)), ("Because", Cell(explanation.reason)),
    ]
    for (index, step) in explanation.steps.enumerated() { fields.append(("Step \(index + 1)", Cell(step))) }
    if let verified = explanation.verified { fields.append(("Verified", Cell(verified.joined(separator: "; ")))) }
    if let unverified = explanation.unverified {
        fields.append(("Not verified", Cell(unverified.joined(separator: ", "))))
    }
    return Details(fields: fields)
}
