import AgentWire
import HostModel
import NIOCore
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// What the agent keeps on disk.
@Suite struct NetworkConfigurationTests {
    static let networks = [
        WantedNetwork(name: "ovirtmgmt", southbound: .nic("eth0"), addressing: .dhcp, defaultRoute: true, stp: true),
        WantedNetwork(name: "storage", southbound: .nic("eth1"), vlan: 0, bridged: false, mtu: 9000),
        WantedNetwork(
            name: "wan",
            southbound: .bonding("bond0"),
            addressing: .fixed(IPv4Network("192.0.2.2/24") ?? .everything, gateway: IPv4Address("192.0.2.1")),
            defaultRoute: true,
            nameservers: ["192.0.2.53", "2001:db8::1"]
        ),
        WantedNetwork(name: "no ports", southbound: .nic("e"), bridged: false),
        WantedNetwork(
            name: "six",
            southbound: .nic("eth2"),
            addressing6: .init(address: IPv6Network("2001:db8::5/64"), gateway: IPv6Address("2001:db8::1")),
            bridgeOptions: ["priority": 4096, "group_addr": 0x0180_C200_0004, "multicast_snooping": 0]
        ),
        WantedNetwork(name: "auto", southbound: .nic("eth3"), addressing6: .init(autoconf: true, dhcp: true)),
        WantedNetwork(name: "internal", southbound: nil),
    ]

    @Test("canonical attributes read back", arguments: networks)
    func canonical(_ network: WantedNetwork) throws {
        #expect(try WantedNetwork(name: network.name, canonical: network.canonical) == network)
    }

    @Test("bonds read back")
    func canonicalBonds() throws {
        var options = BondOptions(mode: .lacp)
        options[try #require(BondOption.byName["lacp_rate"])] = "1"
        for mac in [nil, MACAddress("52:54:00:00:00:01")] {
            let bond = WantedBond(name: "bond0", nics: ["eth1", "eth0"], options: options, hwaddr: mac)
            #expect(try WantedBond(name: "bond0", canonical: bond.canonical) == bond)
        }
    }

    @Test("saved, replaced, and nothing left over")
    func saves() throws {
        let temporary = TemporaryDirectory()
        let directory = temporary.directory
        let configuration = NetworkConfiguration.running(in: directory.path)
        #expect(try configuration.owned() == OwnedNetworks())
        let bond = WantedBond(name: "bond0", nics: ["eth1"])
        let all = OwnedNetworks(
            networks: Dictionary(uniqueKeysWithValues: Self.networks.map { ($0.name, $0) }),
            bonds: ["bond0": bond]
        )
        try configuration.save(all)
        #expect(try configuration.owned() == all)
        let first = configuration.tree
        let one = OwnedNetworks(networks: all.networks.filter { $0.key == "ovirtmgmt" })
        try configuration.save(one, instead: all)
        #expect(try configuration.owned() == one)
        try configuration.restore(first)
        #expect(try configuration.owned() == all, "files are shared, not moved")
        try configuration.save(one, instead: all)
        configuration.sweep()
        #expect(try configuration.owned() == one)
        let text = try #require(try NodeDirectory(configuration.root.appending("nets")).read("ovirtmgmt"))
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("    \"bootproto\": \"dhcp\",") && lines.contains("    \"mtu\": 1500,"))
        // The link and the directory that it names.
        #expect(try entries(configuration.root.removingLastComponent().string) == 2)
    }

    @Test("a file that is no network is an error, not a network of nobody")
    func damaged() throws {
        let temporary = TemporaryDirectory()
        let directory = temporary.directory
        let configuration = NetworkConfiguration.running(in: directory.path)
        try configuration.save(
            OwnedNetworks(networks: ["internal": WantedNetwork(name: "internal", southbound: nil)])
        )
        try NodeDirectory(configuration.root.appending("nets")).write(Array("{".utf8), to: "internal")
        #expect(throws: UnreadableEntity.self) { try configuration.owned() }
    }

    @Test("of what was committed the rest is read, and each file that can not be is named (R7)")
    func damagedAmongOthers() throws {
        let temporary = TemporaryDirectory()
        let configuration = NetworkConfiguration.persistent(in: temporary.path)
        var all = OwnedNetworks(
            networks: Dictionary(uniqueKeysWithValues: Self.networks.map { ($0.name, $0) }),
            bonds: [
                "bond0": WantedBond(name: "bond0", nics: ["eth1"]), "bond1": WantedBond(name: "bond1", nics: ["e"]),
            ]
        )
        try configuration.save(all)
        #expect(try configuration.readable().lost == [])
        let nets = NodeDirectory(configuration.root.appending("nets"))
        for (name, text) in [("storage", ""), ("six", "[]"), ("wan", #"{"nic": "eth0", "vlan": 5000}"#)] {
            try nets.write(Array(text.utf8), to: name)
            all.networks[name] = nil
        }
        try NodeDirectory(configuration.root.appending("bonds")).write([0xFF, 0xFE], to: "bond1")
        all.bonds["bond1"] = nil
        try NodeDirectory(nets.file("folder")).make()
        let (owned, entities) = try configuration.readable()
        let lost = entities.map(\.sentence)
        #expect(owned == all)
        #expect(lost.count == 5, "\(lost)")
        for name in ["storage", "six", "wan", "bond1", "folder"] {
            #expect(lost.contains { $0.hasPrefix("\(name) is left out: ") && $0.contains("/\(name) ") }, "\(lost)")
        }
        #expect(lost.contains { $0.contains("networks.wan.vlan") })
        // The next commit is whole again.
        try configuration.save(all, instead: owned)
        #expect(try configuration.readable().lost == [])
    }

    @Test func journal() throws {
        let temporary = TemporaryDirectory()
        let directory = temporary.directory
        let journal = UndoJournal(in: directory)
        #expect(try journal.read() == nil)
        let address = try #require(IPv4Network("10.0.0.2/24"))
        var before = NetworkState(
            links: [
                LinkState(name: "eth0", mac: MACAddress("52:54:00:00:00:01"), addresses: [address]),
                LinkState(name: "bond0", kind: .bond(BondOptions(mode: .lacp))),
                LinkState(
                    name: "br",
                    kind: .bridge(BridgeOptions(stp: true, forwardDelay: 200, values: ["priority": 1])),
                    ipv6Addresses: [IPv6Network("2001:db8::5/64")].compactMap(\.self)
                ),
                LinkState(name: "eth0.7", kind: .vlan(base: "eth0", id: 7)),
            ],
            routes: [RouteState(destination: .everything, gateway: IPv4Address("10.0.0.1"), link: "eth0")],
            dhcpClients: ["eth0"],
            nameservers: ["10.0.0.1"]
        )
        before.dhcp6Clients = ["br"]
        before.apply(.addRule(RuleState(.from, address, table: RuleState.table(of: "eth0"))))
        let entry = UndoJournal.Entry(before: before, touched: ["br", "eth0", "new"], tree: "netconf.abcdefgh")
        try journal.write(entry)
        #expect(try journal.read() == entry)
        // That of an agent that knew of no DHCPv6 clients.
        var (older, members) = (entry, try JSONValue(encoding: entry).object ?? [:])
        var state = members["before"]?.object ?? [:]
        #expect(state.removeValue(forKey: "dhcp6Clients") != nil && state.removeValue(forKey: "hasDHCP6Program") != nil)
        members["before"] = .object(state)
        let text = try JSONText.encode(JSONValue.object(members))
        try temporary.directory.write(Array(text.readableBytesView), to: "network-undo.json")
        older.before.dhcp6Clients = []
        #expect(try journal.read() == older)
        try journal.clear()
        #expect(try journal.read() == nil)
    }

    @Test func resolvers() throws {
        let temporary = TemporaryDirectory()
        let directory = temporary.directory
        let file = ResolverFile(directory.file("resolv.conf"))
        #expect(try file.nameservers() == [])
        try directory.write(Array("search a.example\nnameserver\t10.0.0.1\n".utf8), to: "resolv.conf")
        #expect(try file.nameservers() == ["10.0.0.1"])
        try file.write(["10.0.0.2", "10.0.0.3"])
        #expect(try file.nameservers() == ["10.0.0.2", "10.0.0.3"])
        let text = String(decoding: try #require(try directory.read("resolv.conf")), as: UTF8.self)
        #expect(text == "search a.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n")
    }

    private func entries(_ path: String) throws -> Int {
        let handle = try #require(opendir(path))
        defer { closedir(handle) }
        var count = 0
        while readdir(handle) != nil { count += 1 }
        return count - 2
    }
}
