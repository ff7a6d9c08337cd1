internal import CNetlink
internal import Glibc
internal import HostModel

/// One RTM_NEWROUTE message of an IPv4 unicast route with one next hop.
struct RouteRecord: Sendable {
    var destination: IPv4Network
    var gateway: IPv4Address?
    var link: Int32
    var table: Int
    var metric: Int
    var source: IPv4Address?
    var origin: Int

    /// `nil` for a malformed message and for routes that we neither change nor show: other families and types, the
    /// local table, several next hops, and those that the kernel makes for addresses.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags; then attributes.
        guard bytes.count >= 12, let attributes = NetlinkAttributes(bytes.dropFirst(12)),
            Int32(payload[0]) == AF_INET, payload[7] == UInt8(RTN_UNICAST), payload[5] != UInt8(RTPROT_KERNEL),
            let link = attributes.integer(Int(RTA_OIF.rawValue), as: Int32.self)
        else { return nil }
        let first = attributes[Int(RTA_DST.rawValue)].flatMap { IPv4Address(octets: $0) } ?? .any
        guard let destination = IPv4Network(first, prefixLength: Int(payload[1])) else { return nil }
        (self.destination, self.link) = (destination, link)
        gateway = attributes[Int(RTA_GATEWAY.rawValue)].flatMap { IPv4Address(octets: $0) }
        table = attributes.integer(Int(RTA_TABLE.rawValue), as: UInt32.self).map(Int.init) ?? Int(payload[4])
        metric = Int(attributes.integer(Int(RTA_PRIORITY.rawValue), as: UInt32.self) ?? 0)
        source = attributes[Int(RTA_PREFSRC.rawValue)].flatMap { IPv4Address(octets: $0) }
        origin = Int(payload[5])
        guard table != Int(RT_TABLE_LOCAL.rawValue) else { return nil }
    }
}
