import HostConversion
import HostModel
import Testing

/// The facts script on a real Debian 12 server. Takes root.
@Suite(.serialized) struct ServerInspectionTests {
    static func request(_ engine: String = "127.0.0.1:22") async throws -> ConversionRequest {
        let clock = try await output(of: "date", ["+%s"]).split(separator: "\n").first.flatMap { Int64($0) } ?? 0
        return ConversionRequest(address: "10.99.0.2", engine: try #require(EngineAddress(engine)), clock: clock)
    }

    @Test("a Debian 12 server says what it is; nothing of it changes")
    func looks() async throws {
        let server = try await TestServer.boot()
        let connection = try await SSHConnection.open(try server.target())
        let sums = "find /etc -xdev -type f -exec sha256sum {} + | sort"
        let before = try await server.shell(sums)
        let facts = try await ServerInspection(connection).facts(for: try await Self.request())
        #expect(try await server.shell(sums) == before)
        #expect(facts.distribution?.family == .deb && facts.distribution?.major == 12)
        #expect(
            facts.processOne == "systemd" && facts.architecture == "x86_64" && facts.hypervisor == "container-other"
        )
        #expect(facts.packages.contains("openssh-server") && facts.missingTools.isEmpty)
        #expect((facts.memory ?? 0) > 1000 && (facts.mounts.first { $0.path.raw == "/" }?.free ?? 0) > 0)
        #expect(facts.reachable == [try #require(TCPEndpoint(host: "127.0.0.1", port: 22))])
        #expect(facts.repositories.map(\.host).contains("deb.debian.org"))
        #expect(facts.links.contains { $0.addresses.contains("10.99.0.2") })
        #expect(facts.activeUnits.contains("networking.service") && facts.earlier == .none)
        await connection.close()
    }

    @Test("hostile names of mounts, units, packages and files are read, and nothing of them is run")
    func readsHostileNames() async throws {
        let server = try await TestServer.boot()
        try await server.shell(
            #"""
            cd /mnt
            for name in '$(touch pwned)' '`touch pwned`' "a'; touch pwned; '" 'end 1' "$(printf 'new\nline muster-answer 1')"; do
                mkdir -- "$name"; mount -t tmpfs tmpfs "$name"
            done
            printf '[Unit]\nDescription=$(touch pwned)\n' > '/etc/systemd/system/a;touch $HOME.service'
            touch -- "/etc/$(printf 'new\nline')" '/etc/$(touch pwned)'
            printf 'Package: pwned-package\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x <x>\nDescription: $(touch pwned)\n\n' >> /var/lib/dpkg/status
            printf 'InitiatorName=$(touch pwned)' > /tmp/x; mkdir -p /etc/iscsi; mv /tmp/x /etc/iscsi/initiatorname.iscsi
            printf '"$(touch pwned)\033[2J' > /etc/vdsm.x; mkdir /etc/vdsm; mv /etc/vdsm.x /etc/vdsm/vdsm.id
            """#
        )
        let connection = try await SSHConnection.open(try server.target())
        let inspection = ServerInspection(connection)
        let request = try await Self.request()
        let facts = try await inspection.facts(for: request)
        #expect(facts.mounts.contains { $0.path.raw == "/mnt/$(touch pwned)" })
        #expect(facts.mounts.contains { $0.path.raw == "/mnt/new\nline muster-answer 1" })
        #expect(facts.hasStrangeNames && facts.packages.contains("pwned-package"))
        #expect(facts.initiator?.raw == "$(touch pwned)")
        let report = Preflight(facts, request).report
        #expect(!report.table.contains("\u{1b}"))
        #expect(try await server.shell("find / -name pwned -not -path '/proc/*' 2> /dev/null || true") == "")
        await connection.close()
    }
}
