import Glibc
import HostModel
import Testing

@testable import BootServer

/// Machines behind a router that relays DHCP (dnsmasq's relay).
@Suite(.serialized) struct RelayTests {
    @Test(
        "D16, D17: a machine behind a relay gets an address and the router of its own network, and keeps it over a kill -9"
    )
    func leases() async throws {
        let directory = try TemporaryDirectory()
        let subnet = ["--subnet", "10.78.0.0/24,pool=10.78.0.100-10.78.0.120,router=10.78.0.1,dns=10.78.0.53"]
        try await BootNetwork.with { network in
            try await network.withRelay {
                var first: [String: String] = [:]
                try await network.withServer(in: directory, options: subnet) { network in
                    let client = DHCPClient(network: network, directory: directory, interface: "eth1")
                    first = try await client.lease(["-x", "0x5d:0007", "-V", "PXEClient:Arch:00007:UNDI:003000"])
                    #expect(first["ip"]?.hasPrefix("10.78.0.1") == true && first["router"] == "10.78.0.1")
                    #expect(first["serverid"] == "10.77.0.1" && first["dns"] == "10.78.0.53")
                    #expect(first["boot_file"] == "snponly.efi" && first["siaddr"] == "10.77.0.1")
                    let near = try await DHCPClient(network: network, directory: directory).lease()
                    #expect(near["ip"]?.hasPrefix("10.77.0.") == true, "the server's own network is served beside")
                    return SIGKILL
                }
                let journal = LeaseRecord.records(in: try directory.read("state/leases.journal")).records
                #expect(journal.count == 2, "both networks are in one journal")
                try await network.withServer(in: directory, options: subnet) { network in
                    let client = DHCPClient(network: network, directory: directory, interface: "eth1")
                    let again = try await client.lease()
                    #expect(again["ip"] == first["ip"])
                    return SIGTERM
                }
            }
        }
    }

    @Test("D16: a machine behind a relay of a network that is not served is not answered")
    func ignoresOtherNetworks() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            try await network.withRelay {
                try await network.withServer(in: directory) { network in
                    let client = DHCPClient(network: network, directory: directory, interface: "eth1")
                    let answer = try await client.ask(["-t", "2", "-T", "1"])
                    #expect(answer == nil)
                    return SIGTERM
                }
            }
        }
    }
}
