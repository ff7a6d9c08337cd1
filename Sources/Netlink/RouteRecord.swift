internal import CNetlink
internal import Glibc
internal import HostModel

/// One RTM_NEWROUTE message of a unicast route with one next hop.
struct RouteRecord: Sendable {
    var destination: IPNetwork
    var gateway: IPAddress?
    var link: Int32
    var table: Int
    var metric: Int
    var source: IPv4Address?
    var origin: Int

    /// Cached routes of IPv6 (RTM_F_CLONED).
    private static let cloned: UInt32 = 0x200

    /// `nil` for a malformed message and for routes that we neither change nor show: other families and types, the
    /// local table, several next hops, and those that the kernel makes for addresses.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags; then attributes.
        guard bytes.count >= 12, let attributes = NetlinkAttributes(bytes.dropFirst(12)),
            payload[7] == UInt8(RTN_UNICAST), payload[5] != UInt8(RTPROT_KERNEL),
            let flags = bytes.integer(at: 8, as: UInt32.self), flags & Self.cloned == 0,
            let link = attributes.integer(Int(RTA_OIF.rawValue), as: Int32.self)
        else { return nil }
        let zeros = ArraySlice([UInt8](repeating: 0, count: Int32(payload[0]) == AF_INET ? 4 : 16))
        let first = attributes[Int(RTA_DST.rawValue)] ?? zeros
        guard let destination = IPNetwork(family: payload[0], octets: first, prefixLength: payload[1]) else {
            return nil
        }
        (self.destination, self.link) = (destination, link)
        gateway = attributes[Int(RTA_GATEWAY.rawValue)].flatMap { IPAddress(family: payload[0], octets: $0) }
        table = attributes.integer(Int(RTA_TABLE.rawValue), as: UInt32.self).map(Int.init) ?? Int(payload[4])
        metric = Int(attributes.integer(Int(RTA_PRIORITY.rawValue), as: UInt32.self) ?? 0)
        source = attributes[Int(RTA_PREFSRC.rawValue)].flatMap { IPv4Address(octets: $0) }
        origin = Int(payload[5])
        guard table != Int(RT_TABLE_LOCAL.rawValue) else { return nil }
    }
}

/// One RTM_NEWRULE message of a rule as ours are.
struct RuleRecord: Sendable {
    var rule: RuleState

    /// `nil` for a malformed message, and for rules of other kinds and priorities.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action, flags; then attributes.
        guard bytes.count >= 12, let attributes = NetlinkAttributes(bytes.dropFirst(12)),
            Int32(payload[0]) == AF_INET, payload[7] == UInt8(FR_ACT_TO_TBL),
            attributes.integer(Int(FRA_PRIORITY), as: UInt32.self) == UInt32(RuleState.priority)
        else { return nil }
        let table = attributes.integer(Int(FRA_TABLE), as: UInt32.self).map(Int.init) ?? Int(payload[4])
        func network(_ type: Int, _ length: UInt8) -> IPv4Network? {
            attributes[type].flatMap { IPv4Address(octets: $0) }.flatMap { IPv4Network($0, prefixLength: Int(length)) }
        }
        switch (network(Int(FRA_SRC), payload[2]), network(Int(FRA_DST), payload[1])) {
        case (let from?, nil): rule = RuleState(.from, from, table: table)
        case (nil, let to?): rule = RuleState(.to, to, table: table)
        default: return nil
        }
    }
}
