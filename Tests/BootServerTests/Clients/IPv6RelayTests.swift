import Glibc
import HostModel
import Testing

@testable import BootServer

/// Machines behind a router that relays DHCPv6 (dnsmasq's relay). The server is fd00:77::1 on `br0`, the router fd00:78::1 on the
/// machines' side.
@Suite(.serialized) struct IPv6RelayTests {
    private func withServer(
        _ options: [String],
        log: BootLog = BootLog(),
        _ body: (BootNetwork, TemporaryDirectory) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("snponly.efi", Array(repeating: 7, count: 5000))
        try await BootNetwork.with { network in
            try await BootNetwork.ip("-n", network.server, "address", "add", "fd00:77::1/64", "dev", "br0", "nodad")
            try await network.withRelay {
                let route = ["-6", "-n", network.server, "route", "add", "fd00:78::/64", "via", "fd00:77::2"]
                try await BootNetwork.ip(route)
                let own = ["--address6", "fd00:77::1/64", "--dhcp6", "full"]
                try await network.withServer(in: directory, dhcp: false, options: own + options, log: log) { network in
                    #expect(await log.waits(for: "DHCPv6 gives"))
                    try await body(network, directory)
                    return SIGTERM
                }
            }
        }
    }

    @Test(
        "D43: behind a relay dhcpcd takes an address of its own network, the loader's URL and the name server, and loads it"
    )
    func leases() async throws {
        let log = BootLog()
        try await withServer(["--subnet6", "fd00:78::/64", "--dns", "fd00:77::53"], log: log) { network, directory in
            let far = Dhcpcd(network: network, directory: directory, interface: "eth1")
            let told = try await far.told(Dhcpcd.pxe + "ia_na 7\n")
            #expect(told["new_dhcp6_bootfile_url"] == "tftp://[fd00:77::1]/snponly.efi", "\(told)")
            #expect(told["new_dhcp6_name_servers"] == "fd00:77::53", "\(told)")
            let address = try #require(told["new_dhcp6_ia_na1_ia_addr1"])
            #expect(address.hasPrefix("fd00:78::1"))
            try await BootNetwork.ip("-n", network.client, "address", "add", "\(address)/64", "dev", "eth1", "nodad")
            let route = ["-6", "-n", network.client, "route", "add", "fd00:77::/64", "via", "fd00:78::1"]
            try await BootNetwork.ip(route)
            let loaded = try await network.runClient(
                "curl",
                "-gsf",
                "-m",
                "20",
                "-o",
                "\(directory.path)/copy",
                "tftp://[fd00:77::1]/snponly.efi"
            )
            #expect(loaded.isSuccess, "\(loaded.output)")
            #expect(try directory.read("copy").count == 5000)
            #expect(log.text.contains(#/[0-9a-f:]{17} loader: /#), "the machine is known by its address: \(log.text)")
            let near = try await Dhcpcd(network: network, directory: directory).told("ia_na 7\n")
            #expect(near["new_dhcp6_ia_na1_ia_addr1"]?.hasPrefix("fd00:77::1") == true, "its own network beside")
        }
        #expect(log.text.contains(#/[0-9a-f:]{17} discover: PXE firmware, x64 UEFI was offered fd00:78::1/#))
    }

    @Test("D43: behind a relay of a network that is not served nobody is answered")
    func ignoresOtherNetworks() async throws {
        let log = BootLog()
        try await withServer(["--subnet6", "fd00:79::/64"], log: log) { network, directory in
            let far = Dhcpcd(network: network, directory: directory, interface: "eth1")
            let (result, told) = try await far.ask("ia_na 7\n", seconds: 4)
            #expect(!result.isSuccess && told["new_dhcp6_ia_na1_ia_addr1"] == nil, "\(result.output)")
        }
    }
}
