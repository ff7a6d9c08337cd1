import Foundation
import Glibc
import HostModel
import Testing

@testable import BootServer

/// Who else is on the segment: machines with addresses of the pool, and other DHCP servers. In namespaces, because both are
/// found by broadcasts.
@Suite(.serialized) struct SegmentTests {
    @Test("D28: addresses that another machine answers for are never given, and nobody waits for it")
    func leavesHeldAddressesAlone() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withMachine { holder in
                for last in 10...19 {
                    try await BootNetwork.ip("-n", holder, "address", "add", "10.77.0.\(last)/24", "dev", "eth0")
                }
                try await network.withServer(in: directory, log: log) { network in
                    let lease = try await DHCPClient(network: network, directory: directory).lease()
                    #expect(lease["ip"] == "10.77.0.20")
                    return SIGTERM
                }
            }
        }
        #expect(log.text.contains(#/failed: has the address 10\.77\.0\.1\d of the pool, but not from here/#))
    }

    @Test("A22: a machine that answers for every free address keeps nobody out; the event says what it does")
    func givesHeldAddressesAtTheLast() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withMachine { holder in
                for last in 10...20 {
                    try await BootNetwork.ip("-n", holder, "address", "add", "10.77.0.\(last)/24", "dev", "eth0")
                }
                try await network.withServer(in: directory, log: log) { network in
                    #expect(await log.waits(for: "(10.77.0.20) failed: has the address 10.77.0.20 of the pool"))
                    let lease = try await DHCPClient(network: network, directory: directory).lease()
                    #expect(lease["ip"]?.hasPrefix("10.77.0.") == true)
                    return SIGTERM
                }
            }
        }
        #expect(log.text.contains("for which another machine answers by ARP: the pool has no other left"))
    }

    @Test("D28: an interface that was switched off is listened to again when it is back")
    func hearsAgain() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withMachine { holder in
                try await network.withServer(in: directory, log: log) { network in
                    try await BootNetwork.ip("-n", network.server, "link", "set", "br0", "down")
                    #expect(await log.waits(for: "ARP on br0 is not heard now"))
                    try await BootNetwork.ip("-n", holder, "address", "add", "10.77.0.14/24", "dev", "eth0")
                    try await BootNetwork.ip("-n", network.server, "link", "set", "br0", "up")
                    #expect(await log.waits(for: "ARP on br0 is heard again"))
                    #expect(await log.waits(for: "failed: has the address 10.77.0.14 of the pool"))
                    return SIGTERM
                }
            }
        }
    }

    @Test("an ARP socket that cannot be had leaves nothing behind")
    func leavesNothingBehind() async throws {
        func sockets() throws -> Int {
            try String(contentsOfFile: "/proc/self/net/packet", encoding: .utf8).split(separator: "\n").count
        }
        var card = try #require(BootNetwork.anyCard)
        card.index = 999_999
        let before = try sockets()
        for _ in 0..<3 {
            await #expect(throws: DatagramSocketError.self) { _ = try await ARPSocket.open(on: card) { _ in } }
        }
        #expect(try sockets() == before)
    }

    @Test("D38: a second DHCP server is told of, and --strict does not start beside it")
    func findsAnotherServer() async throws {
        let directory = try TemporaryDirectory()
        let log = BootLog()
        try await BootNetwork.with { network in
            try await network.withMachine { other in
                try await BootNetwork.ip("-n", other, "address", "add", "10.77.0.53/24", "dev", "eth0")
                let words = [
                    "dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=/dev/null", "--port=0", "--no-ping",
                    "--dhcp-authoritative", "--dhcp-range=10.77.0.50,10.77.0.52,1h",
                    "--dhcp-leasefile=\(directory.path)/dnsmasq.leases",
                ]
                try await network.withNeighbour(words, in: other) {
                    await #expect(throws: ServerEnded.self) {
                        try await network.withServer(in: directory, options: ["--strict"], log: log) { _ in SIGTERM }
                    }
                    #expect(log.text.contains("another DHCP server, 10.77.0.53, answers on br0"))
                    #expect(log.text.contains("give --dhcp proxy"))
                    let second = BootLog()
                    try await network.withServer(in: directory, log: second) { network in
                        // Whichever answer the machine takes: the server asks by itself, too.
                        _ = try await DHCPClient(network: network, directory: directory).lease()
                        #expect(await second.waits(for: "failed: another DHCP server, 10.77.0.53"))
                        return SIGTERM
                    }
                }
            }
        }
    }
}
