import AgentWire
import HostModel
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// dynamic ip of the acceptance list: busybox's client here, dnsmasq at the other end of a cable.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabDynamicTests {
    /// Servers on two cables, `veth_0` (10.9.0.0/24) and `veth_1` (10.10.0.0/24), and on VLAN 5 of the first (10.11.0.0/24).
    private final class Servers {
        private let directory: NodeDirectory

        init(_ host: LabHost, options: [String] = []) async throws {
            directory = host.temporary.directory
            _ = try? LabProgram.command(["ip", "netns", "delete", "servers"], isSure: false)
            try LabProgram.command(["ip", "netns", "add", "servers"])
            for number in 0...1 {
                try await host.ip("link add veth_\(number) type veth peer name srv\(number) netns servers")
                try await host.ip("-n servers link set srv\(number) up")
                try await host.ip("link set veth_\(number) up")
            }
            try await host.ip("-n servers link add link srv0 name srv0.5 type vlan id 5")
            try await host.ip("-n servers link set srv0.5 up")
            let subnets = [("srv0", "10.9.0"), ("srv1", "10.10.0"), ("srv0.5", "10.11.0")]
            for (link, subnet) in subnets { try await host.ip("-n servers address add \(subnet).1/24 dev \(link)") }
            let lease =
                "#!/bin/sh\nexec \(AgentRig.program) lease --state \(directory.file("state")) --run \(host.settings.run.path) --command-line /dev/null --resolv-conf \(host.settings.resolvConf) \"$@\"\n"
            try directory.write(Array(lease.utf8), to: "lease", permissions: [.ownerReadWriteExecute])
            try LabProgram.command(
                [
                    "ip", "netns", "exec", "servers", "dnsmasq", "--port=0", "--bind-interfaces", "--no-ping",
                    "--dhcp-option=6,10.9.0.53", "--dhcp-leasefile=\(directory.file("leases"))", "--dhcp-authoritative",
                    "--conf-file=/dev/null", "--user=root", "--pid-file=\(directory.file("dnsmasq.pid"))",
                ] + options.map { "--dhcp-option=\($0)" } + subnets.map { "--interface=\($0.0)" }
                    + subnets.map { "--dhcp-range=\($0.1).50,\($0.1).60,255.255.255.0,2m" }
            )
        }

        func end() {
            guard let pid = readLine(of: directory.file("dnsmasq.pid")).flatMap({ pid_t($0) }) else { return }
            kill(pid, SIGKILL)
        }

        deinit { end() }
    }

    private static let dhcp = #""bootproto": "dhcp", "blockingdhcp": true"#
    private static let bond = #""bond0": {"nics": ["veth_0"], "options": "mode=1 miimon=100"}"#

    private func rules(_ carrier: String) throws -> Bool {
        let table = RuleState.table(of: carrier)
        let text = try LabProgram.command(["ip", "rule"])
        return text.contains("from 10.") && text.contains("lookup \(table)")
    }

    @Test(
        "dynamic ip: DHCP with and without the default route, changed on a lease that stands",
        arguments: [true, false]
    )
    func defaultRoute(bridged: Bool) async throws {
        let host = try await LabHost()
        let servers = try await Servers(host)
        defer { servers.end() }
        let carrier = bridged ? "n" : "veth_0"
        for isDefault in [true, false, true] {
            try await host.setup(
                #""n": {"nic": "veth_0", "bridged": \#(bridged), \#(Self.dhcp), "defaultRoute": \#(isDefault)}"#
            )
            let judge = try await Judge.now()
            #expect(judge.addresses(carrier).first?.hasPrefix("10.9.0.") == true)
            #expect(judge.isDefault(carrier, "10.9.0.1") == isDefault)
            #expect(judge.sourceGateway(carrier) == "10.9.0.1")
            #expect(try rules(carrier))
        }
        try await host.setup(#""n": {"remove": true}"#)
        #expect(try await Judge.now().sourceGateway(carrier) == nil)
        #expect(try !rules(carrier))
    }

    @Test("dynamic ip: a server's classless routes are taken, but for the default route in halves (R6)")
    func classlessRoutes() async throws {
        let host = try await LabHost()
        let ways = ["0.0.0.0/1", "128.0.0.0/1", "10.20.0.0/16"]
        let servers = try await Servers(host, options: ["121," + ways.map { "\($0),10.9.0.1" }.joined(separator: ",")])
        defer { servers.end() }
        func taken() throws -> [String] {
            let text = try LabProgram.command(["ip", "route"])
            return ways.filter { text.contains("\($0.hasPrefix("0") ? "0.0.0.0/1" : $0) via 10.9.0.1") }
        }
        try await host.setup(#""n": {"nic": "veth_0", \#(Self.dhcp), "defaultRoute": false}"#)
        #expect(try taken() == ["10.20.0.0/16"])
        try await host.setup(#""n": {"remove": true}"#)
        try await host.setup(#""n": {"nic": "veth_0", \#(Self.dhcp), "defaultRoute": true}"#)
        #expect(try taken() == ways)
        // The network loses the default route, with its lease in hand.
        try await host.setup(#""n": {"nic": "veth_0", \#(Self.dhcp), "defaultRoute": false}"#)
        #expect(try taken() == ["10.20.0.0/16"])
        try await host.setup(#""n": {"remove": true}"#)
    }

    @Test(
        "dynamic ip: bridgeless becomes bridged and keeps the lease; static with and without a server",
        arguments: [true, false]
    )
    func changes(hasServer: Bool) async throws {
        let host = try await LabHost()
        let servers = try await Servers(host)
        defer { servers.end() }
        try await host.setup(#""n": {"nic": "veth_0", "bridged": false, \#(Self.dhcp)}"#)
        let lease = try await Judge.now().addresses("veth_0")
        #expect(lease.count == 1)
        try await host.setup(#""n": {"nic": "veth_0", "bridged": true, \#(Self.dhcp)}"#)
        #expect(try await Judge.now().addresses("n") == lease)
        if !hasServer { servers.end() }
        let fixed = #""ipaddr": "10.9.0.7", "prefix": 24, "gateway": "10.9.0.1""#
        try await host.setup(#""n": {"nic": "veth_0", "bridged": true, \#(fixed)}"#)
        let judge = try await Judge.now()
        #expect(judge.addresses("n") == ["10.9.0.7/24"] && judge.sourceGateway("n") == "10.9.0.1")
        #expect(DHCPClients(host.settings).running(among: ["n", "veth_0"]).isEmpty)
    }

    @Test("dynamic ip: a VLAN, from DHCP to static; over a bond; over a VLAN of a bond")
    func places() async throws {
        let host = try await LabHost()
        let servers = try await Servers(host)
        defer { servers.end() }
        try await host.setup(#""v": {"nic": "veth_0", "vlan": 5, \#(Self.dhcp)}"#)
        #expect(try await Judge.now().addresses("v").first?.hasPrefix("10.11.0.") == true)
        try await host.setup(#""v": {"nic": "veth_0", "vlan": 5, "ipaddr": "10.11.0.7", "prefix": 24}"#)
        #expect(try await Judge.now().addresses("v") == ["10.11.0.7/24"])
        try await host.setup(#""v": {"remove": true}, "n": {"bonding": "bond0", \#(Self.dhcp)}"#, bonds: Self.bond)
        #expect(try await Judge.now().addresses("n").first?.hasPrefix("10.9.0.") == true)
        try await host.setup(#""w": {"bonding": "bond0", "vlan": 5, "bridged": false, \#(Self.dhcp)}"#)
        #expect(try await Judge.now().addresses("bond0.5").first?.hasPrefix("10.11.0.") == true)
    }

    @Test("dynamic ip: of two networks one has the default route; servers that were asked for stay those of the host")
    func two() async throws {
        let host = try await LabHost()
        let servers = try await Servers(host)
        defer { servers.end() }
        try await host.setup(
            #""a": {"nic": "veth_0", \#(Self.dhcp), "defaultRoute": true, "nameservers": ["1.1.1.1", "2.2.2.2"]}"#
        )
        try await host.setup(#""b": {"nic": "veth_1", "bridged": false, \#(Self.dhcp), "defaultRoute": false}"#)
        let judge = try await Judge.now()
        #expect(judge.isDefault("a", "10.9.0.1") && !judge.isDefault("veth_1", "10.10.0.1"))
        #expect(judge.sourceGateway("veth_1") == "10.10.0.1")
        #expect(try ResolverFile(host.settings.resolvConf).nameservers() == ["1.1.1.1", "2.2.2.2"])
        try await host.setup(#""a": {"nic": "veth_0", \#(Self.dhcp), "defaultRoute": true}"#)
        try await host.setup(#""a": {"remove": true}, "b": {"remove": true}"#)
    }

    @Test(
        "dynamic ip: a client on a nic that a network takes over ends; without a server a call that waits is taken back"
    )
    func clients() async throws {
        let host = try await LabHost(leaseSeconds: 1)
        let servers = try await Servers(host)
        defer { servers.end() }
        let clients = DHCPClients(host.settings)
        try await clients.start(on: "veth_0", addresses: [], links: ["veth_0"])
        try await host.setup(#""n": {"nic": "veth_0"}"#)
        #expect(!clients.isRunning(on: "veth_0"))
        let judge = try await Judge.now()
        #expect(judge.addresses("n") == [] && judge.addresses("veth_0") == [])
        servers.end()
        #expect(try await host.code(#""m": {"nic": "veth_1", \#(Self.dhcp)}"#) == 29)
        #expect(!clients.isRunning(on: "m"))
    }

    @Test("restore: a network with DHCP asks again")
    func restores() async throws {
        let host = try await LabHost()
        let servers = try await Servers(host)
        defer { servers.end() }
        try await host.setup(#""n": {"nic": "veth_0", \#(Self.dhcp)}"#)
        try await host.keeper.commit()
        try await host.setup(#""n": {"remove": true}"#)
        #expect(await host.keeper.restore(isForced: true) == [])
        let deadline = ContinuousClock.now + .seconds(20)
        while try await Judge.now().addresses("n").isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try await Judge.now().addresses("n").count == 1)
        try await host.setup(#""n": {"remove": true}"#)
    }
}
