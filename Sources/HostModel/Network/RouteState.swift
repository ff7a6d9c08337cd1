/// One unicast route with one next hop.
package struct RouteState: Hashable, Sendable, Codable {
    /// `0.0.0.0/0` or `::/0` for the default route.
    package var destination: IPNetwork
    /// `nil` for a destination on the link itself.
    package var gateway: IPAddress?
    package var link: String
    /// 254 is the main table.
    package var table: Int
    /// The lower one wins; 0 unless somebody set it (the kernel makes 1024 of it for IPv6).
    package var metric: Int
    /// The preferred source address.
    package var source: IPv4Address?
    /// Who made it (rtm_protocol): 3 boot (what busybox and iproute2 write), 4 static, 9 router advertisements, 16 DHCP.
    package var origin: Int

    package static let mainTable = 254
    /// The metric of an IPv6 route that nobody gave one (IP6_RT_PRIO_USER).
    package static let metric6 = 1024
    package static let advertised = 9

    package init(
        destination: IPv4Network,
        gateway: IPv4Address? = nil,
        link: String,
        table: Int = RouteState.mainTable,
        metric: Int = 0,
        source: IPv4Address? = nil,
        origin: Int = 4
    ) {
        (self.destination, self.gateway, self.link) = (.v4(destination), gateway.map(IPAddress.v4), link)
        (self.table, self.metric, self.source, self.origin) = (table, metric, source, origin)
    }

    package init(
        destination6: IPv6Network,
        gateway: IPv6Address? = nil,
        link: String,
        table: Int = RouteState.mainTable,
        metric: Int = RouteState.metric6,
        origin: Int = 4
    ) {
        (destination, self.gateway, self.link) = (.v6(destination6), gateway.map(IPAddress.v6), link)
        (self.table, self.metric, source, self.origin) = (table, metric, nil, origin)
    }

    /// The shortest prefix of IPv4 that a network is given (class A). What is shorter takes the default route's place, in part:
    /// `0.0.0.0/1` and `128.0.0.0/1` are it in halves.
    package static let prefixMin = 8

    package var isDefault: Bool { destination.prefixLength == 0 }
    /// Whether it is the host's default route, or a part of it.
    package var takesDefault: Bool { isIPv4 ? destination.prefixLength < Self.prefixMin : isDefault }
    package var isIPv4: Bool { destination.v4 != nil }

    func leads(like other: RouteState) -> Bool { link == other.link && gateway == other.gateway }

    /// Two routes with the same key are not beside each other in the kernel: the later one takes the earlier one's place.
    /// Not so with IPv6, where another hop makes it another route.
    package var key: Key {
        switch destination {
        case .v4: Key(destination: destination.firstOctets, length: destination.prefixLength, table, metric, nil, nil)
        case .v6:
            Key(destination: destination.firstOctets, length: destination.prefixLength, table, metric, link, gateway)
        }
    }

    package struct Key: Hashable, Sendable {
        var destination: [UInt8]
        var length: Int
        var table: Int
        var metric: Int
        var link: String?
        var gateway: IPAddress?

        init(destination: [UInt8], length: Int, _ table: Int, _ metric: Int, _ link: String?, _ gateway: IPAddress?) {
            (self.destination, self.length, self.table, self.metric) = (destination, length, table, metric)
            (self.link, self.gateway) = (link, gateway)
        }
    }
}

extension RouteState: CustomStringConvertible {
    package var description: String {
        let usual = isIPv4 ? 0 : Self.metric6
        return (isDefault ? (isIPv4 ? "default" : "default6") : destination.description)
            + (gateway.map { " via \($0)" } ?? "") + " dev \(link)"
            + (table == Self.mainTable ? "" : " table \(table)") + (metric == usual ? "" : " metric \(metric)")
    }
}

/// Routes by link and by key, so that a plan for a thousand links takes no longer a link than one for ten.
package struct RouteTable: Hashable, Sendable {
    private var byKey: [RouteState.Key: RouteState] = [:]
    private var keys: [String: [RouteState.Key]] = [:]

    package init(_ routes: some Sequence<RouteState> = []) { for route in routes { insert(route) } }

    /// Those of a link, in the order in which they came.
    package func on(_ link: String) -> [RouteState] { keys[link]?.compactMap { byKey[$0] } ?? [] }

    package func contains(_ route: RouteState) -> Bool { byKey[route.key] == route }

    /// Takes the place of one with the same key, which is returned.
    @discardableResult
    package mutating func insert(_ route: RouteState) -> RouteState? {
        let key = route.key
        let old = byKey.updateValue(route, forKey: key)
        if let old {
            if old.link == route.link { return old }
            forget(key, of: old.link)
        }
        keys[route.link, default: []].append(key)
        return old
    }

    package mutating func remove(_ route: RouteState) {
        let key = route.key
        guard byKey[key]?.link == route.link else { return }
        byKey[key] = nil
        forget(key, of: route.link)
    }

    package mutating func removeAll(on link: String, where isGone: (RouteState) -> Bool = { _ in true }) {
        for route in on(link) where isGone(route) { remove(route) }
    }

    private mutating func forget(_ key: RouteState.Key, of link: String) {
        keys[link]?.removeAll { $0 == key }
        if keys[link]?.isEmpty == true { keys[link] = nil }
    }

    /// The main table's default routes of the family.
    package func defaults(isIPv4: Bool) -> [RouteState] {
        byKey.values.filter { $0.isDefault && $0.table == RouteState.mainTable && $0.isIPv4 == isIPv4 }
            .sorted { $0.description < $1.description }
    }

    package var all: [RouteState] { keys.keys.sorted().flatMap { on($0) } }

    package static func == (left: RouteTable, right: RouteTable) -> Bool { left.byKey == right.byKey }
    package func hash(into hasher: inout Hasher) { hasher.combine(byKey) }
}

extension RouteTable: Codable {
    package init(from decoder: any Decoder) throws { self.init(try [RouteState](from: decoder)) }
    package func encode(to encoder: any Encoder) throws { try all.encode(to: encoder) }
}

/// One IPv4 rule of source routing: what comes from, or goes to, a network is looked up in its table (ovirt.md 6.4).
package struct RuleState: Hashable, Sendable, Codable {
    package enum Selector: String, Hashable, Sendable, Codable, CaseIterable {
        case from
        case to
    }

    package var selector: Selector
    /// Host bits are zero.
    package var network: IPv4Network
    package var table: Int

    /// That of all our rules, and of VDSM's.
    package static let priority = 3200

    package init(_ selector: Selector, _ network: IPv4Network, table: Int) {
        (self.selector, self.table) = (selector, table)
        self.network = IPv4Network(network.first, prefixLength: network.prefixLength) ?? network
    }

    /// VDSM's number for a link's table: Adler-32 of its name (RFC 1950).
    package static func table(of link: String) -> Int {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in link.utf8 {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return Int(high << 16 | low)
    }
}

extension RuleState: CustomStringConvertible {
    package var description: String { "\(selector.rawValue) \(network) lookup \(table)" }
}
