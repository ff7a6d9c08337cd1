import HostModel
import Synchronization
import Testing

@testable import Commands

/// `muster boot` as the built program.
@Suite struct BootCommandTests {
    @Test func shows() async throws {
        try await FakeEngine.loggedIn { program, engine in
            let status = try await program.run(["boot", "status"])
            for row in [
                "10.77.0.1/24   full  10.77.0.10-10.77.0.19  1/10    80    8443   snponly.efi",
                "fd00:77::1/64  full  fd00:77::/64           -       80    8443   snponly.efi",
                "fd00:77::1/64  full  fd00:78::/64           -       80    8443   snponly.efi",
            ] { #expect(status.exit == 0 && status.output.contains(row), "\(status)") }
            let line = "http  node-minimal/0123456789ab/root.squashfs  25% of 200.0 MB  20.0"
            #expect(status.output.contains(line), "\(status)")
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

    @Test("check finds what keeps machines from booting, and says what to do")
    func finds() {
        func found(_ failures: [String] = [], later: Int64 = 0) -> [String] {
            let said: Int64 = 1_795_723_200
            let services = Self.services.boot_service ?? []
            return bootFindings(services, failures: failures, now: said + later).map(\.what)
        }
        #expect(bootFindings([], failures: [], now: 0).map(\.what) == ["no boot server has said how it is"])
        #expect(found() == ["the boot server on br0 has no snponly.efi"])
        #expect(found(later: 61).first == "the boot server on br0 has been silent for 61 s")
        let other = "Machine 52:54:00:00:00:09: another DHCP server, 10.77.0.53, answers on br0: stop it"
        #expect(found(["else", other, other]).dropFirst() == [other])
    }

    @Test("check ends with 1 when there is something to do")
    func checks() async throws {
        try await FakeEngine.loggedIn { program, _ in
            let result = try await program.run(["boot", "check"])
            #expect(result.exit == 1 && result.output.contains("has no snponly.efi"), "\(result)")
        }
    }

    @Test("boot servers on other segments are listed, approved, denied and removed; silent ones are in the status")
    func servers() async throws {
        try await FakeEngine.loggedIn { program, engine in
            let list = try await program.run(["boot", "server", "list", "--no-headers"])
            #expect(list.output.contains("rack-7  waiting   192.0.2.7"), "\(list)")
            #expect(list.output.contains("rack-8  approved  192.0.2.8"), "\(list)")
            let approved = try await program.run(["boot", "approve", "rack-7", "--code", "0000-0000-0"])
            #expect(approved.output.contains("rack-7 is"), "\(approved)")
            #expect(try await program.run(["boot", "approve", "rack-7", "--code", "0000-0001-0"]).exit == 65)
            #expect(try await program.run(["boot", "deny", "rack-7"]).exit == 0)
            #expect(try await program.run(["boot", "remove", "rack-7"]).exit == 0)
            let calls = engine.state.withLock { $0.calls }
            for path in ["rack-7/approve", "\(Self.servers[0].id)/deny", "DELETE /ovirt-engine/api/bootservers/"] {
                #expect(calls.contains { $0.contains(path) }, "\(path) of \(calls)")
            }
            let status = try await program.run(["boot", "status"])
            #expect(status.output.contains("rack-8") && !status.output.contains("rack-7"), "\(status)")
        }
        let found = bootFindings([], Self.servers, failures: [], now: 0).map(\.what)
        #expect(found.count == 2 && found[0].contains("rack-7") && found[1].contains("silent since 2026"), "\(found)")
    }

    static let servers: [BootServerResource] = [("rack-7", "waiting", 7), ("rack-8", "approved", 8)].map {
        var server = BootServerResource(
            id: "00000000-0000-4000-8000-00000000000\($2)",
            name: $0,
            status: $1,
            address: "192.0.2.\($2)",
            key_fingerprint: "SHA256:abc",
            created: "2026-11-26T20:00:00.000Z"
        )
        if $1 == "approved" { server.last_heard = "2026-11-26T20:00:00.000Z" }
        return server
    }

    static let services: BootServiceCollection = {
        guard let network = IPv4Network("10.77.0.1/24"), let mac = MACAddress("52:54:00:00:00:01"),
            let address = IPv4Address("10.77.0.12")
        else { return BootServiceCollection([]) }
        var status = BootStatus(interface: "br0", address: network, dhcp: "full", http_port: 80)
        status.networks = [.init(network: network, pool: "10.77.0.10-10.77.0.19", pool_size: 10, in_use: 1)]
        status.leases = [.init(address: address, mac: mac, state: "bound", expires: 1_795_400_000)]
        status.missing_loaders = ["snponly.efi"]
        status.https_port = 8443
        status.address6 = IPv6Network("fd00:77::1/64")
        (status.dhcp6, status.networks6) = (
            "full", [IPv6Network("fd00:77::/64"), IPv6Network("fd00:78::/64")].compactMap(\.self)
        )
        status.transfers = [
            .init(
                address: .v4(address),
                mac: mac,
                file: "node-minimal/0123456789ab/root.squashfs",
                way: "http",
                bytes: 50_000_000,
                size: 200_000_000,
                milliseconds: 2500
            )
        ]
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
