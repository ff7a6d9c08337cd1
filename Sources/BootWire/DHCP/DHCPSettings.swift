package import HostModel

/// What a DHCP server gives on one network. Checked once: every value of this type can be served.
package struct DHCPSettings: Hashable, Sendable {
    /// The server's own address, as the clients reach it.
    package let server: IPv4Address
    /// The network that it serves.
    package let network: IPv4Network
    /// Addresses for machines without a reservation.
    package let pool: ClosedRange<IPv4Address>
    package var router: IPv4Address?
    package var nameServers: [IPv4Address] = []
    package var domain: HostName?
    /// Seconds.
    package var leaseTime: UInt32 = 3600
    /// Seconds of the first lease of a machine that nobody knows: whoever makes machines up does not hold the pool for an
    /// hour. Firmware, loader and node ask in turn, and with its second lease a machine is known.
    package var firstLeaseTime: UInt32 = 900
    /// How long an offer keeps its address for its machine alone. EDK2 may take longer to choose, which does no harm: other
    /// machines are offered the address only when no other one is left.
    package var offerTime: Duration = .seconds(10)
    /// How long an address that a client found in use is not given again.
    package var quarantineTime: Duration = .seconds(600)
    /// At most one in so many addresses of the pool is in quarantine, and always one may be: a newer one frees the oldest.
    package static let quarantineShare = 8
    package var identity: ClientKey.Rule = .hardwareAddress
    /// Refuses clients that nobody knows who ask for their old address, instead of leaving them to another server.
    package var isAuthoritative = true
    /// `nil` gives addresses and nothing to boot.
    package var bootFiles: BootFiles?

    /// The most addresses of a pool: choosing one may look at each.
    package static let poolSizeMax = 65_536

    package init(
        server: IPv4Address,
        network: IPv4Network,
        pool: ClosedRange<IPv4Address>,
        bootFiles: BootFiles? = nil
    ) throws(DHCPSettingsError) {
        guard network.contains(server) else { throw .serverOutsideNetwork(server, network) }
        try self.init(checked: network, server, pool, bootFiles)
    }

    /// A network that the server hears through relays. Its machines reach the server by way of `router`.
    package init(
        server: IPv4Address,
        relayed network: IPv4Network,
        pool: ClosedRange<IPv4Address>,
        router: IPv4Address,
        bootFiles: BootFiles? = nil
    ) throws(DHCPSettingsError) {
        guard !network.contains(server) else { throw .serverInsideRelayedNetwork(server, network) }
        guard network.contains(router) else { throw .routerOutsideNetwork(router, network) }
        try self.init(checked: network, server, pool, bootFiles)
        self.router = router
    }

    private init(
        checked network: IPv4Network,
        _ server: IPv4Address,
        _ pool: ClosedRange<IPv4Address>,
        _ bootFiles: BootFiles?
    ) throws(DHCPSettingsError) {
        guard network.contains(pool.lowerBound), network.contains(pool.upperBound) else {
            throw .poolOutsideNetwork(pool, network)
        }
        let size = Int(pool.upperBound.rawValue - pool.lowerBound.rawValue) + 1
        guard size <= Self.poolSizeMax else { throw .poolTooLarge(size) }
        (self.server, self.network, self.pool, self.bootFiles) = (server, network, pool, bootFiles)
    }

    /// Addresses of the network that no client may have.
    var excluded: Set<IPv4Address> {
        var excluded: Set = [server]
        if let router { excluded.insert(router) }
        if network.prefixLength <= 30 { excluded.formUnion([network.first, network.last]) }
        return excluded
    }

    /// The most addresses in quarantine.
    package var quarantinedMax: Int {
        max(1, (Int(pool.upperBound.rawValue - pool.lowerBound.rawValue) + 1) / Self.quarantineShare)
    }

    /// A lease table for these settings, empty but for the reservations.
    package func emptyLeaseTable(reservations: [AddressReservation] = []) -> LeaseTable {
        LeaseTable(network: network, pool: pool, excluded: excluded, reservations: reservations)
    }
}

/// Why settings cannot be served.
package enum DHCPSettingsError: Error, Hashable {
    case serverOutsideNetwork(IPv4Address, IPv4Network)
    case poolOutsideNetwork(ClosedRange<IPv4Address>, IPv4Network)
    case poolTooLarge(Int)
    case serverInsideRelayedNetwork(IPv4Address, IPv4Network)
    case routerOutsideNetwork(IPv4Address, IPv4Network)
    case networksOverlap(IPv4Network, IPv4Network)
    case tooManyNetworks(Int)
}

extension DHCPSettingsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .serverOutsideNetwork(let server, let network):
            "the server address \(server) is not in \(network); give an address of the interface"
        case .poolOutsideNetwork(let pool, let network):
            "the pool \(pool.lowerBound)-\(pool.upperBound) is not in \(network); give a range inside it"
        case .poolTooLarge(let size):
            "the pool has \(size) addresses; give at most \(DHCPSettings.poolSizeMax)"
        case .serverInsideRelayedNetwork(let server, let network):
            "the server \(server) stands in \(network) itself; give only networks that are behind relays"
        case .routerOutsideNetwork(let router, let network):
            "the router \(router) is not in \(network); give the one that the network's machines use"
        case .networksOverlap(let network, let other):
            "\(network) overlaps \(other); give each network once"
        case .tooManyNetworks(let count):
            "there are \(count) networks; give at most \(DHCPNetworks.countMax)"
        }
    }
}
