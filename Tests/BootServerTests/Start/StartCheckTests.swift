import Foundation
import Glibc
import HostModel
import Testing

@testable import BootServer

/// `muster-boot check` in a namespace.
@Suite(.serialized) struct StartCheckTests {
    private func check(_ network: BootNetwork, _ options: [String], _ directory: TemporaryDirectory) async throws
        -> (isSuccess: Bool, output: String)
    {
        let words = [
            try BootNetwork.program("muster-boot"), "check", "--address", "10.77.0.1/24", "--loader-directory",
            directory.path, "--pxe-directory", BootNetwork.checkout + "/pxe",
        ]
        return try await network.runServer(words + options)
    }

    @Test("before the first start: what is there, what is missing, and what to do")
    func beforeTheStart() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            let pool = ["--pool", "10.77.0.10-10.77.0.20"]
            let missing = try await check(network, ["--interface", "br0"] + pool, directory)
            #expect(!missing.isSuccess)
            #expect(
                missing.output.contains("BAD  snponly.efi and undionly.kpxe cannot be read in"),
                "\(missing.output)"
            )
            #expect(missing.output.contains("ok   UDP port 67 for DHCP on 0.0.0.0 is free"))
            #expect(missing.output.contains("ok   no other DHCP server answers on br0"))
            for name in ["snponly.efi", "undionly.kpxe"] { try directory.write(name, [1]) }
            let good = try await check(network, ["--interface", "br0"] + pool, directory)
            #expect(good.isSuccess && !good.output.contains("BAD"), "\(good.output)")
            let none = try await check(network, ["--interface", "no-such", "--dhcp", "off"], directory)
            #expect(none.output.contains("BAD  there is no Ethernet interface no-such"))
            let proxy = try await check(network, ["--interface", "br0", "--dhcp", "proxy"], directory)
            #expect(proxy.output.contains("BAD  no DHCP server answers on br0, and a proxy gives no addresses"))
        }
    }

    @Test("a port that is taken is named with the process that has it")
    func namesTheOwner() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            try await network.withServer(in: directory) { network in
                let pid = try #require(try await network.processes(of: "muster-boot").first)
                let options = ["--interface", "br0", "--pool", "10.77.0.10-10.77.0.20"]
                let found = try await check(network, options, directory)
                for place in ["UDP port 67 for DHCP", "UDP port 69 for TFTP", "TCP port 80 for HTTP"] {
                    let line = try #require(found.output.split(separator: "\n").first { $0.contains(place) })
                    #expect(line.contains("is taken by muster-boot, process \(pid)"), "\(line)")
                }
                return SIGTERM
            }
        }
    }

    @Test func readsTheKernelsTable() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              7: 0100004D:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000 0
              8: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000 0
            """
        #expect(PortOwner.inodes(of: 69, in: table) == ["4711"] && PortOwner.inodes(of: 70, in: table).isEmpty)
    }
}
