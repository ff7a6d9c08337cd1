internal import CNetlink
internal import HostModel

/// One RTM_NEWLINK message, with links still by index.
struct LinkRecord: Sendable {
    var index: Int32
    var flags: UInt32
    var name: String
    var mac: MACAddress?
    var permanentMAC: MACAddress?
    var mtu: Int
    var master: Int32?
    /// The device below a VLAN.
    var parent: Int32?
    var kind: String?
    var kindData: NetlinkAttributes?
    /// A bond's slave has this address again when it leaves.
    var slaveMAC: MACAddress?
    /// 0 for a driver without a limit.
    var mtuMax: Int?
    var isLoopback: Bool
    /// `nil` for a link that IPv6 does not know, as in a kernel without it.
    var ipv6: IPv6Settings?
    var counters: LinkCounters
    /// The kind of the root queueing discipline.
    var qdisc: String?

    /// IFLA_INET6_CONF is an array of 32-bit values; these are places in it (DEVCONF_…, linux/ipv6.h).
    private static let (acceptRA, autoconf, disableIPv6) = (3, 5, 26)

    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct ifinfomsg: family, pad, type, index, flags, change; then attributes.
        guard let type = bytes.integer(at: 2, as: UInt16.self), let index = bytes.integer(at: 4, as: Int32.self),
            let flags = bytes.integer(at: 8, as: UInt32.self), bytes.count >= 16,
            let attributes = NetlinkAttributes(bytes.dropFirst(16)), let name = attributes.text(Int(IFLA_IFNAME))
        else { return nil }
        (self.index, self.flags, self.name) = (index, flags, name)
        // ARPHRD_LOOPBACK
        isLoopback = type == 772
        mac = attributes[Int(IFLA_ADDRESS)].flatMap { MACAddress(octets: $0) }
        permanentMAC = attributes[Int(IFLA_PERM_ADDRESS)].flatMap { MACAddress(octets: $0) }
        mtu = Int(attributes.integer(Int(IFLA_MTU), as: UInt32.self) ?? 0)
        master = attributes.integer(Int(IFLA_MASTER), as: Int32.self)
        parent = attributes.integer(Int(IFLA_LINK), as: Int32.self)
        let info = attributes.nested(Int(IFLA_LINKINFO))
        (kind, kindData) = (info?.text(Int(IFLA_INFO_KIND)), info?.nested(Int(IFLA_INFO_DATA)))
        let slave = info?.text(Int(IFLA_INFO_SLAVE_KIND)) == "bond" ? info?.nested(Int(IFLA_INFO_SLAVE_DATA)) : nil
        slaveMAC = slave?[Int(IFLA_BOND_SLAVE_PERM_HWADDR)].flatMap { MACAddress(octets: $0) }
        mtuMax = attributes.integer(Int(IFLA_MAX_MTU), as: UInt32.self).map(Int.init)
        ipv6 = attributes.nested(Int(IFLA_AF_SPEC))?.nested(Int(AF_INET6))?[Int(IFLA_INET6_CONF)].map(Self.settings)
        qdisc = attributes.text(Int(IFLA_QDISC))
        counters = attributes[Int(IFLA_STATS64)].flatMap(LinkCounters.init) ?? LinkCounters()
    }

    private static func settings(_ values: ArraySlice<UInt8>) -> IPv6Settings {
        func value(_ place: Int) -> Int? { values.integer(at: 4 * place, as: Int32.self).map(Int.init) }
        return IPv6Settings(
            isEnabled: (value(disableIPv6) ?? 0) == 0,
            acceptRA: value(acceptRA) ?? 1,
            autoconf: (value(autoconf) ?? 1) != 0
        )
    }
}

/// What a link has carried since it was made (struct rtnl_link_stats64).
package struct LinkCounters: Hashable, Sendable {
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var receiveErrors: UInt64 = 0
    package var sendErrors: UInt64 = 0
    package var receiveDropped: UInt64 = 0
    package var sendDropped: UInt64 = 0

    init() {}

    init?(_ bytes: ArraySlice<UInt8>) {
        // rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped
        let values = (0..<8).compactMap { bytes.integer(at: 8 * $0, as: UInt64.self) }
        guard values.count == 8 else { return nil }
        (receivedBytes, sentBytes, receiveErrors, sendErrors) = (values[2], values[3], values[4], values[5])
        (receiveDropped, sendDropped) = (values[6], values[7])
    }
}
