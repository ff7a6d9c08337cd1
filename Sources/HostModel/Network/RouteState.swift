/// One unicast IPv4 route with one next hop.
package struct RouteState: Hashable, Sendable, Codable {
    /// `0.0.0.0/0` for the default route.
    package var destination: IPv4Network
    /// `nil` for a destination on the link itself.
    package var gateway: IPv4Address?
    package var link: String
    /// 254 is the main table.
    package var table: Int
    /// The lower one wins; 0 unless somebody set it.
    package var metric: Int
    /// The preferred source address.
    package var source: IPv4Address?
    /// Who made it (rtm_protocol): 3 boot (what busybox and iproute2 write), 4 static, 16 DHCP.
    package var origin: Int

    package static let mainTable = 254

    package init(
        destination: IPv4Network,
        gateway: IPv4Address? = nil,
        link: String,
        table: Int = RouteState.mainTable,
        metric: Int = 0,
        source: IPv4Address? = nil,
        origin: Int = 4
    ) {
        (self.destination, self.gateway, self.link, self.table) = (destination, gateway, link, table)
        (self.metric, self.source, self.origin) = (metric, source, origin)
    }

    package var isDefault: Bool { destination.prefixLength == 0 }

    /// Of two routes with the same key the kernel keeps the later one when it is told to replace.
    func hasKey(of other: RouteState) -> Bool {
        (destination, table, metric) == (other.destination, other.table, other.metric)
    }

    func leads(like other: RouteState) -> Bool { link == other.link && gateway == other.gateway }
}
