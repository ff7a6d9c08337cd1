import HostModel
import SystemPackage
import Testing

@testable import Agent

@Suite struct BootNetworkPlanTests {
    static let tool = NetworkTool(
        busybox: "/bin/busybox",
        udhcpcScript: "/script",
        run: NodeDirectory("/run/muster-agent")
    )

    /// The steps as a person would type them.
    static func text(_ step: BootNetworkStep) -> String {
        switch step {
        case .addBond(let name, let options):
            "bond \(name) " + options.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        case .addPort(let link, let bond): "port \(link) of \(bond)"
        case .stopDHCP(let link): "stop DHCP on \(link)"
        case .acceptAdvertisements(let link): "advertisements on \(link)"
        case .startDHCP(let link, let name): "DHCP on \(link)" + (name.map { " as \($0)" } ?? "")
        default: tool.arguments(of: step).dropFirst().joined(separator: " ")
        }
    }

    private func plan(_ line: String, chosen: String, settings: NodeSettings = NodeSettings()) -> [String] {
        let configuration = NodeConfiguration(arguments: NodeArguments(KernelArguments(line)), settings: settings)
        let links = chosen.split(separator: " ").compactMap { LinkName($0) }
        return BootNetworkPlan(NetworkIntent(configuration), chosen: links, hostName: HostName("n1")).steps.map(
            Self.text
        )
    }

    private static func address(_ link: String) -> [String] { ["stop DHCP on \(link)", "-4 addr flush dev \(link)"] }
    private static func dhcp(_ link: String) -> [String] {
        address(link) + ["link set dev \(link) up", "DHCP on \(link) as n1"]
    }

    @Test func nothingSaidMeansDHCP() {
        #expect(plan("quiet", chosen: "eth0") == Self.dhcp("eth0"))
        #expect(plan("ip=dhcp", chosen: "eth0 eth1") == Self.dhcp("eth0") + Self.dhcp("eth1"))
        #expect(plan("", chosen: "").isEmpty)
    }

    @Test func fixedAddress() {
        let steps = plan("ip=10.0.0.5::10.0.0.1:24::eth1:none:9000 rd.route=10.1.2.3/16:10.0.0.9", chosen: "eth1")
        #expect(
            steps == Self.address("eth1") + [
                "link set dev eth1 mtu 9000", "link set dev eth1 up", "addr add 10.0.0.5/24 broadcast + dev eth1",
                "route replace default via 10.0.0.1 dev eth1", "route replace 10.1.0.0/16 via 10.0.0.9",
            ]
        )
    }

    @Test("a fixed address without an interface is given once")
    func fixedOnce() {
        #expect(plan("ip=10.0.0.5:::24", chosen: "eth0 eth1").contains("addr add 10.0.0.5/24 broadcast + dev eth0"))
        #expect(!plan("ip=10.0.0.5:::24", chosen: "eth0 eth1").contains { $0.contains("eth1") })
    }

    @Test("a gateway outside of the network gets a route of its own first")
    func foreignGateway() {
        let steps = plan("ip=10.0.0.5::192.0.2.1:32::eth0:none", chosen: "eth0")
        #expect(
            steps.suffix(2) == ["route replace 192.0.2.1/32 dev eth0", "route replace default via 192.0.2.1 dev eth0"]
        )
    }

    @Test func vlanOverBond() {
        let line = "ip=vlan5:dhcp vlan=vlan5:bond0 bond=bond0:eth0,eth1:mode=802.3ad,miimon=100:9000"
        let ports = ["eth0", "eth1"].flatMap {
            ["link set dev \($0) down", "-4 addr flush dev \($0)", "port \($0) of bond0"]
        }
        #expect(
            plan(line, chosen: "eth0 eth1")
                == ["bond bond0 mode=802.3ad,miimon=100", "link set dev bond0 mtu 9000"] + ports
                + ["link set dev bond0 up", "link set dev bond0 up", "link add link bond0 name vlan5 type vlan id 5"]
                + Self.dhcp("vlan5")
        )
    }

    @Test("what stands above the boot interface carries the address when nothing else is said")
    func topmost() {
        #expect(plan("bond=bond0:eth0,eth1", chosen: "eth0").suffix(4) == Self.dhcp("bond0")[...])
        #expect(plan("vlan=vlan5:eth0", chosen: "eth0").suffix(4) == Self.dhcp("vlan5")[...])
        #expect(plan("vlan=vlan5:eth0 vlan=vlan6:eth0", chosen: "eth0").suffix(4) == Self.dhcp("eth0")[...])
    }

    @Test("an interface with an argument of its own is not asked twice")
    func ownArgument() {
        let steps = plan("ip=eth0:off ip=dhcp", chosen: "eth0 eth1")
        #expect(steps.filter { $0.hasPrefix("DHCP") } == ["DHCP on eth1 as n1"])
    }

    @Test func newMAC() {
        let steps = plan("ip=eth0:dhcp::52:54:00:00:00:09", chosen: "eth0")
        #expect(
            steps == Self.address("eth0") + [
                "link set dev eth0 down", "link set dev eth0 address 52:54:00:00:00:09", "link set dev eth0 up",
                "DHCP on eth0 as n1",
            ]
        )
    }

    @Test("the console's settings take the place of the kernel arguments")
    func settings() {
        var settings = NodeSettings()
        settings.network = NodeSettings.Network(link: LinkName("eth1"), vlan: 7, address: IPv4Network("10.0.0.5/24"))
        let steps = plan("ip=eth0:dhcp vlan=vlan5:eth0", chosen: "eth1", settings: settings)
        #expect(
            steps == ["link set dev eth1 up", "link add link eth1 name vlan7 type vlan id 7"] + Self.address("vlan7")
                + ["link set dev vlan7 up", "addr add 10.0.0.5/24 broadcast + dev vlan7"]
        )
    }
}

@Suite struct LeaseTests {
    private func leaseOf(_ changes: [String: String?] = [:]) -> Lease? {
        var environment = [
            "ip": "10.0.0.5", "mask": "24", "router": "10.0.0.1 10.0.0.2", "dns": "10.0.0.1 x 8.8.8.8",
            "domain": "example.org",
            "hostname": "node-9", "mtu": "1400", "serverid": "10.0.0.1",
        ]
        for (name, value) in changes { environment[name] = value }
        return LinkName("eth0").flatMap { Lease(link: $0, environment: environment) }
    }

    @Test func takesWhatIsWellFormed() throws {
        let lease = try #require(leaseOf())
        #expect(lease.address.description == "10.0.0.5/24" && lease.gateway?.description == "10.0.0.1")
        #expect(lease.nameservers.map(\.description) == ["10.0.0.1", "8.8.8.8"])
        #expect(lease.hostName?.rawValue == "node-9" && lease.domain?.rawValue == "example.org" && lease.mtu == 1400)
        #expect(
            lease.steps.map(BootNetworkPlanTests.text) == [
                "link set dev eth0 mtu 1400", "addr add 10.0.0.5/24 broadcast + dev eth0",
                "route replace default via 10.0.0.1 dev eth0",
            ]
        )
    }

    @Test(
        "what a server may send and no machine can use",
        arguments: ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "x", "", "10.0.0.5;reboot"]
    )
    func unusableAddress(ip: String) { #expect(leaseOf(["ip": ip]) == nil) }

    @Test func hostileWordsAreLeftOut() throws {
        let words = [
            "hostname": "$(reboot)", "domain": "a\nnameserver 6.6.6.6", "router": "; reboot", "dns": "\u{1b}[2J",
            "mtu": "9",
            "staticroutes": "10.0.0.0/8 ; 0.0.0.0/0",
        ]
        let lease = try #require(leaseOf(words))
        #expect(lease.hostName == nil && lease.gateway == nil && lease.nameservers.isEmpty)
        #expect(lease.mtu == nil && lease.routes.isEmpty)
        #expect(lease.domain == nil)
    }

    @Test("classless routes take the place of the router (RFC 3442)")
    func classlessRoutes() throws {
        let lease = try #require(
            leaseOf(["mtu": nil, "staticroutes": "192.168.0.0/16 10.0.0.9 0.0.0.0/0 10.0.0.1 10.9.0.0/16 0.0.0.0 odd"])
        )
        #expect(
            lease.steps.dropFirst().map(BootNetworkPlanTests.text) == [
                "route replace 192.168.0.0/16 via 10.0.0.9 dev eth0", "route replace default via 10.0.0.1 dev eth0",
                "route replace 10.9.0.0/16 dev eth0",
            ]
        )
    }

    @Test("a network without the default route gives none away, whole, in halves or in quarters; nor by its mask (R6)")
    func noDefaultByTheBack() throws {
        let ways = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "8.0.0.0/7", "10.0.0.0/8", "192.0.2.0/24"]
        let lease = try #require(
            leaseOf(["mtu": nil, "staticroutes": ways.map { "\($0) 10.0.0.1" }.joined(separator: " ")])
        )
        func routes(_ role: LeaseRoles.Role?) -> [String] {
            lease.steps(role).compactMap { step in
                guard case .addRoute(let destination, _, _) = step else { return nil }
                return destination.description
            }
        }
        #expect(routes(.init(defaultRoute: false, nameservers: [])) == ["10.0.0.0/8", "192.0.2.0/24"])
        #expect(routes(.init(defaultRoute: true, nameservers: [])) == ways && routes(nil) == ways)
        #expect(
            lease.refused(.init(defaultRoute: false, nameservers: [])).map(\.destination.description)
                == ["0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "8.0.0.0/7"]
        )
        #expect(lease.refused(nil).isEmpty)
        for mask in ["0", "1", "7", "128.0.0.0"] { #expect(leaseOf(["mask": mask]) == nil, "\(mask)") }
        #expect(leaseOf(["mask": "8"]) != nil)
    }

    @Test(arguments: [
        (["mask": "33"], false), (["mask": nil, "subnet": "255.255.0.0"], true), (["subnet": "255.0.255.0"], false),
    ])
    func masks(changes: [String: String?], isGood: Bool) { #expect((leaseOf(changes) != nil) == isGood) }

    @Test func resolver() throws {
        let lease = try #require(leaseOf())
        let configured = ["9.9.9.9", "8.8.8.8"].compactMap { IPv4Address($0) }
        let resolver = ResolverConfiguration(configured: configured, leases: [lease, lease])
        #expect(resolver.text == "search example.org\nnameserver 9.9.9.9\nnameserver 8.8.8.8\nnameserver 10.0.0.1\n")
        #expect(ResolverConfiguration(configured: [], leases: []).text.isEmpty)
    }
}
