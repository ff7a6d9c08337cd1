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
            let failures = EventSelection(search: "type=20001 and time>2h", max: Self.eventsMax)
            let events = try await session.events(failures).map { $0.description }
            let findings = bootFindings(services, failures: events, now: Int64(Date.now.timeIntervalSince1970))
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
func bootFindings(_ services: [BootServiceResource], failures: [String], now: Int64) -> [BootFinding] {
    guard !services.isEmpty else {
        return [
            BootFinding(
                what: "no boot server has said how it is",
                remedy: "give --boot-interface and --boot-address to muster-engine serve; before its first start, "
                    + "`muster-boot check` on that machine says what stands in its way"
            )
        ]
    }
    var findings = services.flatMap { statusFindings($0, now: now) }
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

private func statusFindings(_ service: BootServiceResource, now: Int64) -> [BootFinding] {
    let status = service.status
    var findings: [BootFinding] = []
    if let last = LocalTime.seconds(service.reported), now - last > silenceMax {
        findings.append(
            BootFinding(
                what: "the boot server on \(status.interface) has been silent for \(now - last) s",
                remedy: "look into the log of muster-engine for muster-boot's last words"
            )
        )
    }
    if !status.missing_loaders.isEmpty {
        findings.append(
            BootFinding(
                what: "the boot server on \(status.interface) has no \(status.missing_loaders.joined(separator: ", "))",
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
