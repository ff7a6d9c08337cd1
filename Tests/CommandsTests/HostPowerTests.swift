import HostModel
import Testing

@testable import Commands

/// What a person sees of a host's power, as far as no board is needed.
@Suite struct HostPowerTests {
    @Test("F28: host show says that a board failed and what to do; a host without power management shows nothing of it")
    func shown() async throws {
        var managed = Samples.up
        managed.power_management = PowerManagementResource()
        managed.power_management?.enabled = true
        managed.power_management?.pm_proxies = PowerManagementResource.Proxies(["engine", "cluster"])
        managed.power_management?.fault = "The board took the order and did nothing.\u{1b}[2J"
        managed.power_management?.remedy = "Look at the machine."
        let host = managed
        try await FakeEngine.loggedIn(hosts: [host]) { program, _ in
            let output = try await program.run(["host", "show", host.name]).output
            #expect(output.contains("managed, its board is told by engine, cluster"), "\(output)")
            #expect(output.contains("took the order and did nothing") && output.contains("Look at the machine."))
            #expect(!output.contains("\u{1b}[2J"), "what came from a machine drives no terminal")
        }
        var plain = Samples.up
        plain.power_management = PowerManagementResource()
        plain.power_management?.enabled = false
        let other = plain
        try await FakeEngine.loggedIn(hosts: [other]) { program, _ in
            let output = try await program.run(["host", "show", other.name]).output
            #expect(!output.contains("Power"), "\(output)")
        }
    }
}
