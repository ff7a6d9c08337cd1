import Foundation
import Glibc
import HostModel
import Testing

@testable import BootServer

/// IPv6, by programs that nobody here wrote: dhcpcd, curl and atftp. The server is fd00:77::1 on `br0`.
@Suite(.serialized) struct IPv6Tests {
    private func withServer(
        _ mode: String,
        log: BootLog = BootLog(),
        _ body: (BootNetwork, TemporaryDirectory) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("snponly.efi", Array(repeating: 7, count: 5000))
        try await BootNetwork.with { network in
            // Without waiting for duplicates: nobody else is here.
            for namespace in [network.server, network.client] {
                let words = ["-n", namespace, "address", "add", "fd00:77::\(namespace == network.server ? 1 : 2)/64"]
                let device = namespace == network.server ? "br0" : "eth0"
                try await BootNetwork.ip(words + ["dev", device, "nodad"])
            }
            let options = ["--address6", "fd00:77::1/64", "--dhcp6", mode]
            try await network.withServer(in: directory, dhcp: false, options: options, log: log) { network in
                if mode != "off" { #expect(await log.waits(for: "DHCPv6 gives")) }
                try await body(network, directory)
                return SIGTERM
            }
        }
    }

    @Test("D43: dhcpcd takes an address of the prefix and the loader's URL, and the same ones after a restart")
    func leases() async throws {
        var addresses: Set<String> = []
        let log = BootLog()
        for _ in 0..<2 {
            try await withServer("full", log: log) { network, directory in
                // The namespaces are new each time: the card is the same.
                try await BootNetwork.ip("-n", network.client, "link", "set", "eth0", "address", "52:54:00:00:00:06")
                let told = try await Dhcpcd(network: network, directory: directory).told(Dhcpcd.pxe + "ia_na 7\n")
                #expect(told["new_dhcp6_bootfile_url"] == "tftp://[fd00:77::1]/snponly.efi", "\(told)")
                addresses.insert(told["new_dhcp6_ia_na1_ia_addr1"] ?? "none")
                let plain = try await Dhcpcd(network: network, directory: directory).told("ia_na 7\n")
                #expect(
                    plain["new_dhcp6_bootfile_url"] == nil,
                    "a machine that does not boot is told nothing of booting"
                )
            }
        }
        #expect(addresses.count == 1 && addresses.first?.hasPrefix("fd00:77::1") == true, "\(addresses)")
        #expect(log.text.contains(#/[0-9a-f:]{17} discover: PXE firmware, x64 UEFI was offered fd00:77::1/#))
    }

    @Test("D43: stateless, dhcpcd asks for information and is told the loader's URL, and no address")
    func informs() async throws {
        try await withServer("stateless") { network, directory in
            let told = try await Dhcpcd(network: network, directory: directory).told(Dhcpcd.pxe + "inform6\n")
            #expect(told["new_dhcp6_bootfile_url"] == "tftp://[fd00:77::1]/snponly.efi", "\(told)")
            #expect(told["new_dhcp6_ia_na1_ia_addr1"] == nil)
        }
    }

    @Test("T36: curl and atftp fetch over IPv6, in blocks that Ethernet carries whole; HTTP serves there too")
    func fetches() async throws {
        let log = BootLog()
        try await withServer("off", log: log) { network, directory in
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            try directory.write("big.efi", bytes)
            let copy = "\(directory.path)/copy"
            let programs = [
                ["curl", "-gs", "-m", "60", "--tftp-blksize", "1468", "-o", copy, "tftp://[fd00:77::1]/big.efi"],
                ["curl", "-gs", "-m", "60", "--tftp-no-options", "-o", copy, "tftp://[fd00:77::1]/big.efi"],
                [
                    "atftp", "--option", "blksize 1468", "--option", "windowsize 8", "-g", "-r", "big.efi", "-l", copy,
                    "fd00:77::1",
                ],
                ["curl", "-gsf", "-m", "60", "-o", copy, "http://[fd00:77::1]/boot/big.efi"],
            ]
            for program in programs {
                _ = unlink(copy)
                let result = try await network.runClient(program)
                try #require(result.isSuccess, "\(program): \(result.output)")
                #expect(try directory.read("copy") == bytes, "\(program)")
            }
            let script = try await network.runClient("curl", "-gsf", "http://[fd00:77::1]/boot/ipxe")
            #expect(script.output.hasPrefix("#!ipxe"))
            let path = "/boot/script?mac=52-54-00-00-00-01&platform=efi"
            let own = try await network.runClient("curl", "-gsf", "http://[fd00:77::1]\(path)")
            #expect(own.output.contains("http://[fd00:77::1]/boot/ipxe"), "\(own.output)")
        }
        #expect(log.text.contains("fd00:77::2 fetched big.efi, 300000 bytes"))
    }
}
