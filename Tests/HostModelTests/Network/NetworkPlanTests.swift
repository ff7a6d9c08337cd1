import Testing

@testable import HostModel

/// Goldens of plans: the steps as a person reads them. Each one is also undone, step for step.
@Suite struct NetworkPlanTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var start: NetworkState
        var owned: [WantedNetwork] = []
        var request: [String: [String: AttributeValue]]
        var steps: String
    }

    static let cases = [
        Case(
            testDescription:
                "ovirtmgmt over a NIC with a lease: address, route and client move, the MAC stays the NIC's",
            start: .booted(dhcp: true),
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true"]],
            steps: """
                create bridge ovirtmgmt with address 52:54:00:00:00:01 (spanning tree off, forward delay 0)
                set ovirtmgmt up
                stop the DHCP client on eth0
                turn IPv6 off on eth0
                put eth0 in ovirtmgmt
                add 10.77.0.5/24 to ovirtmgmt
                route default via 10.77.0.1 dev ovirtmgmt
                remove 10.77.0.5/24 from eth0
                start the DHCP client on ovirtmgmt
                """
        ),
        Case(
            testDescription: "ovirtmgmt with the NIC's own static address",
            start: .booted(dhcp: false),
            request: [
                "ovirtmgmt": [
                    "nic": "eth0", "ipaddr": "10.77.0.5", "netmask": "255.255.255.0", "gateway": "10.77.0.1",
                    "defaultRoute": "true", "STP": "yes", "nameservers": .list(["10.77.0.1"]),
                ]
            ],
            steps: """
                create bridge ovirtmgmt with address 52:54:00:00:00:01 (spanning tree on, forward delay 0)
                set ovirtmgmt up
                turn IPv6 off on eth0
                put eth0 in ovirtmgmt
                add 10.77.0.5/24 to ovirtmgmt
                route default via 10.77.0.1 dev ovirtmgmt
                remove 10.77.0.5/24 from eth0
                ask 10.77.0.1
                """
        ),
        Case(
            testDescription: "a bridged VLAN beside the untagged address, with a larger MTU below first",
            start: .booted(dhcp: true),
            request: [
                "storage": ["nic": "eth0", "vlan": "12", "mtu": "9000", "ipaddr": "10.12.0.5", "prefix": "16"]
            ],
            steps: """
                set eth0 mtu 9000
                create VLAN eth0.12 with id 12 over eth0
                set eth0.12 up
                create bridge storage with address 52:54:00:00:00:01 (spanning tree off, forward delay 0)
                set storage mtu 9000
                set storage up
                turn IPv6 off on eth0.12
                put eth0.12 in storage
                add 10.12.0.5/16 to storage
                """
        ),
        Case(
            testDescription: "the boot made the VLAN under another name: its lease moves",
            start: .bootedOnVLAN,
            request: ["ovirtmgmt": ["nic": "eth1", "vlan": "5", "bootproto": "dhcp", "defaultRoute": "true"]],
            steps: """
                stop the DHCP client on vlan5
                remove route default via 10.77.0.1 dev vlan5
                remove 10.77.0.5/24 from vlan5
                set vlan5 down
                delete vlan5
                create VLAN eth1.5 with id 5 over eth1
                set eth1.5 up
                create bridge ovirtmgmt with address 52:54:00:00:00:02 (spanning tree off, forward delay 0)
                set ovirtmgmt up
                turn IPv6 off on eth1.5
                put eth1.5 in ovirtmgmt
                add 10.77.0.5/24 to ovirtmgmt
                route default via 10.77.0.1 dev ovirtmgmt
                start the DHCP client on ovirtmgmt
                """
        ),
        Case(
            testDescription: "bridgeless on the NIC as it is: nothing to do",
            start: .booted(dhcp: true),
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true", "bridged": "false"]],
            steps: ""
        ),
        Case(
            testDescription: "bridgeless, from a lease to another static address",
            start: .booted(dhcp: true),
            request: [
                "net": [
                    "nic": "eth0", "ipaddr": "10.77.0.9", "prefix": "24", "gateway": "10.77.0.254",
                    "defaultRoute": "true", "bridged": "false",
                ]
            ],
            steps: """
                stop the DHCP client on eth0
                add 10.77.0.9/24 to eth0
                route default via 10.77.0.254 dev eth0
                remove 10.77.0.5/24 from eth0
                """
        ),
        Case(
            testDescription: "a bridge without ports",
            start: .booted(dhcp: true),
            request: ["internal": [:]],
            steps: """
                create bridge internal (spanning tree off, forward delay 0)
                set internal up
                """
        ),
        Case(
            testDescription: "the same network again: nothing to do",
            start: .bridged,
            owned: [.management],
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true"]],
            steps: ""
        ),
        Case(
            testDescription: "removal",
            start: .bridged,
            owned: [.management],
            request: ["ovirtmgmt": ["remove": "true"]],
            steps: """
                stop the DHCP client on ovirtmgmt
                remove route default via 10.77.0.1 dev ovirtmgmt
                remove 10.77.0.5/24 from ovirtmgmt
                take eth0 out of its bridge
                turn IPv6 on on eth0
                set ovirtmgmt down
                delete ovirtmgmt
                """
        ),
        Case(
            testDescription: "bridged to bridgeless keeps the lease",
            start: .bridged,
            owned: [.management],
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true", "bridged": "no"]],
            steps: """
                stop the DHCP client on ovirtmgmt
                remove route default via 10.77.0.1 dev ovirtmgmt
                remove 10.77.0.5/24 from ovirtmgmt
                take eth0 out of its bridge
                turn IPv6 on on eth0
                set ovirtmgmt down
                delete ovirtmgmt
                add 10.77.0.5/24 to eth0
                route default via 10.77.0.1 dev eth0
                start the DHCP client on eth0
                """
        ),
        Case(
            testDescription: "the tag changes: the old VLAN goes, the bridge stays",
            start: .tagged,
            owned: [.tagged],
            request: ["vm": ["nic": "eth1", "vlan": "6"]],
            steps: """
                take eth1.5 out of its bridge
                turn IPv6 on on eth1.5
                set eth1.5 down
                delete eth1.5
                create VLAN eth1.6 with id 6 over eth1
                set eth1.6 up
                turn IPv6 off on eth1.6
                put eth1.6 in vm
                """
        ),
        Case(
            testDescription: "the device was deleted behind the agent's back",
            start: .booted(dhcp: true),
            owned: [.tagged],
            request: ["vm": ["nic": "eth1", "vlan": "5"]],
            steps: """
                create VLAN eth1.5 with id 5 over eth1
                set eth1.5 up
                create bridge vm with address 52:54:00:00:00:02 (spanning tree off, forward delay 0)
                set vm up
                turn IPv6 off on eth1.5
                put eth1.5 in vm
                """
        ),
        Case(
            testDescription: "the default route goes to another network",
            start: .bridged,
            owned: [.management],
            request: [
                "wan": [
                    "nic": "eth1", "bridged": "false", "ipaddr": "192.0.2.2", "prefix": "24", "gateway": "192.0.2.1",
                    "defaultRoute": "true",
                ]
            ],
            steps: """
                add 192.0.2.2/24 to eth1
                route default via 192.0.2.1 dev eth1
                """
        ),
    ]

    @Test(arguments: cases)
    func plans(_ sample: Case) throws {
        let plan = try plan(sample)
        #expect(plan.steps.map(\.description).joined(separator: "\n") == sample.steps)
        #expect(plan.deviations(in: plan.expected).isEmpty)
    }

    @Test("the undo leads back, from the end and from every step on the way", arguments: cases)
    func undoes(_ sample: Case) throws {
        let plan = try plan(sample)
        var state = plan.expected
        for step in plan.undo { state = state.applying(step) }
        #expect(state.comparable == sample.start.comparable)
        for count in 0..<plan.steps.count {
            // After a kill the whole undo is done, whatever was reached.
            var reached = sample.start
            for step in plan.steps.prefix(count) { reached = reached.applying(step) }
            for step in plan.undo { reached = reached.applying(step) }
            #expect(reached.links.keys == sample.start.links.keys, "after \(count) steps")
            #expect(reached.dhcpClients == sample.start.dhcpClients, "after \(count) steps")
        }
    }

    @Test("planning again from the expected end finds nothing to do", arguments: cases)
    func settles(_ sample: Case) throws {
        let plan = try plan(sample)
        let owned = try change(sample).desired
        let again = try NetworkChange(
            networks: sample.request.filter { $0.value["remove"] == nil }.mapValues { NetworkAttributes($0) },
            bondings: [:],
            owned: owned,
            state: plan.expected
        )
        #expect(NetworkPlan.change(again, owned: owned, from: plan.expected).steps.isEmpty)
    }

    @Test("a state that differs is seen", arguments: cases.filter { !$0.steps.isEmpty })
    func deviates(_ sample: Case) throws {
        #expect(try !plan(sample).deviations(in: sample.start).isEmpty)
    }

    private func plan(_ sample: Case) throws -> NetworkPlan {
        NetworkPlan.change(try change(sample), owned: owned(sample), from: sample.start)
    }

    private func change(_ sample: Case) throws -> NetworkChange {
        try NetworkChange(
            networks: sample.request.mapValues { NetworkAttributes($0) },
            bondings: [:],
            owned: owned(sample),
            state: sample.start
        )
    }

    private func owned(_ sample: Case) -> [String: WantedNetwork] {
        Dictionary(uniqueKeysWithValues: sample.owned.map { ($0.name, $0) })
    }
}

extension NetworkState {
    /// Two NICs; eth0 has the address and the default route.
    static func booted(dhcp: Bool) -> NetworkState {
        NetworkState(
            links: [
                LinkState(
                    name: "eth0",
                    mac: MACAddress("52:54:00:00:00:01"),
                    isUp: true,
                    hasCarrier: true,
                    addresses: [IPv4Network("10.77.0.5/24")].compactMap(\.self)
                ),
                LinkState(name: "eth1", mac: MACAddress("52:54:00:00:00:02"), isUp: true),
                LinkState(name: "lo", kind: .loopback, isUp: true),
            ],
            routes: [RouteState(destination: .everything, gateway: IPv4Address("10.77.0.1"), link: "eth0")],
            dhcpClients: dhcp ? ["eth0"] : [],
            nameservers: ["10.77.0.53"]
        )
    }

    /// `booted` after ovirtmgmt was made over eth0.
    static var bridged: NetworkState {
        var state = booted(dhcp: true)
        for step: NetworkStep in [
            .stopDHCP(link: "eth0"), .setIPv6(link: "eth0", enabled: false),
            .createBridge(name: "ovirtmgmt", mac: MACAddress("52:54:00:00:00:01"), options: BridgeOptions()),
            .setUp(link: "ovirtmgmt", isUp: true), .setMaster(link: "eth0", master: "ovirtmgmt"),
            .startDHCP(link: "ovirtmgmt"),
        ] { state = state.applying(step) }
        let addresses = state.links["eth0"]?.addresses ?? []
        state.links["ovirtmgmt"]?.addresses = addresses
        state.links["eth0"]?.addresses = []
        state.routes = [RouteState(destination: .everything, gateway: IPv4Address("10.77.0.1"), link: "ovirtmgmt")]
        return state
    }

    /// `booted` with a guests' network on VLAN 5 of eth1.
    static var tagged: NetworkState {
        [
            .createVLAN(name: "eth1.5", base: "eth1", id: 5), .setUp(link: "eth1.5", isUp: true),
            .createBridge(name: "vm", mac: MACAddress("52:54:00:00:00:02"), options: BridgeOptions()),
            .setUp(link: "vm", isUp: true), .setIPv6(link: "eth1.5", enabled: false),
            .setMaster(link: "eth1.5", master: "vm"),
        ].reduce(booted(dhcp: true)) { (state: NetworkState, step: NetworkStep) in state.applying(step) }
    }

    /// The address and the default route on VLAN 5 of eth1, named as a kernel argument can name it.
    static var bootedOnVLAN: NetworkState {
        var state = booted(dhcp: false)
        let addresses = state.links["eth0"]?.addresses ?? []
        state.links["eth0"]?.addresses = []
        state = state.applying(.createVLAN(name: "vlan5", base: "eth1", id: 5)).applying(
            .setUp(link: "vlan5", isUp: true)
        )
        state.links["vlan5"]?.addresses = addresses
        state.routes = [RouteState(destination: .everything, gateway: IPv4Address("10.77.0.1"), link: "vlan5")]
        state.dhcpClients = ["vlan5"]
        return state
    }

    /// Without what no step sets: the order of routes, and the carrier.
    var comparable: NetworkState {
        var state = self
        for name in links.keys { state.links[name]?.hasCarrier = false }
        state.routes.sort { $0.description < $1.description }
        return state
    }
}

extension WantedNetwork {
    static let management = WantedNetwork(
        name: "ovirtmgmt",
        southbound: .nic("eth0"),
        addressing: .dhcp,
        defaultRoute: true
    )
    static let tagged = WantedNetwork(name: "vm", southbound: .nic("eth1"), vlan: 5)
}
