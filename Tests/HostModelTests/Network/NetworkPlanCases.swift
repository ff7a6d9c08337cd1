@testable import HostModel

extension NetworkPlanTests {
    static let cases = [
        Case(
            testDescription:
                "ovirtmgmt over a NIC with a lease: address, route and client move, the MAC stays the NIC's",
            start: .booted(dhcp: true),
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true"]],
            steps: """
                stop the DHCP client on eth0
                create bridge ovirtmgmt with address 52:54:00:00:00:01 (spanning tree off, forward delay 0)
                put eth0 in ovirtmgmt
                turn IPv6 off on eth0
                turn IPv6 off on ovirtmgmt
                set ovirtmgmt up
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
                create bridge ovirtmgmt with address 52:54:00:00:00:01 (spanning tree on, forward delay 200)
                put eth0 in ovirtmgmt
                turn IPv6 off on eth0
                turn IPv6 off on ovirtmgmt
                set ovirtmgmt up
                add 10.77.0.5/24 to ovirtmgmt
                route 10.77.0.0/24 dev ovirtmgmt table 329647082
                route default via 10.77.0.1 dev ovirtmgmt
                route default via 10.77.0.1 dev ovirtmgmt table 329647082
                rule from 10.77.0.0/24 lookup 329647082
                rule to 10.77.0.0/24 lookup 329647082
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
                create VLAN eth0.12 with id 12 over eth0 mtu 9000
                create bridge storage with address 52:54:00:00:00:01 mtu 9000 (spanning tree off, forward delay 0)
                put eth0.12 in storage
                turn IPv6 off on eth0.12
                turn IPv6 off on storage
                set eth0.12 up
                set storage up
                add 10.12.0.5/16 to storage
                """
        ),
        Case(
            testDescription: "the boot made the VLAN under another name: its lease moves",
            start: .bootedOnVLAN,
            request: ["ovirtmgmt": ["nic": "eth1", "vlan": "5", "bootproto": "dhcp", "defaultRoute": "true"]],
            steps: """
                stop the DHCP client on vlan5
                delete vlan5
                create VLAN eth1.5 with id 5 over eth1
                create bridge ovirtmgmt with address 52:54:00:00:00:02 (spanning tree off, forward delay 0)
                put eth1.5 in ovirtmgmt
                turn IPv6 off on eth1.5
                turn IPv6 off on ovirtmgmt
                set eth1.5 up
                set ovirtmgmt up
                add 10.77.0.5/24 to ovirtmgmt
                route default via 10.77.0.1 dev ovirtmgmt
                start the DHCP client on ovirtmgmt
                """
        ),
        Case(
            testDescription: "bridgeless on the NIC as it is: it takes no part in IPv6, for nobody asked",
            start: .booted(dhcp: true),
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true", "bridged": "false"]],
            steps: """
                turn IPv6 off on eth0
                """
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
                turn IPv6 off on eth0
                remove 10.77.0.5/24 from eth0
                add 10.77.0.9/24 to eth0
                route 10.77.0.0/24 dev eth0 table 66322802
                route default via 10.77.0.254 dev eth0
                route default via 10.77.0.254 dev eth0 table 66322802
                rule from 10.77.0.0/24 lookup 66322802
                rule to 10.77.0.0/24 lookup 66322802
                """
        ),
        Case(
            testDescription: "a bridge without ports",
            start: .booted(dhcp: true),
            request: ["internal": [:]],
            steps: """
                create bridge internal (spanning tree off, forward delay 0)
                turn IPv6 off on internal
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
                take eth0 out of its master
                delete ovirtmgmt
                turn IPv6 on on eth0
                """
        ),
        Case(
            testDescription: "bridged to bridgeless keeps the lease",
            start: .bridged,
            owned: [.management],
            request: ["ovirtmgmt": ["nic": "eth0", "bootproto": "dhcp", "defaultRoute": "true", "bridged": "no"]],
            steps: """
                stop the DHCP client on ovirtmgmt
                take eth0 out of its master
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
                delete eth1.5
                create VLAN eth1.6 with id 6 over eth1
                put eth1.6 in vm
                turn IPv6 off on eth1.6
                set eth1.6 up
                """
        ),
        Case(
            testDescription: "the device was deleted behind the agent's back",
            start: .booted(dhcp: true),
            owned: [.tagged],
            request: ["vm": ["nic": "eth1", "vlan": "5"]],
            steps: """
                create VLAN eth1.5 with id 5 over eth1
                create bridge vm with address 52:54:00:00:00:02 (spanning tree off, forward delay 0)
                put eth1.5 in vm
                turn IPv6 off on eth1.5
                turn IPv6 off on vm
                set eth1.5 up
                set vm up
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
                turn IPv6 off on eth1
                add 192.0.2.2/24 to eth1
                route 192.0.2.0/24 dev eth1 table 66388339
                route default via 192.0.2.1 dev eth1
                route default via 192.0.2.1 dev eth1 table 66388339
                rule from 192.0.2.0/24 lookup 66388339
                rule to 192.0.2.0/24 lookup 66388339
                """
        ),
        Case(
            testDescription:
                "a bond over two free nics with a bridged VLAN: the address is the first nic's, whatever their order",
            start: .twoFree,
            request: ["vm": ["bonding": "bond0", "vlan": "7", "mtu": "2000"]],
            bondings: [
                "bond0": ["nics": .list(["eth2", "eth1"]), "options": "miimon=100 mode=802.3ad lacp_rate=fast"]
            ],
            steps: """
                set eth1 mtu 2000
                set eth2 mtu 2000
                create bond bond0 with address 52:54:00:00:00:02 mtu 2000 (mode=4 lacp_rate=1)
                turn IPv6 off on bond0
                set eth1 down
                put eth1 in bond0
                put eth2 in bond0
                create VLAN bond0.7 with id 7 over bond0 mtu 2000
                create bridge vm with address 52:54:00:00:00:02 mtu 2000 (spanning tree off, forward delay 0)
                put bond0.7 in vm
                turn IPv6 off on eth1
                turn IPv6 off on eth2
                turn IPv6 off on bond0.7
                turn IPv6 off on vm
                set bond0 up
                set vm up
                """
        ),
        Case(
            testDescription: "slaves change: new ones come before old ones go, and the bond keeps its address",
            start: .bonded,
            ownedBonds: [.two],
            request: [:],
            bondings: ["bond0": ["nics": .list(["eth2", "eth3"]), "options": "mode=1 miimon=150"]],
            steps: """
                put eth3 in bond0
                take eth1 out of its master
                turn IPv6 on on eth1
                turn IPv6 off on eth3
                set eth1 up
                set eth1 mtu 1500
                """
        ),
        Case(
            testDescription: "the mode changes: the bond is down and empty for it, and its VLAN's route comes back",
            start: .bondedWithVLAN,
            owned: [.overBond],
            ownedBonds: [.two],
            request: [:],
            bondings: ["bond0": ["nics": .list(["eth1", "eth2"]), "options": "mode=3"]],
            steps: """
                set bond0 down
                take eth1 out of its master
                take eth2 out of its master
                set bond0 miimon=0
                set bond0 mode=3
                put eth1 in bond0
                put eth2 in bond0
                set bond0 up
                route 198.51.100.0/24 via 10.9.0.1 dev bond0.9
                """
        ),
        Case(
            testDescription: "an option that the driver changes on the fly",
            start: .bonded,
            ownedBonds: [.two],
            request: [:],
            bondings: ["bond0": ["nics": .list(["eth1", "eth2"]), "options": "mode=1 miimon=200 primary=eth2"]],
            steps: """
                set bond0 miimon=200 primary=eth2
                """
        ),
        Case(
            testDescription: "the bond goes, and its nics are free, up, with an MTU of 1500",
            start: .bonded,
            ownedBonds: [.two],
            request: [:],
            bondings: ["bond0": ["remove": "true"]],
            steps: """
                take eth1 out of its master
                take eth2 out of its master
                delete bond0
                turn IPv6 on on eth1
                turn IPv6 on on eth2
                set eth1 up
                set eth2 up
                set eth2 mtu 1500
                set eth1 mtu 1500
                """
        ),
        Case(
            testDescription: "the nic of a network becomes a slave of the bond that takes its place",
            start: .bridged,
            owned: [.management],
            request: ["ovirtmgmt": ["bonding": "bond0", "bootproto": "dhcp", "defaultRoute": "true"]],
            bondings: ["bond0": ["nics": .list(["eth0", "eth1"]), "options": "mode=1"]],
            steps: """
                create bond bond0 with address 52:54:00:00:00:01 (mode=1)
                turn IPv6 off on bond0
                set eth0 down
                put eth0 in bond0
                set eth1 down
                put eth1 in bond0
                put bond0 in ovirtmgmt
                turn IPv6 off on eth1
                set bond0 up
                """
        ),
        Case(
            testDescription: "IPv6: fixed address and gateway",
            start: .booted(dhcp: true),
            request: [
                "six": [
                    "nic": "eth1", "bridged": "false", "ipv6addr": "2001:db8:0::5/64", "ipv6gateway": "2001:db8::1",
                    "defaultRoute": "true",
                ]
            ],
            steps: """
                turn IPv6 on without router advertisements on eth1
                add 2001:db8::5/64 to eth1
                route default6 via 2001:db8::1 dev eth1
                """
        ),
        Case(
            testDescription: "options of the bridge",
            start: .tagged,
            owned: [.tagged],
            request: [
                "vm": [
                    "nic": "eth1", "vlan": "5", "stp": "on",
                    "custom": .map(["bridge_opts": "priority=4096 multicast_snooping=0"]),
                ]
            ],
            steps: """
                set vm spanning tree on, forward delay 200, priority 4096, multicast_snooping 0
                """
        ),
    ]
}
