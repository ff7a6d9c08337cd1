import AgentWire
import HostModel
import Testing

@testable import Engine
@testable import EngineAPI

/// What oVirt's clients see of a host's cards, bonds and VLAN devices (ovirt.md 4.7).
@Suite struct ReportedNICTests {
    private static let host = UniqueID.random()

    private static func shown(_ change: (inout HostCapabilities) -> Void) -> [String: ReportedNICResource] {
        var report = HostCapabilities()
        report.nics["eth0"] = NICReport(
            hwaddr: "52:54:00:00:00:01",
            speed: 1000,
            operstate: "up",
            address: AddressReport()
        )
        report.nics["eth1"] = NICReport(hwaddr: "52:54:00:00:00:02", speed: 0, address: AddressReport())
        change(&report)
        let network = NetworkRecord(
            id: .random(),
            name: "red",
            description: "",
            dataCenter: .random(),
            mtu: 0,
            usages: [],
            isRequired: false
        )
        let all = ReportedNICs(of: host, name: "kvm-1", report, [network]).all
        return Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }

    @Test func cards() {
        let nics = Self.shown { _ in }
        #expect(nics.count == 2)
        #expect(nics["eth0"]?.speed == "1000000000" && nics["eth0"]?.status == "up" && nics["eth0"]?.id == "eth0")
        #expect(nics["eth1"]?.speed == nil && nics["eth1"]?.status == "down" && nics["eth1"]?.network == nil)
        #expect(nics["eth0"]?.href == "/ovirt-engine/api/hosts/\(Self.host)/nics/eth0")
    }

    @Test("a bond has its options with oVirt's words, its slaves as links, and is up with one of them")
    func bonds() throws {
        let nics = Self.shown { report in
            var bond = BondReport(
                hwaddr: "52:54:00:00:00:01",
                slaves: ["eth1", "eth0"],
                opts: ["mode": "4"],
                speed: 1000,
                address: AddressReport()
            )
            (bond.active_slave, bond.ad_partner_mac, bond.ad_aggregator_id) = ("eth0", "00:00:5e:00:53:01", "1")
            report.bondings["bond0"] = bond
        }
        let bond = try #require(nics["bond0"])
        let bonding = try #require(bond.bonding)
        #expect(bond.status == "up" && bond.ad_aggregator_id == "1")
        #expect(
            bonding.options.option == [
                .init(name: "miimon", value: "100", type: nil),
                .init(name: "mode", value: "4", type: "Dynamic link aggregation (802.3ad)"),
            ]
        )
        #expect(bonding.slaves.host_nic.map(\.id) == ["eth0", "eth1"])
        #expect(bonding.slaves.host_nic.first?.href == nics["eth0"]?.href)
        #expect(bonding.active_slave?.id == "eth0" && bonding.ad_partner_mac?.address == "00:00:5e:00:53:01")
    }

    @Test("a network's address is shown as that of the device below it, with and without a tag")
    func networks() throws {
        let nics = Self.shown { report in
            var address = AddressReport()
            (address.addr, address.netmask, address.gateway) = ("192.0.2.5", "255.255.255.0", "192.0.2.1")
            (address.ipv6addrs, address.ipv6gateway, address.ipv6autoconf) = (["2001:db8::5/64"], "2001:db8::1", true)
            report.networks["ovirtmgmt"] = NetworkReport(
                iface: "ovirtmgmt",
                bridged: true,
                southbound: "eth0",
                ports: ["eth0"],
                address: address
            )
            address.dhcpv4 = true
            report.vlans["eth0.7"] = VLANReport(iface: "eth0", vlanid: 7, address: AddressReport())
            report.networks["red"] = NetworkReport(
                iface: "eth0.7",
                bridged: false,
                southbound: "eth0.7",
                ports: [],
                address: address
            )
        }
        let eth0 = try #require(nics["eth0"])
        #expect(eth0.bridged && eth0.network?.name == "ovirtmgmt" && eth0.boot_protocol == "static")
        #expect(eth0.ip?.address == "192.0.2.5" && eth0.ip?.gateway == "192.0.2.1")
        #expect(
            eth0.ipv6_boot_protocol == "autoconf" && eth0.ipv6?.address == "2001:db8::5" && eth0.ipv6?.netmask == "64"
        )
        let vlan = try #require(nics["eth0.7"])
        #expect(vlan.vlan?.id == "7" && vlan.base_interface == "eth0" && vlan.status == "up" && !vlan.bridged)
        #expect(vlan.network?.href?.hasPrefix("/ovirt-engine/api/networks/") == true, "it is one of the data center's")
        #expect(vlan.boot_protocol == "dhcp" && vlan.mac?.address == "52:54:00:00:00:01")
    }

    @Test("numbers that no card has are no crash")
    func hostile() {
        let nics = Self.shown { report in
            report.nics["eth0"]?.speed = .max
            report.vlans["x"] = VLANReport(iface: "nowhere", vlanid: .max, address: AddressReport())
        }
        #expect(nics["eth0"]?.speed == nil && nics["x"]?.status == "down")
    }
}
