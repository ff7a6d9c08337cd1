import AgentWire
import HostModel
import Logging
import NIOCore
import Netlink
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// dynamic ip of the acceptance list, IPv6: dhcpcd here, dnsmasq at the other end of a cable.
@Suite(.enabled(if: LabProgram.isInside), .serialized) struct LabDHCP6Tests {
    /// A server on `veth_0` that advertises 2001:db8:9::/64 and gives addresses of it.
    private final class Server {
        private let directory: NodeDirectory

        init(_ host: LabHost) async throws {
            directory = host.temporary.directory
            _ = try? LabProgram.command(["ip", "netns", "delete", "server6"], isSure: false)
            try LabProgram.command(["ip", "netns", "add", "server6"])
            try await host.ip("link add veth_0 type veth peer name srv0 netns server6")
            try await host.ip("-n server6 link set srv0 up")
            try await host.ip("link set veth_0 up")
            try await host.ip("-n server6 address add 2001:db8:9::1/64 dev srv0 nodad")
            try LabProgram.command([
                "ip", "netns", "exec", "server6", "dnsmasq", "--port=0", "--interface=srv0", "--enable-ra",
                "--dhcp-range=2001:db8:9::50,2001:db8:9::60,64,2m", "--dhcp-leasefile=\(directory.file("leases"))",
                "--conf-file=/dev/null", "--user=root", "--pid-file=\(directory.file("dnsmasq.pid"))",
            ])
        }

        func end() {
            guard let pid = readLine(of: directory.file("dnsmasq.pid")).flatMap({ pid_t($0) }) else { return }
            kill(pid, SIGKILL)
        }

        deinit { end() }
    }

    private static let dhcp = #""dhcpv6": true, "blockingdhcp": true"#

    private func lease(_ carrier: String) async throws -> String? {
        try await Judge.now().addresses(carrier).first { $0.hasPrefix("2001:db8:9::") && $0.hasSuffix("/128") }
    }

    private func isRunning(_ host: LabHost, _ link: String) -> Bool { DHCP6Clients(host.settings).isRunning(on: link) }

    @Test("dynamic ip: DHCPv6 bridged and not: the lease is reported; the client ends with its network")
    func leases() async throws {
        let host = try await LabHost()
        let server = try await Server(host)
        defer { server.end() }
        for isBridged in [false, true] {
            let carrier = isBridged ? "n" : "veth_0"
            try await host.setup(#""n": {"nic": "veth_0", "bridged": \#(isBridged), \#(Self.dhcp)}"#)
            let lease = try #require(try await lease(carrier))
            var capabilities = HostCapabilities()
            NetworkInventory(
                state: try KernelSnapshot.read().state,
                owned: OwnedHere(try await host.keeper.ownership())
            )
            .fill(&capabilities)
            let report = try #require(capabilities.networks["n"]?.address)
            #expect(report.dhcpv6 && report.ipv6addrs.contains(lease), "\(report.ipv6addrs)")
            #expect(try await host.keeper.ownership().drift.isEmpty)
            try await host.setup(#""n": {"nic": "veth_0", "bridged": \#(isBridged), \#(Self.dhcp)}"#)
            #expect(isRunning(host, carrier) && isRunning(host, isBridged ? "veth_0" : "n") == false)
        }
        // From bridged to an address of its own, and away.
        try await host.setup(#""n": {"nic": "veth_0", "ipv6addr": "2001:db8:9::7/64"}"#)
        #expect(!isRunning(host, "n"))
        #expect(try await Judge.now().addresses("n") == ["2001:db8:9::7/64"])
        try await host.setup(#""n": {"remove": true}"#)
    }

    @Test("a client that is killed is started again; one that is to go, goes with its address")
    func killed() async throws {
        let host = try await LabHost()
        let server = try await Server(host)
        defer { server.end() }
        try await host.setup(#""n": {"nic": "veth_0", "bridged": false, \#(Self.dhcp)}"#)
        var pid: pid_t? { readLine(of: host.settings.dhcpcdRun.appending("veth_0-6.pid")).flatMap { pid_t($0) } }
        var generation: String? { readLine(of: "/proc/sys/net/ipv6/conf/veth_0/addr_gen_mode") }
        kill(try #require(pid), SIGKILL)
        while isRunning(host, "veth_0") { try await Task.sleep(for: .milliseconds(20)) }
        let drift = try await host.keeper.ownership().drift.differences["n"]
        #expect(drift == ["start the DHCPv6 client on veth_0"])
        await host.keeper.tendDHCPClients()
        #expect(isRunning(host, "veth_0"))
        #expect(generation == "1", "dhcpcd's way")
        try await host.setup(#""n": {"remove": true}"#)
        #expect(!isRunning(host, "veth_0"))
        #expect(try await lease("veth_0") == nil)
        #expect(generation == "0", "the kernel makes the link's own address again")
        // One that dies just before its network goes.
        try await host.setup(#""n": {"nic": "veth_0", "bridged": false, \#(Self.dhcp)}"#)
        kill(try #require(pid), SIGKILL)
        while isRunning(host, "veth_0") { try await Task.sleep(for: .milliseconds(20)) }
        try await host.setup(#""n": {"remove": true}"#)
        await host.keeper.tendDHCPClients()
        #expect(generation == "0")
        #expect(try await lease("veth_0") == nil)
    }

    @Test("a change that is taken back ends the client that it began, and begins again the one that it ended")
    func undone() async throws {
        let host = try await LabHost()
        let server = try await Server(host)
        defer { server.end() }
        let silent = #""connectivityCheck": 1, "connectivityTimeout": 1"#
        #expect(try await host.code(#""n": {"nic": "veth_0", \#(Self.dhcp)}"#, options: silent) == 10)
        #expect(!isRunning(host, "n"))
        try await host.setup(#""n": {"nic": "veth_0", "bridged": false, \#(Self.dhcp)}"#)
        await #expect(throws: RPCError.self) { try await host.setup(#""n": {"remove": true}"#, options: silent) }
        #expect(isRunning(host, "veth_0"))
        try await host.setup(#""n": {"remove": true}"#)
    }

    @Test("an advertised route that ran out before it was removed is no failure; another one is")
    func ranOut() async throws {
        _ = try await LabHost()
        for origin in [RouteState.advertised, 4] {
            let gateway = IPv6Address("fe80::77")
            let route = RouteState(destination6: .everything, gateway: gateway, link: "eth0", origin: origin)
            var kernel = try KernelNetwork.open()
            do {
                try kernel.apply([.removeRoute(route)])
                #expect(origin == RouteState.advertised)
            } catch {
                #expect(origin != RouteState.advertised && error.cause == .missing, "\(error)")
            }
        }
    }

    @Test("a host without a client: refused, with the field and the remedy; what was committed comes up all the same")
    func missing() async throws {
        let host = try await LabHost()
        try await host.setup(#""n": {"nic": "eth0", "dhcpv6": true}"#)
        try await host.keeper.commit()
        try await host.setup(#""n": {"remove": true}"#)
        var settings = host.settings
        settings.dhcpcd = "/nonexistent/dhcpcd"
        let bare = NetworkKeeper(settings, logger: Logger(label: "lab") { _ in SwiftLogNoOpLogHandler() })
        let text = #"{"networks": {"n": {"nic": "eth0", "dhcpv6": true}}, "options": {"connectivityCheck": 0}}"#
        let call = try SetupNetworksParameters(params: try JSONText.decode(JSONValue.self, from: .init(string: text)))
        do {
            try await bare.setupNetworks(call)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .badAddress && error.message.hasPrefix("networks.n.dhcpv6: This host has no DHCPv6"))
            #expect(error.message.contains("dhcpcd-base"))
        }
        #expect(await bare.restore(isForced: true) == [])
        #expect(try await Judge.now().hasIPv6("n"))
        #expect(try await bare.ownership().drift.differences["n"] == [DHCP6Clients.missing])
        // One that is installed later is used.
        await host.keeper.tendDHCPClients()
        #expect(isRunning(host, "n"))
        try await host.setup(#""n": {"remove": true}"#)
        #expect(!isRunning(host, "n"))
    }
}
