import ArgumentParser
import EngineClient
import Foundation
import HostModel

struct BootCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look for what would keep machines from booting, before the first one is switched on.",
        discussion: """
            Looks at what the boot servers said last, and at the events of the last two hours: a boot server that is silent, \
            missing loaders, a pool that is nearly full, another DHCP server, addresses of the pool that others have. Exit 1 \
            when there is something to do.
            """
    )

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    /// Events that are read for it.
    private static let eventsMax = 200

    func run() async throws {
        try await options.withSession { session in
            let services = try await session.bootServices()
            let servers = try await session.bootServers()
            let failures = EventSelection(search: "type=20001 and time>2h", max: Self.eventsMax)
            let events = try await session.events(failures).map { $0.description }
            let now = Int64(Date.now.timeIntervalSince1970)
            let findings = bootFindings(services, servers, failures: events, now: now)
            output.show(findings, as: findingTable(findings))
            guard findings.isEmpty else { throw ExitCode(ExitStatus.failed.rawValue) }
        }
    }
}

/// Something that keeps machines from booting, and what to do.
struct BootFinding: Hashable, Codable {
    var what: String
    var remedy: String
}

/// A boot server speaks every ten seconds.
private let silenceMax: Int64 = 60
/// Parts of a hundred.
private let poolUseMax = 90

/// `failures`: sentences of failed boots, the newest first. `now`: seconds since 1970.
func bootFindings(
    _ services: [BootServiceResource],
    _ servers: [BootServerResource] = [],
    failures: [String],
    now: Int64
) -> [BootFinding] {
    guard !services.isEmpty || !servers.isEmpty else {
        return [
            BootFinding(
                what: "no boot server has said how it is",
                remedy: "give --boot-interface and --boot-address to muster-engine serve; before its first start, "
                    + "`muster-boot check` on that machine says what stands in its way"
            )
        ]
    }
    var findings = services.flatMap { statusFindings($0, now: now) } + serverFindings(servers, services)
    let signs = [
        ("another DHCP server", "stop one of the two, or run muster-engine serve with --boot-dhcp proxy"),
        (
            "of the pool, but not from here",
            "give that machine an address outside of the pool, or make the pool smaller"
        ),
        ("the pool has none left", "give a larger --boot-pool"),
        (
            "went no further",
            "see its last sentence; `muster boot events` shows each step of the boot"
        ),
        ("loaded its loader", "see docs/boot.md, section 1, and the firmware's Secure Boot"),
    ]
    for (sign, remedy) in signs {
        guard let sentence = failures.first(where: { $0.contains(sign) }) else { continue }
        findings.append(BootFinding(what: sentence, remedy: remedy))
    }
    return findings
}

/// Boot servers on other segments that say nothing, or wait for a person.
private func serverFindings(
    _ servers: [BootServerResource],
    _ services: [BootServiceResource]
) -> [BootFinding] {
    servers.compactMap { server in
        switch server.status {
        case "waiting":
            BootFinding(
                what: "the boot server \(server.name) at \(server.address) waits for approval",
                remedy: "compare the code in its log: `muster boot approve \(server.name) --code CODE`"
            )
        case "approved" where !services.contains { $0.server == server.name }:
            BootFinding(
                what: "the boot server \(server.name) has been silent since \(server.last_heard ?? "its approval")",
                remedy: "look into its log, and run `muster-boot check` there with its options"
            )
        default: nil
        }
    }
}

private func statusFindings(_ service: BootServiceResource, now: Int64) -> [BootFinding] {
    let status = service.status
    let place = service.server.map { "\($0), on \(status.interface)," } ?? "on \(status.interface)"
    var findings: [BootFinding] = []
    if let last = LocalTime.seconds(service.reported), now - last > silenceMax {
        findings.append(
            BootFinding(
                what: "the boot server \(place) has been silent for \(now - last) s",
                remedy: "look into the log of muster-engine for muster-boot's last words"
            )
        )
    }
    if !status.missing_loaders.isEmpty {
        findings.append(
            BootFinding(
                what: "the boot server \(place) has no \(status.missing_loaders.joined(separator: ", "))",
                remedy: "install Debian's package ipxe on its machine, or set --boot-loader-directory"
            )
        )
    }
    for network in status.networks where Double(network.in_use) * 100 > Double(network.pool_size) * Double(poolUseMax) {
        findings.append(
            BootFinding(
                what: "\(network.in_use) of the \(network.pool_size) addresses \(network.pool) are in use",
                remedy: "give a larger --boot-pool"
            )
        )
    }
    return findings
}

/// `muster boot check`.
func findingTable(_ findings: [BootFinding]) -> Table {
    Table(
        header: ["FOUND", "TRY"],
        rows: findings.map { [Cell($0.what, .bad), Cell($0.remedy)] },
        isLastOpen: true,
        ifEmpty: "Nothing was found that keeps machines from booting."
    )
}
