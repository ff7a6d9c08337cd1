@testable import HostModel

extension NetworkChangeTests {
    /// Every rule of ovirt.md 6.3, a row each.
    static let cases = [
        Case(.badParameters, "networks.n.bridged", "bridgeless without southbound", ["n": ["bridged": "false"]]),
        Case(.badParameters, "networks.n.bonding", "nic and bonding", ["n": ["nic": "eth1", "bonding": "bond0"]]),
        Case(
            .badParameters,
            "networks.ovirtmgmt.nic",
            "remove with more",
            ["ovirtmgmt": ["remove": "true", "nic": "eth0"]]
        ),
        Case(.badParameters, "networks.n.bridged", "bridged", ["n": ["bridged": "maybe"]]),
        Case(.badParameters, "networks.n.stp", "stp", ["n": ["stp": "perhaps"]]),
        Case(.badParameters, "networks.n.STP", "STP", ["n": ["STP": "perhaps"]]),
        Case(.badParameters, "networks.n.mtu", "mtu", ["n": ["mtu": "67"]]),
        Case(.badParameters, "networks.n.mtu", "mtu is no number", ["n": ["mtu": "big"]]),
        Case(.badParameters, "networks.n.mtu", "mtu above the nic's", ["n": ["nic": "eth1", "mtu": "9001"]]),
        Case(
            .badParameters,
            "networks.n.mtu",
            "IPv6 below 1280",
            ["n": ["nic": "eth1", "mtu": "1000", "ipv6addr": "2001:db8::5/64"]]
        ),
        Case(.badParameters, "networks.n.bootproto", "bootproto", ["n": ["nic": "eth1", "bootproto": "bootp"]]),
        Case(.badParameters, "networks.n.defaultRoute", "defaultRoute", ["n": ["nic": "eth1", "defaultRoute": "2"]]),
        Case(
            .badParameters,
            "networks.n.hostQos",
            "hostQos without out",
            ["n": ["nic": "eth1", "hostQos": .map([:])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.in",
            "shares what comes in",
            ["n": ["nic": "eth1", "hostQos": .map(["in": .map([:])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls",
            "neither ls nor rt",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map([:])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls",
            "a limit alone",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map(["ul": .map(["m2": "8000"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls.m2",
            "a share of nothing",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map(["ls": .map(["m2": "0"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls.m2",
            "more than the kernel counts",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map(["ls": .map(["m2": "34359738361"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls.d",
            "a first rate for no time",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map(["ls": .map(["m1": "8000", "m2": "8000"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos.out.ls.m3",
            "an unknown number",
            ["n": ["nic": "eth1", "hostQos": .map(["out": .map(["ls": .map(["m3": "1"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.hostQos",
            "a share of no link",
            ["n": ["hostQos": .map(["out": .map(["ls": .map(["m2": "8000"])])])]]
        ),
        Case(
            .badParameters,
            "networks.n.custom.bridge_opts",
            "unknown bridge option",
            ["n": ["custom": .map(["bridge_opts": "a=b"])]]
        ),
        Case(
            .badParameters,
            "networks.n.custom.bridge_opts",
            "value of a bridge option",
            ["n": ["custom": .map(["bridge_opts": "priority=70000"])]]
        ),
        Case(
            .badParameters,
            "networks.n.custom.color",
            "other custom property",
            ["n": ["custom": .map(["color": "red"])]]
        ),
        Case(
            .badParameters,
            "networks.b.nic",
            "two untagged on one nic",
            ["a": ["nic": "eth1"], "b": ["nic": "eth1"]]
        ),
        Case(
            .badParameters,
            "networks.b.vlan",
            "the same vlan twice",
            ["a": ["nic": "eth1", "vlan": "3"], "b": ["nic": "eth1", "vlan": "3"]]
        ),
        Case(.badParameters, "networks.a.nic", "on a nic that a network has", ["a": ["nic": "eth0"]]),
        Case(
            .badParameters,
            "networks.b.defaultRoute",
            "two default routes",
            ["a": ["nic": "eth1", "defaultRoute": "true"], "b": ["defaultRoute": "true"]]
        ),
        Case(
            .badParameters,
            "networks.n.nameservers",
            "nameservers off the default route",
            ["n": ["nameservers": .list(["10.0.0.1"])]]
        ),
        Case(
            .badParameters,
            "networks.n.prefix",
            "netmask and prefix",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "netmask": "255.0.0.0", "prefix": "8"]]
        ),
        Case(.badParameters, "networks.n.switch", "unknown switch", ["n": ["nic": "eth1", "switch": "token-ring"]]),
        Case(
            .badParameters,
            "networks.a.switch",
            "two switches in one call",
            ["a": ["nic": "eth1"], "b": ["nic": "eth3", "switch": "ovs"]]
        ),
        Case(
            .badParameters,
            "networks.n.switch",
            "change of the switch without all networks",
            ["n": ["nic": "eth1", "switch": "ovs"]]
        ),
        Case(
            .badParameters,
            "networks.n.switch",
            "change of the switch with a removal",
            ["n": ["nic": "eth1", "switch": "ovs"], "ovirtmgmt": ["remove": "true"]]
        ),
        Case(.badParameters, "bondings.bond9.nics", "empty bond", bondings: ["bond9": ["nics": .list([])]]),
        Case(
            .badParameters,
            "bondings.bond9.nics",
            "a nic twice",
            bondings: ["bond9": ["nics": .list(["eth1", "eth1"])]]
        ),
        Case(
            .badParameters,
            "bondings.bond0.nics",
            "remove a bond with more",
            bondings: ["bond0": ["remove": "true", "nics": .list(["eth1"])]]
        ),
        Case(
            .ovsConnection,
            "networks.ovirtmgmt.switch",
            "the whole host to ovs",
            ["ovirtmgmt": ["nic": "eth0", "switch": "ovs"]],
            bondings: ["bond0": ["nics": .list(["eth4"]), "switch": "ovs"]]
        ),
        Case(
            .badAddress,
            "networks.n.nameservers",
            "bad nameserver",
            ["n": ["defaultRoute": "true", "nameservers": .list(["x"])]]
        ),
        Case(.badAddress, "networks.n.gateway", "only gateway", ["n": ["nic": "eth1", "gateway": "10.0.0.1"]]),
        Case(.badAddress, "networks.n.netmask", "only netmask", ["n": ["nic": "eth1", "netmask": "255.0.0.0"]]),
        Case(.badAddress, "networks.n.netmask", "no netmask", ["n": ["nic": "eth1", "ipaddr": "10.0.0.2"]]),
        Case(.badAddress, "networks.n.ipaddr", "256", ["n": ["nic": "eth1", "ipaddr": "10.0.0.256", "prefix": "8"]]),
        Case(
            .badAddress,
            "networks.n.ipaddr",
            "five octets",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2.1", "prefix": "8"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipaddr",
            "three octets",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0", "prefix": "8"]]
        ),
        Case(
            .badAddress,
            "networks.n.netmask",
            "holes in the mask",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "netmask": "255.0.255.0"]]
        ),
        Case(
            .badAddress,
            "networks.n.prefix",
            "prefix 33",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "33"]]
        ),
        Case(
            .badAddress,
            "networks.n.gateway",
            "gateway elsewhere",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "24", "gateway": "10.0.1.1"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipaddr",
            "static and dhcp",
            ["n": ["nic": "eth1", "ipaddr": "10.0.0.2", "prefix": "24", "bootproto": "dhcp"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipv6addr",
            "IPv6 without prefix",
            ["n": ["nic": "eth1", "ipv6addr": "2001:db8::1"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipv6addr",
            "IPv6 static and autoconf",
            ["n": ["nic": "eth1", "ipv6addr": "2001:db8::1/64", "ipv6autoconf": "true"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipv6gateway",
            "only an IPv6 gateway",
            ["n": ["nic": "eth1", "ipv6gateway": "2001:db8::1"]]
        ),
        Case(
            .badAddress,
            "networks.n.ipv6gateway",
            "IPv6 gateway elsewhere",
            ["n": ["nic": "eth1", "ipv6addr": "2001:db8::1/64", "ipv6gateway": "2001:db9::1"]]
        ),
        Case(.badNIC, "networks.n.nic", "no such nic", ["n": ["nic": "eth7"]]),
        Case(.badNIC, "networks.n.nic", "a bridge is no nic", ["n": ["nic": "ovirtmgmt"]]),
        Case(.badNIC, "networks.n.nic", "the loopback is no nic", ["n": ["nic": "lo"]]),
        Case(.badNIC, "bondings.bond9.nics", "unknown slave", bondings: ["bond9": ["nics": .list(["eth1", "eth7"])]]),
        Case(.badNIC, "bondings.bond9.nics", "a bond without nics", bondings: ["bond9": ["options": "mode=1"]]),
        Case(.usedNIC, "networks.n.nic", "in a bridge of somebody else", ["n": ["nic": "eth2"]]),
        Case(
            .usedNIC,
            "bondings.bond9.nics",
            "a slave in a bridge of somebody else",
            bondings: ["bond9": ["nics": .list(["eth2"])]]
        ),
        Case(
            .usedNIC,
            "networks.n.nic",
            "a nic in a network and in a bond",
            ["n": ["nic": "eth1"]],
            bondings: ["bond9": ["nics": .list(["eth1"])]]
        ),
        Case(.usedNIC, "networks.n.nic", "a nic of a bond", ["n": ["nic": "eth4"]]),
        Case(.usedNIC, "bondings.bond9.nics", "a nic of a network", bondings: ["bond9": ["nics": .list(["eth0"])]]),
        Case(
            .usedNIC,
            "bondings.bond9.nics",
            "a slave of another bond",
            bondings: ["bond9": ["nics": .list(["eth4"])]]
        ),
        Case(
            .usedNIC,
            "bondings.bond9.nics",
            "a slave with a VLAN that nobody owns",
            bondings: ["bond9": ["nics": .list(["eth3"])]]
        ),
        Case(.badBonding, "networks.n.bonding", "no such bond", ["n": ["bonding": "bond7"]]),
        Case(.badBonding, "networks.n.bonding", "bond name", ["n": ["bonding": "jamesbond007"]]),
        Case(.badBonding, "bondings.bond", "the name bond", bondings: ["bond": ["nics": .list(["eth1"])]]),
        Case(
            .badBonding,
            "bondings.bond bad",
            "a name with a blank",
            bondings: ["bond bad": ["nics": .list(["eth1"])]]
        ),
        Case(
            .badBonding,
            "bondings.jamesbond007",
            "a name with something in front",
            bondings: ["jamesbond007": ["nics": .list(["eth1"])]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "no k=v",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 miimon"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "unknown mode",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=7"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "unknown option",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 colour=red"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "an option of another mode",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 lacp_rate=1"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "a value out of range",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 miimon=-1"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "two monitors",
            bondings: [
                "bond9": [
                    "nics": .list(["eth1"]), "options": "mode=1 miimon=100 arp_interval=100 arp_ip_target=10.0.0.1",
                ]
            ]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "ARP without target",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 arp_interval=100"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.options",
            "a primary that is no slave",
            bondings: ["bond9": ["nics": .list(["eth1"]), "options": "mode=1 primary=eth3"]]
        ),
        Case(
            .badBonding,
            "bondings.bond9.hwaddr",
            "a group's address",
            bondings: ["bond9": ["nics": .list(["eth1"]), "hwaddr": "01:00:5e:00:00:01"]]
        ),
        Case(.badBonding, "bondings.bond9", "removal of what is not there", bondings: ["bond9": ["remove": "true"]]),
        Case(
            .usedBond,
            "bondings.bond0",
            "removal below a network",
            bondings: ["bond0": ["remove": "true"]],
            overBond: true
        ),
        Case(
            .usedBond,
            "bondings.bond0",
            "removal below a new network",
            ["n": ["bonding": "bond0"]],
            bondings: ["bond0": ["remove": "true"]]
        ),
        Case(.badVLAN, "networks.n.vlan", "vlan without southbound", ["n": ["vlan": "3"]]),
        Case(
            .badVLAN,
            "networks.n.vlan",
            "bridgeless vlan without southbound",
            ["n": ["vlan": "3", "bridged": "false"]]
        ),
        Case(.badVLAN, "networks.n.vlan", "vlan 4095", ["n": ["nic": "eth1", "vlan": "4095"]]),
        Case(.badVLAN, "networks.n.vlan", "vlan text", ["n": ["nic": "eth1", "vlan": "blue"]]),
        Case(.badVLAN, "networks.n.vlan", "a vlan in a bridge of somebody else", ["n": ["nic": "eth3", "vlan": "8"]]),
        Case(.badVLAN, "networks.n.vlan", "a name of 16 bytes", ["n": ["nic": "enp129s0f1np1", "vlan": "4000"]]),
        Case(.badBridge, "networks.abcdefghijklmnop", "16 characters", ["abcdefghijklmnop": [:]]),
        Case(.badBridge, "networks.a b", "blank", ["a b": [:]]),
        Case(.badBridge, "networks.a\\u{9}b", "tab", ["a\tb": [:]]),
        Case(.badBridge, "networks.a.b", "dot", ["a.b": [:]]),
        Case(.badBridge, "networks.a:b", "colon", ["a:b": [:]]),
        Case(.badBridge, "networks.-a", "hyphen first", ["-a": [:]]),
        Case(.badBridge, "networks.../x", "slash", ["../x": [:]]),
        Case(.badBridge, "networks.eth1", "name of a nic", ["eth1": [:]]),
        Case(.badBridge, "networks.nope", "removal of what is not there", ["nope": ["remove": "true"]]),
    ]
}
