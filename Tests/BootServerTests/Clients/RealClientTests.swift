import Foundation
import Glibc
import HostModel
import Testing

@testable import BootServer

/// `muster-boot` as a child in a namespace, asked by programs that nobody here wrote.
@Suite(.serialized) struct RealClientTests {
    private func udhcpc(
        _ network: BootNetwork,
        _ directory: TemporaryDirectory,
        _ options: String...
    ) async throws -> [String: String] {
        try await DHCPClient(network: network, directory: directory).lease(options)
    }

    @Test("D1, D30: udhcpc takes a lease with boot data, and keeps it over kill -9")
    func leases() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            var address: String?
            try await network.withServer(in: directory) { network in
                let lease = try await udhcpc(
                    network,
                    directory,
                    "-x",
                    "0x5d:0007",
                    "-V",
                    "PXEClient:Arch:00007:UNDI:003000",
                    "-O",
                    "bootfile"
                )
                #expect(lease["serverid"] == "10.77.0.1" && lease["siaddr"] == "10.77.0.1")
                #expect(lease["subnet"] == "255.255.255.0" && lease["lease"] == "900")
                #expect(lease["boot_file"] == "snponly.efi" && lease["bootfile"] == "snponly.efi")
                address = lease["ip"]
                return SIGKILL
            }
            #expect(LeaseRecord.records(in: try directory.read("state/leases.journal")).records.count == 1)
            try await network.withServer(in: directory) { network in
                let same = try await udhcpc(network, directory)
                #expect(same["ip"] == address && address != nil)
                #expect(same["boot_file"] == nil, "a machine that does not boot is told nothing of booting")
                try await BootNetwork.ip("-n", network.client, "link", "set", "eth0", "address", "52:54:00:00:00:99")
                let other = try await udhcpc(network, directory)
                #expect(other["ip"] != nil && other["ip"] != address)
                return SIGTERM
            }
        }
    }

    /// What each kind of firmware says, and what docs/boot.md wants it to be answered.
    private static let kinds: [(options: [String], file: String, server: String?)] = [
        (["-x", "0x5d:0000", "-V", "PXEClient:Arch:00000:UNDI:002001"], "undionly.kpxe", "10.77.0.1"),
        (["-x", "0x5d:0007", "-V", "PXEClient:Arch:00007:UNDI:003000"], "snponly.efi", "10.77.0.1"),
        (["-x", "0x5d:0009", "-V", "PXEClient:Arch:00009:UNDI:003000"], "snponly.efi", "10.77.0.1"),
        (["-x", "0x5d:0010", "-V", "HTTPClient:Arch:00016:UNDI:003001"], "http://10.77.0.1/boot/snponly.efi", nil),
        (
            ["-x", "0x5d:0007", "-x", "0x4d:69505845", "-V", "PXEClient:Arch:00007:UNDI:003010"],
            "http://10.77.0.1/boot/ipxe", nil
        ),
    ]

    @Test(
        "with --dhcp off, dnsmasq as docs/boot.md sets it up names our files, and a loader is an event of its machine"
    )
    func besideAnotherServer() async throws {
        let page = try #require(try? String(contentsOfFile: BootNetwork.checkout + "/docs/boot.md", encoding: .utf8))
        let marked = page.split(separator: "<!-- dnsmasq -->\n```\n")[1].split(separator: "```\n<!-- /dnsmasq -->")[0]
        let directory = try TemporaryDirectory()
        try directory.write("snponly.efi", Array(repeating: 7, count: 5000))
        let settings =
            "port=0\ninterface=br0\nbind-dynamic\nno-ping\ndhcp-range=10.77.0.50,10.77.0.60,1h\n"
            + "dhcp-leasefile=\(directory.path)/dnsmasq.leases\n"
        let file = try directory.write("dnsmasq.conf", Array((settings + marked).utf8))
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withNeighbour(["dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=\(file)"]) {
                try await network.withServer(in: directory, dhcp: false, log: log) { network in
                    for kind in Self.kinds {
                        let lease = try await DHCPClient(network: network, directory: directory)
                            .lease(kind.options + ["-O", "bootfile"])
                        #expect(lease["bootfile"] ?? lease["boot_file"] == kind.file, "\(kind.options)")
                        if let server = kind.server { #expect(lease["siaddr"] == server) }
                    }
                    try await BootNetwork.ip("-n", network.client, "address", "add", "10.77.0.9/24", "dev", "eth0")
                    let words = [
                        "busybox", "tftp", "-g", "-r", "snponly.efi", "-l", "\(directory.path)/copy", "10.77.0.1",
                    ]
                    let fetched = try await network.runClient(words)
                    #expect(fetched.isSuccess, "\(fetched.output)")
                    return SIGTERM
                }
            }
        }
        #expect(log.text.contains(#/[0-9a-f:]{17} \(10\.77\.0\.9\) loader: fetched snponly\.efi by TFTP, 5000 bytes/#))
    }

    @Test("D42: a denied machine gets an address and nothing to boot")
    func denies() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            try await network.withServer(in: directory, profile: .deny) { network in
                let lease = try await udhcpc(
                    network,
                    directory,
                    "-x",
                    "0x5d:0007",
                    "-V",
                    "PXEClient:Arch:00007:UNDI:003000",
                    "-O",
                    "bootfile"
                )
                #expect(lease["ip"] != nil)
                #expect(lease["boot_file"] == nil && lease["bootfile"] == nil)
                return SIGTERM
            }
        }
    }

    @Test("T1, T2, T12, T25: tftp-hpa, atftp, curl and busybox get the same bytes, and nothing from outside")
    func fetches() async throws {
        let directory = try TemporaryDirectory()
        let bytes = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        try directory.write("big.efi", bytes)
        try directory.write("exact.efi", Array(bytes.prefix(1024)))
        try await BootNetwork.with { network in
            try await BootNetwork.ip("-n", network.client, "address", "add", "10.77.0.9/24", "dev", "eth0")
            let copy = "\(directory.path)/copy"
            let programs: [(String) -> [String]] = [
                { ["tftp", "-4", "-m", "binary", "10.77.0.1", "-c", "get", $0, copy] },
                {
                    [
                        "atftp", "--option", "blksize 1468", "--option", "tsize", "--option", "windowsize 8", "-g",
                        "-r", $0, "-l", copy, "10.77.0.1",
                    ]
                },
                { ["curl", "-s", "-m", "60", "-o", copy, "tftp://10.77.0.1//\($0)"] },
                { ["curl", "-s", "-m", "60", "--tftp-no-options", "-o", copy, "tftp://10.77.0.1/\($0)"] },
                { ["busybox", "tftp", "-g", "-b", "1400", "-r", $0, "-l", copy, "10.77.0.1"] },
            ]
            try await network.withServer(in: directory) { network in
                for (name, size) in [("big.efi", bytes.count), ("exact.efi", 1024)] {
                    for program in programs {
                        _ = unlink(copy)
                        let result = try await network.runClient(program(name))
                        try #require(result.isSuccess, "\(program(name)): \(result.output)")
                        #expect(try directory.read("copy") == Array(bytes.prefix(size)), "\(program(name)[0])")
                    }
                }
                for name in ["missing", "../../etc/passwd", "state/leases.journal"] {
                    _ = unlink(copy)
                    let result = try await network.runClient(
                        "busybox",
                        "tftp",
                        "-g",
                        "-r",
                        name,
                        "-l",
                        copy,
                        "10.77.0.1"
                    )
                    #expect(!result.isSuccess && result.output.contains("server error"))
                }
                return SIGTERM
            }
        }
    }
}
