@testable import HostModel

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
            .stopDHCP(link: "eth0"), .setIPv6(link: "eth0", .off),
            .createBridge(name: "ovirtmgmt", mac: MACAddress("52:54:00:00:00:01"), mtu: 1500, options: BridgeOptions()),
            .setUp(link: "ovirtmgmt", isUp: true), .setMaster(link: "eth0", master: "ovirtmgmt"),
            .startDHCP(link: "ovirtmgmt"),
        ] { state = state.applying(step) }
        let addresses = state.links["eth0"]?.addresses ?? []
        state.links["ovirtmgmt"]?.addresses = addresses
        state.links["eth0"]?.addresses = []
        state.routes = RouteTable([
            RouteState(destination: .everything, gateway: IPv4Address("10.77.0.1"), link: "ovirtmgmt")
        ])
        state.links["ovirtmgmt"]?.ipv6.isEnabled = false
        return state
    }

    /// `booted` with a guests' network on VLAN 5 of eth1.
    static var tagged: NetworkState {
        [
            .createVLAN(name: "eth1.5", base: "eth1", id: 5, mtu: 1500), .setUp(link: "eth1.5", isUp: true),
            .createBridge(name: "vm", mac: MACAddress("52:54:00:00:00:02"), mtu: 1500, options: BridgeOptions()),
            .setUp(link: "vm", isUp: true), .setIPv6(link: "eth1.5", .off), .setIPv6(link: "vm", .off),
            .setMaster(link: "eth1.5", master: "vm"),
        ].reduce(booted(dhcp: true)) { (state: NetworkState, step: NetworkStep) in state.applying(step) }
    }

    /// The address and the default route on VLAN 5 of eth1, named as a kernel argument can name it.
    static var bootedOnVLAN: NetworkState {
        var state = booted(dhcp: false)
        let addresses = state.links["eth0"]?.addresses ?? []
        state.links["eth0"]?.addresses = []
        state = state.applying(.createVLAN(name: "vlan5", base: "eth1", id: 5, mtu: 1500)).applying(
            .setUp(link: "vlan5", isUp: true)
        )
        state.links["vlan5"]?.addresses = addresses
        state.routes = RouteTable([
            RouteState(destination: .everything, gateway: IPv4Address("10.77.0.1"), link: "vlan5")
        ])
        state.dhcpClients = ["vlan5"]
        return state
    }

    /// `booted`, with two more nics that nobody uses.
    static var twoFree: NetworkState {
        var state = booted(dhcp: true)
        state.links["eth2"] = LinkState(name: "eth2", mac: MACAddress("52:54:00:00:00:03"))
        state.links["eth3"] = LinkState(name: "eth3", mac: MACAddress("52:54:00:00:00:04"))
        return state
    }

    /// bond0 over eth1 and eth2.
    static var bonded: NetworkState {
        var state = twoFree
        let options = WantedBond.two.options
        for step: NetworkStep in [
            .createBond(name: "bond0", mac: MACAddress("52:54:00:00:00:02"), mtu: 1500, options: options),
            .setIPv6(link: "bond0", .off), .setUp(link: "eth1", isUp: false),
            .setMaster(link: "eth1", master: "bond0"), .setMaster(link: "eth2", master: "bond0"),
            .setIPv6(link: "eth1", .off), .setIPv6(link: "eth2", .off), .setUp(link: "bond0", isUp: true),
        ] { state.apply(step) }
        return state
    }

    /// `bonded`, with the addressed VLAN of `overBond`.
    static var bondedWithVLAN: NetworkState {
        var state = bonded
        for step: NetworkStep in [
            .createVLAN(name: "bond0.9", base: "bond0", id: 9, mtu: 1500), .setIPv6(link: "bond0.9", .off),
            .setUp(link: "bond0.9", isUp: true),
        ] { state.apply(step) }
        state.links["bond0.9"]?.addresses = [IPv4Network("10.9.0.5/24")].compactMap(\.self)
        let foreign = IPv4Network("198.51.100.0/24") ?? .everything
        state.apply(.addRoute(RouteState(destination: foreign, gateway: IPv4Address("10.9.0.1"), link: "bond0.9")))
        return state
    }

    /// Without what no step sets: the carrier, and what IPv6 would do on a link that takes no part.
    var comparable: NetworkState {
        var state = self
        for name in links.keys {
            state.links[name]?.hasCarrier = false
            if state.links[name]?.ipv6.isEnabled == false { state.links[name]?.ipv6 = .off }
            // An own address is known from the first time in a bond on.
            if state.links[name]?.ownMAC == state.links[name]?.mac { state.links[name]?.ownMAC = nil }
        }
        return state
    }

    func after(_ steps: some Sequence<NetworkStep>) -> NetworkState {
        var state = self
        for step in steps { state.apply(step) }
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
    static let overBond = WantedNetwork(
        name: "nine",
        southbound: .bonding("bond0"),
        vlan: 9,
        bridged: false,
        addressing: .fixed(IPv4Network("10.9.0.5/24") ?? .everything, gateway: nil)
    )
}

extension WantedBond {
    /// Active-backup over eth1 and eth2, looking every 150 ms.
    static var two: WantedBond {
        var options = BondOptions(mode: .activeBackup)
        if let miimon = BondOption.byName["miimon"] { options[miimon] = "150" }
        return WantedBond(name: "bond0", nics: ["eth1", "eth2"], options: options)
    }
}
