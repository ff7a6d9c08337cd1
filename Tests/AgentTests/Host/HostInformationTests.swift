import AgentWire
import Glibc
import HostModel
import NIOCore
import Netlink
import SystemPackage
import Testing

@testable import Agent

/// The texts of /proc, as kernels write them.
@Suite struct HostInformationTests {
    @Test("the console's password does not leave the host with its kernel arguments")
    func kernelArguments() throws {
        let temporary = TemporaryDirectory()
        let root = temporary.directory
        try temporary.directory("proc").write(Array("quiet adminpw=$6$salt$hash\n".utf8), to: "cmdline")
        let capabilities = HostInventory(root: root.path).capabilities(
            OwnedHere(NetworkOwnership()),
            try KernelSnapshot.read(),
            client: nil
        )
        #expect(capabilities.kernelArgs == "quiet adminpw=…")
    }

    @Test("serial number and UUID are for root and serve only")
    func hardwareFile() throws {
        let temporary = TemporaryDirectory()
        let run = try temporary.directory("run")
        try HardwareFile(in: run).write(HardwareInformation(), group: getgid())
        var status = stat()
        #expect(stat(run.file("hardware.json").string, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }

    static let cpuinfo = """
        processor\t: 0
        vendor_id\t: GenuineIntel
        model name\t: Intel(R)  Xeon(R) CPU
        cpu MHz\t\t: 2394.374
        physical id\t: 0
        core id\t\t: 0
        flags\t\t: fpu cx8 cmov mmx fxsr sse2 nx lm ssse3 lahf_lm

        processor\t: 1
        model name\t: another
        physical id\t: 0
        core id\t\t: 0

        processor\t: 2
        physical id\t: 1
        core id\t\t: 0
        """

    @Test func processor() {
        let processor = ProcessorInformation(cpuinfo: Self.cpuinfo)
        #expect(processor.model == "Intel(R) Xeon(R) CPU")
        #expect(processor.megahertz == "2394.374")
        #expect((processor.cpus.count, processor.coreCount, processor.socketCount) == (3, 2, 2))
        let flags = processor.reportedFlags.split(separator: ",")
        #expect(flags.contains("model_Conroe") && flags.contains("lahf_lm"))
        #expect(!flags.contains("model_Penryn"), "sse4_1 is missing")
    }

    @Test("a virtual machine without topology has a core for each processor")
    func plainProcessor() {
        let processor = ProcessorInformation(cpuinfo: "processor : 0\nflags : sse2\nprocessor : 1\nnonsense\n: \n")
        #expect((processor.cpus.count, processor.coreCount, processor.socketCount) == (2, 2, 1))
        #expect(ProcessorInformation(cpuinfo: "").cpus.isEmpty)
    }

    @Test func memory() {
        let memory = MemoryInformation(meminfo: "MemTotal:  4096 kB\nMemFree: 1024 kB\nCached: 1024 kB\nbroken\nX: y\n")
        #expect(memory.mebibytes("MemTotal") == 4)
        #expect((memory.available, memory.usedPercent) == (2, 50))
        #expect(MemoryInformation(meminfo: "").usedPercent == 0)
    }

    @Test func processorTime() {
        let first = ProcessorTime(stat: "cpu 10 0 10 80 0 0 0 0\ncpu0 10 0 10 80\nbtime 1700000000\n")
        let second = ProcessorTime(stat: "cpu 20 10 20 140 0 0 0 0 9 9\ncpu0 x\n")
        #expect(first.bootTime == 1_700_000_000)
        #expect(first.each[0]?.idle == 80)
        let shares = ProcessorTime.shares(from: first.all, to: second.all)
        #expect(percentText(shares.user) == "22.22")
        #expect(percentText(shares.system) == "11.11")
        #expect(percentText(shares.idle) == "66.67")
        #expect(ProcessorTime.shares(from: second.all, to: second.all).idle == 100)
    }

    @Test(arguments: [
        ("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"", "Debian", "12"),
        ("ID='centos'\nVERSION_ID=9", "RHEL", "9"), ("ID=centos\nVARIANT_ID=\"ovirt-node\"", "oVirt Node", ""),
        ("ID=other\nNAME=Other", "Other", ""), ("\"\n=\nID", "", ""),
    ])
    func operatingSystem(text: String, name: String, version: String) {
        let file = OperatingSystemFile(text: text)
        #expect((file.name, file.version) == (name, version))
    }
}

@Suite struct NetworkInventoryTests {
    @Test("the links as VDSM groups them")
    func groups() throws {
        let address = try #require(IPv4Network("10.0.0.5/24"))
        let second = try #require(IPv4Network("192.0.2.5/24"))
        var state = NetworkState(
            links: [
                LinkState(
                    name: "eth0",
                    mac: MACAddress("52:54:00:00:00:01"),
                    isUp: true,
                    hasCarrier: true,
                    master: "ovirtmgmt"
                ),
                LinkState(name: "ovirtmgmt", kind: .bridge(BridgeOptions(stp: true)), addresses: [second, address]),
                LinkState(name: "eth1.5", kind: .vlan(base: "eth1", id: 5), mtu: 9000),
                LinkState(name: "bond0", kind: .bond(BondOptions())), LinkState(name: "lo", kind: .loopback),
                LinkState(name: "wlan0"), LinkState(name: "veth_0", kind: .other("veth")),
                LinkState(name: "veth9", kind: .other("veth")), LinkState(name: "tap0", kind: .other("tun")),
                LinkState(name: ";vdsmdummy;", kind: .bridge(BridgeOptions())),
            ],
            routes: [RouteState(destination: .everything, gateway: IPv4Address("10.0.0.1"), link: "ovirtmgmt")]
        )
        state.links["eth1"] = LinkState(name: "eth1")
        var ownership = NetworkOwnership()
        let management = WantedNetwork(
            name: "ovirtmgmt",
            southbound: .nic("eth0"),
            addressing: .dhcp,
            defaultRoute: true
        )
        let gone = WantedNetwork(name: "gone", southbound: .nic("eth1"))
        let plain = WantedNetwork(name: "plain", southbound: .nic("eth1"), vlan: 5, bridged: false, mtu: 9000)
        ownership.networks = ["ovirtmgmt": management.canonical, "gone": gone.canonical, "plain": plain.canonical]
        (ownership.dhcpClients, ownership.isDirty) = (["ovirtmgmt"], true)
        var capabilities = HostCapabilities()
        NetworkInventory(state: state, owned: OwnedHere(ownership), speeds: ["eth0": 1000]).fill(&capabilities)
        #expect(capabilities.nics.keys.sorted() == ["eth0", "eth1", "veth_0"])
        #expect(capabilities.nics["eth0"]?.speed == 1000)
        #expect(["eth0", "eth1"].map { capabilities.nics[$0]?.operstate } == ["up", "down"])
        #expect(capabilities.bridges.keys.sorted() == ["ovirtmgmt"])
        #expect(capabilities.bridges["ovirtmgmt"]?.ports == ["eth0"])
        #expect(capabilities.bridges["ovirtmgmt"]?.stp == "on")
        #expect(capabilities.vlans["eth1.5"]?.iface == "eth1")
        #expect(capabilities.vlans["eth1.5"]?.address.mtu == "9000")
        #expect(capabilities.bondings.keys.sorted() == ["bond0"])
        #expect(capabilities.netConfigDirty == "True")
        let bridged = try #require(capabilities.networks["ovirtmgmt"])
        #expect((bridged.iface, bridged.southbound, bridged.ports) == ("ovirtmgmt", "eth0", ["eth0"]))
        #expect(
            (bridged.address.addr, bridged.address.netmask) == ("10.0.0.5", "255.255.255.0"),
            "in the gateway's net"
        )
        #expect(bridged.address.ipv4defaultroute && bridged.address.dhcpv4)
        let bridgeless = try #require(capabilities.networks["plain"])
        #expect((bridgeless.interface, bridgeless.vlanid, bridgeless.bridged) == ("eth1.5", 5, false))
        #expect(capabilities.networks["gone"] == nil, "it is not in the kernel")
    }

    @Test("the shares of networks, at the nic or bond that they share: the untagged one as -1 (R11)")
    func shares() throws {
        func network(_ name: String, _ base: WantedNetwork.Southbound, vlan: Int?, _ share: Int?) -> WantedNetwork {
            WantedNetwork(
                name: name,
                southbound: base,
                vlan: vlan,
                hostQoS: share.map { TrafficShare(linkShare: ServiceCurve(m2: $0)) }
            )
        }
        let networks = [
            network("a", .nic("eth0"), vlan: 7, 8000), network("b", .nic("eth0"), vlan: nil, 16000),
            network("c", .nic("eth0"), vlan: 9, nil), network("d", .bonding("bond0"), vlan: 0, 24000),
        ]
        let links =
            ["eth0", "eth1"].map { LinkState(name: $0) } + [LinkState(name: "bond0", kind: .bond(BondOptions()))]
        var ownership = NetworkOwnership()
        ownership.networks = Dictionary(uniqueKeysWithValues: networks.map { ($0.name, $0.canonical) })
        var capabilities = HostCapabilities()
        NetworkInventory(state: NetworkState(links: links), owned: OwnedHere(ownership)).fill(&capabilities)
        func told(_ shares: [LinkShareReport]?) -> [Int: JSONValue]? {
            shares.map {
                Dictionary(uniqueKeysWithValues: $0.map { ($0.vlan, $0.hostQos["out"]?["ls"]?["m2"] ?? .null) })
            }
        }
        #expect(capabilities.nics["eth0"]?.qos?.map(\.vlan) == [-1, 7])
        #expect(told(capabilities.nics["eth0"]?.qos) == [-1: .integer(16000), 7: .integer(8000)])
        #expect(told(capabilities.bondings["bond0"]?.qos) == [0: .integer(24000)])
        #expect(capabilities.nics["eth1"]?.qos == nil)
        let json = try capabilities.result()
        #expect(
            json["nics"]?["eth0"]?["qos"]?.array?.first?["vlan"] == .integer(-1) && json["nics"]?["eth1"]?["qos"] == nil
        )
        #expect(try HostCapabilities(result: json) == capabilities)
    }

    @Test("a network by DHCP stays one while its client has fallen")
    func fallenClient() throws {
        var ownership = NetworkOwnership()
        ownership.networks = ["n": WantedNetwork(name: "n", southbound: .nic("eth0"), addressing: .dhcp).canonical]
        let links = [LinkState(name: "eth0"), LinkState(name: "n", kind: .bridge(BridgeOptions()))]
        var capabilities = HostCapabilities()
        NetworkInventory(state: NetworkState(links: links), owned: OwnedHere(ownership)).fill(&capabilities)
        #expect(capabilities.networks["n"]?.address.dhcpv4 == true)
    }

    @Test("who has the networks already is told so, and nothing else")
    func unchangedOwnership() throws {
        var ownership = NetworkOwnership()
        (ownership.networks, ownership.revision) = (["n": WantedNetwork(name: "n", southbound: nil).canonical], "one")
        #expect(String(buffer: try JSONText.encode(ownership.answer(to: "one"))) == #"{"isUnchanged":true}"#)
        for known in [nil, "", "two"] {
            let text = try JSONText.encode(ownership.answer(to: known))
            #expect(try NetworkOwnership(result: JSONText.decode(JSONValue.self, from: text)) == ownership)
        }
    }

    @Test("every fact about the networks makes another answer")
    func ownershipFacts() {
        func facts(
            _ tree: String? = "a",
            _ clients: Set<String> = [],
            _ servers: [String] = [],
            _ flags: (Bool, Bool) = (false, false),
            _ drift: String? = nil,
            _ lost: [UnreadableEntity] = []
        ) -> OwnershipFacts {
            var found = NetworkDrift()
            if let drift { found.add(drift, to: "n") }
            return OwnershipFacts(
                trees: [tree, nil],
                state: (clients, servers),
                isChanging: flags.0,
                isRestoring: flags.1,
                drift: found,
                lost: lost
            )
        }
        let gone = UnreadableEntity(name: "n", path: "/n", reason: "it is no JSON object")
        let all = [
            facts(), facts("b"), facts(nil), facts("a", ["n"]), facts("a", [], ["192.0.2.1"]),
            facts("a", [], [], (true, false)), facts("a", [], [], (false, true)),
            facts("a", [], [], (false, false), "its mtu is 1400"), facts("a", [], [], (false, false), nil, [gone]),
        ]
        #expect(Set(all).count == all.count)
        #expect(facts() == facts())
    }
}
