internal import CNetlink
internal import Glibc
internal import HostModel

// A network step as the rtnetlink request that does it. `index` gives the number of a link by its name.

extension NetlinkMessage {
    private static let creating = Int(NLM_F_CREATE) | Int(NLM_F_EXCL)

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

    static func createBridge(_ name: String, mac: MACAddress?, options: BridgeOptions) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), flags: creating)
        message.putAttribute(Int(IFLA_IFNAME), text: name)
        if let mac { message.putAttribute(Int(IFLA_ADDRESS), mac.octets) }
        message.putNested(Int(IFLA_LINKINFO)) { info in
            info.putAttribute(Int(IFLA_INFO_KIND), text: "bridge")
            info.putNested(Int(IFLA_INFO_DATA)) { data in
                // The delay first: with spanning tree on, the kernel raises it to two seconds itself.
                data.putAttribute(Int(IFLA_BR_FORWARD_DELAY), value: UInt32(options.forwardDelay * 100))
                data.putAttribute(Int(IFLA_BR_STP_STATE), value: UInt32(options.stp ? 1 : 0))
            }
        }
        return message
    }

    /// Two requests: within one the kernel looks at the delay first, and refuses a short one while spanning tree is on.
    static func setBridge(_ index: Int32, options: BridgeOptions) -> [NetlinkMessage] {
        let tree = NetlinkMessage.bridge(index) {
            $0.putAttribute(Int(IFLA_BR_STP_STATE), value: UInt32(options.stp ? 1 : 0))
        }
        guard !options.stp else { return [tree] }
        let delay = NetlinkMessage.bridge(index) {
            $0.putAttribute(Int(IFLA_BR_FORWARD_DELAY), value: UInt32(options.forwardDelay * 100))
        }
        return [tree, delay]
    }

    private static func bridge(_ index: Int32, _ data: (inout NetlinkMessage) -> Void) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), index: index)
        message.putNested(Int(IFLA_LINKINFO)) { info in
            info.putAttribute(Int(IFLA_INFO_KIND), text: "bridge")
            info.putNested(Int(IFLA_INFO_DATA), data)
        }
        return message
    }

    static func createVLAN(_ name: String, base: Int32, id: Int) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), flags: creating)
        message.putAttribute(Int(IFLA_IFNAME), text: name)
        message.putAttribute(Int(IFLA_LINK), value: base)
        message.putNested(Int(IFLA_LINKINFO)) { info in
            info.putAttribute(Int(IFLA_INFO_KIND), text: "vlan")
            info.putNested(Int(IFLA_INFO_DATA)) { $0.putAttribute(Int(IFLA_VLAN_ID), value: UInt16(id)) }
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

    /// Master 0 takes the link out.
    static func setMaster(_ index: Int32, _ master: Int32) -> NetlinkMessage {
        var message = link(Int(RTM_NEWLINK), index: index)
        message.putAttribute(Int(IFLA_MASTER), value: master)
        return message
    }

    static func address(_ network: IPv4Network, link: Int32, adding: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: Int(adding ? RTM_NEWADDR : RTM_DELADDR), flags: adding ? creating : 0)
        // struct ifaddrmsg
        for byte in [UInt8(AF_INET), UInt8(network.prefixLength), 0, 0] { message.put(byte) }
        message.put(link)
        message.putAttribute(Int(IFA_LOCAL), network.address.octets)
        message.putAttribute(Int(IFA_ADDRESS), network.address.octets)
        if adding, network.prefixLength < 31 { message.putAttribute(Int(IFA_BROADCAST), network.last.octets) }
        return message
    }

    static func route(_ route: RouteState, link: Int32, adding: Bool) -> NetlinkMessage {
        let replacing = Int(NLM_F_CREATE) | Int(NLM_F_REPLACE)
        var message = NetlinkMessage(type: Int(adding ? RTM_NEWROUTE : RTM_DELROUTE), flags: adding ? replacing : 0)
        let scope = route.gateway == nil ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
        // struct rtmsg; a table past 255 stands in its attribute only.
        let table = route.table > 255 ? UInt8(RT_TABLE_UNSPEC.rawValue) : UInt8(route.table)
        for byte in [UInt8(AF_INET), UInt8(route.destination.prefixLength), 0, 0, table] { message.put(byte) }
        for byte in [UInt8(truncatingIfNeeded: route.origin), UInt8(scope.rawValue), UInt8(RTN_UNICAST)] {
            message.put(byte)
        }
        message.put(UInt32(0))
        message.putAttribute(Int(RTA_TABLE.rawValue), value: UInt32(route.table))
        message.putAttribute(Int(RTA_OIF.rawValue), value: link)
        if !route.isDefault { message.putAttribute(Int(RTA_DST.rawValue), route.destination.first.octets) }
        if let gateway = route.gateway { message.putAttribute(Int(RTA_GATEWAY.rawValue), gateway.octets) }
        if let source = route.source { message.putAttribute(Int(RTA_PREFSRC.rawValue), source.octets) }
        if route.metric != 0 { message.putAttribute(Int(RTA_PRIORITY.rawValue), value: UInt32(route.metric)) }
        return message
    }
}
