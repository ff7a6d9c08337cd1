import Glibc
import HostConversion
import HostModel
import Synchronization
import Testing

/// A Debian 12 server becomes a node and goes back, for real: systemd, sshd, dpkg, openssl and the agent as released. The
/// repository's packages are the test's own. Takes root.
@Suite(.serialized) struct ConversionTests {
    @Test("a Debian 12 server becomes a node, again does nothing, and goes back equal by hash")
    func convertsDebian() async throws { try await convertAndUndo(try await ConversionBed()) }

    @Test(
        "an EL-like server becomes a node by dnf and goes back by rpm, equal by hash",
        .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil)
    )
    func convertsEnterpriseLinux() async throws {
        let bed = try await ConversionBed.enterpriseLinux()
        let connection = try await SSHConnection.open(try bed.server.target())
        let facts = try await ServerInspection(connection).facts(for: try await ServerInspectionTests.request())
        await connection.close()
        #expect(facts.distribution?.family == .rpm && facts.packages == ["muster-test-system"])
        try await convertAndUndo(bed)
    }

    @Test(
        "with libvirt, qemu and the other packages of a node as Debian has them, there and back",
        .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil)
    )
    func convertsWithRealPackages() async throws {
        let bed = try await ConversionBed.realPackages()
        try await convertAndUndo(bed)
    }

    private func convertAndUndo(_ bed: ConversionBed) async throws {
        let before = try await bed.state()
        let events = EventList()
        try await bed.conversion(events).run()
        let steps = try await bed.plan().steps.map(\.id)
        for step in steps + [.certificate] {
            #expect(events.kinds(step) == [.began, .finished], "\(step)")
        }
        try await Self.checkNode(bed)

        let again = EventList()
        try await bed.conversion(again).run()
        for step in steps + [.certificate] { #expect(again.kinds(step) == [.began, .already], "\(step)") }

        let report = try await bed.undo()
        #expect(report.isExact, "\(report.text)")
        let difference = Self.difference(before, try await bed.state())
        #expect(difference.isEmpty, "\(difference)")
        #expect(try await bed.undo().isExact, "a server that is none has nothing to take back")
    }

    /// What a node is, by other means.
    static func checkNode(_ bed: ConversionBed) async throws {
        let server = bed.server
        #expect(try await server.shell("id -u vdsm; getent group kvm | cut -d: -f3") == "36\n36\n")
        #expect(try await server.shell("stat -c '%a %u:%g' /var/lib/muster-agent/key.pem") == "640 0:36\n")
        #expect(
            try await server.shell("systemctl is-enabled muster-serve muster-apply muster-register libvirtd")
                == "enabled\nenabled\nenabled\nenabled\n"
        )
        #expect(try await server.shell("cat /var/lib/muster-agent/host-id") == "\(bed.authority.host)\n")
        // The agent answers with the certificate that the CA signed for the key of this server.
        let said = try await server.shell(
            """
            timeout 60 sh -c 'until openssl s_client -connect 127.0.0.1:54321 -CAfile /var/lib/muster-agent/ca.pem < /dev/null 2>&1 |
                grep "Verify return code: 0"; do sleep 0.2; done'
            """
        )
        #expect(said.contains("Verify return code: 0 (ok)"))
    }

    static func difference(_ before: String, _ after: String) -> String {
        let (old, new) = (Set(before.split(separator: "\n")), Set(after.split(separator: "\n")))
        return (old.subtracting(new).map { "- \($0)" } + new.subtracting(old).map { "+ \($0)" }).sorted().prefix(40)
            .joined(separator: "\n")
    }
}
