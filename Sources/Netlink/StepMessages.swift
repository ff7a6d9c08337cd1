internal import CNetlink
internal import Glibc
internal import HostModel

// A network step as the rtnetlink requests that do it.

extension NetlinkMessage {
    private static let creating = Int(NLM_F_CREATE) | Int(NLM_F_EXCL)
    private static let replacing = Int(NLM_F_CREATE) | Int(NLM_F_REPLACE)

    /// struct ifinfomsg
    private static func link(_ type: Int, flags: Int = 0, index: Int32 = 0, up: Bool? = nil) -> NetlinkMessage {
        let mask = UInt32(IFF_UP.rawValue)
        var message = NetlinkMessage(type: type, flags: flags)
        message.put(UInt32(0))
        message.put(index)
        message.put(up == true ? mask : 0)
        message.put(up == nil ? 0 : mask)
        return message
    }

    private static func newLink(_ name: String, mac: MACAddress?, mtu: Int) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), flags: creating)
        message.putAttribute(Int(IFLA_IFNAME), text: name)
        if let mac { message.putAttribute(Int(IFLA_ADDRESS), mac.octets) }
        if mtu != WantedNetwork.mtuDefault { message.putAttribute(Int(IFLA_MTU), value: UInt32(mtu)) }
        return message
    }

    private mutating func putKind(
        _ kind: String,
        _ data: (inout NetlinkMessage) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        try putNested(Int(IFLA_LINKINFO)) { (info: inout NetlinkMessage) throws(NetlinkError) in
            info.putAttribute(Int(IFLA_INFO_KIND), text: kind)
            try info.putNested(Int(IFLA_INFO_DATA), data)
        }
    }

    static func createBridge(
        _ name: String,
        mac: MACAddress?,
        mtu: Int,
        options: BridgeOptions
    ) throws(NetlinkError) -> NetlinkMessage {
        var message = newLink(name, mac: mac, mtu: mtu)
        try message.putKind("bridge") { (data: inout NetlinkMessage) throws(NetlinkError) in
            // The delay first: with spanning tree on, the kernel raises it to two seconds itself.
            data.putAttribute(Int(IFLA_BR_FORWARD_DELAY), value: UInt32(options.forwardDelay))
            data.putAttribute(Int(IFLA_BR_STP_STATE), value: UInt32(options.stp ? 1 : 0))
            for option in BridgeOption.all where options.values[option.name] != nil {
                option.put(options[option.name] ?? option.standard, in: &data)
            }
        }
        return message
    }

    /// Up to two requests: within one the kernel looks at the delay first, and refuses a short one while spanning tree is on.
    static func setBridge(
        _ index: Int32,
        from: BridgeOptions,
        to: BridgeOptions
    ) throws(NetlinkError) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        func add(_ body: (inout NetlinkMessage) -> Void) throws(NetlinkError) {
            var message = link(Int(RTM_NEWLINK), index: index)
            try message.putKind("bridge") { (data: inout NetlinkMessage) throws(NetlinkError) in body(&data) }
            messages.append(message)
        }
        func putDelay(_ data: inout NetlinkMessage) {
            data.putAttribute(Int(IFLA_BR_FORWARD_DELAY), value: UInt32(to.forwardDelay))
        }
        let rises = to.stp && !from.stp
        if rises, from.forwardDelay != to.forwardDelay { try add(putDelay) }
        if from.stp != to.stp {
            try add { $0.putAttribute(Int(IFLA_BR_STP_STATE), value: UInt32(to.stp ? 1 : 0)) }
        }
        if !rises, from.forwardDelay != to.forwardDelay { try add(putDelay) }
        let changes = from.changes(to: to)
        if !changes.isEmpty {
            try add { for option in changes { option.put(to[option.name] ?? option.standard, in: &$0) } }
        }
        return messages
    }

    static func createBond(
        _ name: String,
        mac: MACAddress?,
        mtu: Int,
        options: BondOptions,
        index: (String) throws(NetlinkError) -> Int32
    ) throws(NetlinkError) -> NetlinkMessage {
        var message = newLink(name, mac: mac, mtu: mtu)
        let changes = BondOptions(mode: options.mode).changes(to: options)
        try message.putKind("bond") { (data: inout NetlinkMessage) throws(NetlinkError) in
            data.putAttribute(Int(IFLA_BOND_MODE), value: UInt8(options.mode.rawValue))
            for option in changes { try option.put(options[option], in: &data, index: index) }
        }
        return message
    }

    /// Delays that end are told first: without miimon the kernel takes no word about them.
    static func setBond(
        _ number: Int32,
        from: BondOptions,
        to: BondOptions,
        index: (String) throws(NetlinkError) -> Int32
    ) throws(NetlinkError) -> [NetlinkMessage] {
        let changes = from.changes(to: to)
        let delays: Set<String> = ["updelay", "downdelay", "peer_notif_delay"]
        let first = changes.filter { delays.contains($0.name) && to[$0] == "0" }
        let rest = changes.filter { !first.contains($0) }
        var messages: [NetlinkMessage] = []
        for (number2, part) in [first, rest].enumerated() where !part.isEmpty || number2 == 1 && from.mode != to.mode {
            var message = link(Int(RTM_NEWLINK), index: number)
            try message.putKind("bond") { (data: inout NetlinkMessage) throws(NetlinkError) in
                if number2 == 1, from.mode != to.mode {
                    data.putAttribute(Int(IFLA_BOND_MODE), value: UInt8(to.mode.rawValue))
                }
                for option in part { try option.put(to[option], in: &data, index: index) }
            }
            messages.append(message)
        }
        return messages
    }

    static func createVLAN(_ name: String, base: Int32, id: Int, mtu: Int) throws(NetlinkError) -> NetlinkMessage {
        var message = newLink(name, mac: nil, mtu: WantedNetwork.mtuDefault)
        // Told always: a VLAN without one begins with its base's.
        message.putAttribute(Int(IFLA_MTU), value: UInt32(mtu))
        message.putAttribute(Int(IFLA_LINK), value: base)
        try message.putKind("vlan") { (data: inout NetlinkMessage) throws(NetlinkError) in
            data.putAttribute(Int(IFLA_VLAN_ID), value: UInt16(id))
        }
        return message
    }

    static func deleteLink(_ index: Int32) -> NetlinkMessage { link(Int(RTM_DELLINK), index: index) }

    static func setUp(_ index: Int32, _ isUp: Bool) -> NetlinkMessage {
        link(Int(RTM_NEWLINK), index: index, up: isUp)
    }

    static func setMTU(_ index: Int32, _ mtu: Int) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), index: index)
        message.putAttribute(Int(IFLA_MTU), value: UInt32(mtu))
        return message
    }

    static func setMAC(_ index: Int32, _ mac: MACAddress) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), index: index)
        message.putAttribute(Int(IFLA_ADDRESS), mac.octets)
        return message
    }

    /// Master 0 takes the link out.
    static func setMaster(_ index: Int32, _ master: Int32) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), index: index)
        message.putAttribute(Int(IFLA_MASTER), value: master)
        return message
    }

    static func address(_ network: IPNetwork, link: Int32, adding: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: Int(adding ? RTM_NEWADDR : RTM_DELADDR), flags: adding ? replacing : 0)
        // struct ifaddrmsg
        let family = network.v4 == nil ? AF_INET6 : AF_INET
        for byte in [UInt8(family), UInt8(network.prefixLength), 0, 0] { message.put(byte) }
        message.put(link)
        switch network {
        case .v4(let network):
            message.putAttribute(Int(IFA_LOCAL), network.address.octets)
            message.putAttribute(Int(IFA_ADDRESS), network.address.octets)
            if adding, network.prefixLength < 31 { message.putAttribute(Int(IFA_BROADCAST), network.last.octets) }
        case .v6(let network):
            message.putAttribute(Int(IFA_LOCAL), network.address.octets)
            message.putAttribute(Int(IFA_ADDRESS), network.address.octets)
        }
        return message
    }

    static func route(_ route: RouteState, link: Int32, adding: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: Int(adding ? RTM_NEWROUTE : RTM_DELROUTE), flags: adding ? replacing : 0)
        // An IPv6 route takes the place of any with its destination and metric if told to replace, whatever its hop.
        if adding, !route.isIPv4 { message.flags = Int(NLM_F_CREATE) | Int(NLM_F_APPEND) }
        let scope = route.gateway == nil && route.isIPv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
        let family = route.isIPv4 ? AF_INET : AF_INET6
        // struct rtmsg; a table past 255 stands in its attribute only.
        let table = route.table > 255 ? UInt8(RT_TABLE_UNSPEC.rawValue) : UInt8(route.table)
        for byte in [UInt8(family), UInt8(route.destination.prefixLength), 0, 0, table] { message.put(byte) }
        for byte in [UInt8(truncatingIfNeeded: route.origin), UInt8(scope.rawValue), UInt8(RTN_UNICAST)] {
            message.put(byte)
        }
        message.put(UInt32(0))
        message.putAttribute(Int(RTA_TABLE.rawValue), value: UInt32(truncatingIfNeeded: route.table))
        message.putAttribute(Int(RTA_OIF.rawValue), value: link)
        if !route.isDefault { message.putAttribute(Int(RTA_DST.rawValue), route.destination.firstOctets) }
        if let gateway = route.gateway { message.putAttribute(Int(RTA_GATEWAY.rawValue), gateway.octets) }
        if let source = route.source { message.putAttribute(Int(RTA_PREFSRC.rawValue), source.octets) }
        if route.metric != 0 { message.putAttribute(Int(RTA_PRIORITY.rawValue), value: UInt32(route.metric)) }
        return message
    }

    static func rule(_ rule: RuleState, adding: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: Int(adding ? RTM_NEWRULE : RTM_DELRULE), flags: adding ? creating : 0)
        let length = UInt8(rule.network.prefixLength)
        // struct fib_rule_hdr
        message.put(UInt8(AF_INET))
        message.put(rule.selector == .to ? length : 0)
        message.put(rule.selector == .from ? length : 0)
        for byte in [0, UInt8(RT_TABLE_UNSPEC.rawValue), 0, 0, UInt8(FR_ACT_TO_TBL)] { message.put(byte) }
        message.put(UInt32(0))
        let attribute = rule.selector == .from ? FRA_SRC : FRA_DST
        message.putAttribute(Int(attribute), rule.network.first.octets)
        message.putAttribute(Int(FRA_PRIORITY), value: UInt32(RuleState.priority))
        message.putAttribute(Int(FRA_TABLE), value: UInt32(truncatingIfNeeded: rule.table))
        return message
    }
}
