import BootWire
import Glibc
import HostModel
import NIOCore
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

    /// Sends datagrams to the server from an address and port, and prints the first that comes back, in hex.
    private static let program = """
        from socket import AF_INET6, SOCK_DGRAM, socket
        from sys import argv
        line = socket(AF_INET6, SOCK_DGRAM)
        line.bind((argv[1], int(argv[2])))
        line.settimeout(20)
        for text in argv[3:]:
            line.sendto(bytes.fromhex(text), ("fd00:77::1", 547))
        print(line.recv(4096).hex())
        """

    /// A SOLICIT in a relay's envelope, in hex.
    private static func relayed(
        _ transactionID: UInt32,
        link: String,
        options: [DHCPv6Option] = []
    ) throws -> String {
        let message = DHCPv6Message(
            .solicit,
            transactionID: transactionID,
            options: [
                DHCPv6Option(.clientID, [0, 3, 0, 1, 0x52, 0x54, 0, 0, 0, 9]),
                DHCPv6Option(.addresses, [0, 0, 0, 7] + Array(repeating: 0, count: 8)),
            ]
        )
        let link = try #require(IPv6Address(link))
        let envelope = DHCPv6Envelope(
            hops: 0,
            link: link,
            peer: IPv6Address(high: 0xFE80 << 48, low: 1),
            options: options
        )
        let bytes = DHCPv6Request(message, relays: [envelope]).encoded.readableBytesView
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(
        "D43: a named relay is answered at its port, for networks that are served; another relay is told of and not answered"
    )
    func believesRelays() async throws {
        let log = BootLog()
        let options = ["--subnet6", "fd00:78::/64", "--relay", "fd00:99::1"]
        try await withServer(options, log: log) { network, _ in
            for address in ["fd00:77::3/64", "fd00:98::1/128", "fd00:99::1/128"] {
                try await BootNetwork.ip("-n", network.client, "address", "add", address, "dev", "eth0", "nodad")
            }
            for far in ["fd00:98::1", "fd00:99::1"] {
                try await BootNetwork.ip("-6", "-n", network.server, "route", "add", far, "via", "fd00:77::3")
            }
            func ask(
                _ source: String,
                _ port: String,
                _ datagrams: String...,
                seconds: Int = 30
            ) async throws -> String {
                let words = ["timeout", "\(seconds)", "python3", "-c", Self.program, source, port]
                return try await network.runClient(words + datagrams).output
            }
            // Of a network that is not served, and then of one that is: the answer is to the second one.
            let own = DHCPv6Option(.relaySourcePort, [0, 0])
            let foreign = try Self.relayed(0x11_1111, link: "fd00:79::1", options: [own])
            let served = try Self.relayed(0x22_2222, link: "fd00:78::1", options: [own])
            let there = try await ask("fd00:99::1", "1000", foreign, served)
            #expect(
                there.hasPrefix("0d00fd000078") && there.contains("02222222") && there.contains("00870002"),
                "\(there)"
            )
            let usual = try await ask("fd00:99::1", "547", try Self.relayed(0x33_3333, link: "fd00:78::1"))
            #expect(usual.hasPrefix("0d00fd000078") && usual.contains("02333333"), "\(usual)")
            async let stranger = ask("fd00:98::1", "547", try Self.relayed(0x44_4444, link: "fd00:78::1"), seconds: 3)
            #expect(await log.waits(for: "the relay fd00:98::1 is not known; name it with --relay"))
            #expect(await log.waits(for: "52:54:00:00:00:09 failed: was not answered"))
            #expect(try await stranger.contains("0d00") == false)
        }
    }
}
