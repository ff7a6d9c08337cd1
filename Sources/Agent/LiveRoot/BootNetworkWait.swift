import HostModel

/// Waits for `boot-network`, which runs beside, and says what that waits for: the carrier of which interface, DHCP.
struct BootNetworkWait: Sendable {
    let run: NodeDirectory
    let seconds: Int
    let say: @Sendable (String) -> Void

    private static let pause = Duration.milliseconds(250)

    /// Returns when an interface has an address, or when the time is over: then the first request says what is wrong.
    func wait() async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var told: BootNetworkReport?
        while ContinuousClock.now < deadline {
            let report = run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
            if let report, report != told {
                say("network: \(Self.sentence(report))")
                told = report
            }
            if hasAddress { return }
            try await Task.sleep(for: Self.pause)
        }
        say("network: no interface has an address after \(seconds) s; trying all the same")
    }

    private var hasAddress: Bool {
        LinkInventory().links().contains { $0.name.rawValue != "lo" && !$0.addresses.isEmpty }
    }

    static func sentence(_ report: BootNetworkReport) -> String {
        let links = report.links.map(\.rawValue).joined(separator: ", ")
        let detail = report.detail.map { ": " + terminalEscaped($0) } ?? ""
        return switch report.stage {
        case .waiting: "waiting\(detail)"
        case .configuring: "asking for an address on \(links)\(detail)"
        case .done: "\(links) is up\(detail)"
        case .failed: "no address yet on \(links.isEmpty ? "any interface" : links)\(detail)"
        }
    }
}
