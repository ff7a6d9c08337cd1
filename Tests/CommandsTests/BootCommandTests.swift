import HostModel
import Synchronization
import Testing

@testable import Commands

/// `muster boot` as the built program.
@Suite struct BootCommandTests {
    @Test func shows() async throws {
        try await FakeEngine.loggedIn { program, engine in
            let status = try await program.run(["boot", "status"])
            #expect(
                status.exit == 0 && status.output.contains("10.77.0.10-10.77.0.19  1/10    snponly.efi"),
                "\(status)"
            )
            let leases = try await program.run(["boot", "lease", "list", "--no-headers"])
            #expect(leases.output.hasPrefix("10.77.0.12  52:54:00:00:00:01  bound  "), "\(leases)")
            let told = try await program.run(["boot", "explain", "--mac", "52:54:00:00:00:01", "--arch", "bios"])
            #expect(told.output.contains("Step 1") && told.output.contains("arch=bios"), "\(told)")
            #expect(try await program.run(["boot", "explain", "--mac", "nonsense"]).exit == 64)
            let events = try await program.run(["boot", "events", "--max", "7"])
            #expect(events.exit == 0, "\(events)")
            let asked = engine.state.withLock { $0.calls.last { $0.contains("/events?") } }
            #expect(asked?.contains("max=7&search=type%3D20000") == true, "\(asked ?? "")")
        }
    }

    static let services: BootServiceCollection = {
        guard let network = IPv4Network("10.77.0.1/24"), let mac = MACAddress("52:54:00:00:00:01"),
            let address = IPv4Address("10.77.0.12")
        else { return BootServiceCollection([]) }
        var status = BootStatus(interface: "br0", address: network, dhcp: "full", http_port: 80)
        status.networks = [.init(network: network, pool: "10.77.0.10-10.77.0.19", pool_size: 10, in_use: 1)]
        status.leases = [.init(address: address, mac: mac, state: "bound", expires: 1_795_400_000)]
        status.missing_loaders = ["snponly.efi"]
        return BootServiceCollection([BootServiceResource(status: status, reported: "2026-11-26T20:00:00.000Z")])
    }()

    static func explanation(_ query: String) -> BootExplanation? {
        MACAddress("52:54:00:00:00:01").map {
            BootExplanation(
                mac: $0,
                host: nil,
                profile: "default",
                mode: "run",
                image: nil,
                reason: "a test",
                steps: ["first of \(query)"]
            )
        }
    }
}
