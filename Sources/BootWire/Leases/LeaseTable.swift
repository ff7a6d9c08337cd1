package import HostModel

/// All leases of one network: at most one per address, so its size is bounded by the network's.
///
/// A pure value. Expired leases stay as history, so that a client gets its old address back.
package struct LeaseTable: Hashable, Sendable {
    private let network: IPv4Network
    private let pool: ClosedRange<IPv4Address>
    private let excluded: Set<IPv4Address>
    private var kept: [MACAddress: IPv4Address] = [:]
    private var keepers: [IPv4Address: MACAddress] = [:]
    private var byAddress: [IPv4Address: Lease] = [:]
    private var byClient: [ClientKey: IPv4Address] = [:]
    /// Machines that were seen to have an address which nobody has from here.
    private var holders: [IPv4Address: MACAddress] = [:]

    init(
        network: IPv4Network,
        pool: ClosedRange<IPv4Address>,
        excluded: Set<IPv4Address>,
        reservations: [AddressReservation]
    ) {
        (self.network, self.pool, self.excluded) = (network, pool, excluded)
        keep(reservations)
    }

    /// Takes the place of all reservations. Of two for one machine or one address the first counts; what this network
    /// cannot give is left out. Returns what was left out.
    @discardableResult
    package mutating func keep(_ reservations: [AddressReservation]) -> [AddressReservation] {
        (kept, keepers) = ([:], [:])
        var refused: [AddressReservation] = []
        for reservation in reservations {
            let (mac, address) = (reservation.mac, reservation.address)
            guard network.contains(address), !excluded.contains(address), kept[mac] == nil, keepers[address] == nil
            else {
                refused.append(reservation)
                continue
            }
            (kept[mac], keepers[address]) = (address, mac)
        }
        return refused
    }

    /// Every lease, in the order of addresses.
    package var leases: [Lease] { unordered.sorted { $0.address < $1.address } }

    /// Every lease, as it comes: what costs least.
    package var unordered: [Lease] { Array(byAddress.values) }

    package func lease(at address: IPv4Address) -> Lease? { byAddress[address] }

    package func lease(of key: ClientKey) -> Lease? { byClient[key].flatMap { byAddress[$0] } }

    /// True for a machine with an address kept for it, and for one that has a lease.
    package func knows(_ client: LeaseClient, at now: Duration) -> Bool {
        guard kept[client.mac] == nil else { return true }
        return lease(of: client.key).map { $0.state == .bound && $0.isActive(at: now) } ?? false
    }

    /// The cards of all that `knows` knows.
    package func knownCards(at now: Duration) -> Set<MACAddress> {
        let bound = byAddress.values.filter { $0.state == .bound && $0.isActive(at: now) }
        return Set(kept.keys).union(bound.map(\.client.mac))
    }

    /// True when the address is kept for some machine.
    func isKept(_ address: IPv4Address) -> Bool { keepers[address] != nil }

    /// True for a lease that runs, unless its address is kept for another machine by now. Another address that is kept for
    /// this client does not end it: moving a running machine is not for DHCP to decide.
    func mayRenew(_ address: IPv4Address, _ client: LeaseClient, at now: Duration) -> Bool {
        guard let lease = byAddress[address], lease.client.key == client.key, lease.state == .bound else {
            return false
        }
        return lease.isActive(at: now) && keepers[address].map { $0 == client.mac } ?? true
    }

    /// Addresses in quarantine, the one that has been there for longest first.
    func quarantined(at now: Duration) -> [IPv4Address] {
        byAddress.values.filter { $0.state == .quarantined && $0.isActive(at: now) }
            .sorted { ($0.expiry, $0.address) < ($1.expiry, $1.address) }.map(\.address)
    }

    /// Notes that a machine was seen with an address of the pool; `nil` that nobody is seen there any more. True when by
    /// that the address cannot be given to the machine that had it last.
    ///
    /// An address that somebody has from here is left alone: bonds and bridges answer with other hardware addresses.
    package mutating func note(_ address: IPv4Address, heldBy mac: MACAddress?, at now: Duration) -> Bool {
        let lease = byAddress[address]
        guard pool.contains(address), lease?.state != .bound || lease?.isActive(at: now) == false else { return false }
        // Said once, however often the machine behind it changes: anybody can answer in any machine's name.
        let isNews = holders[address] == nil && mac != nil && mac != lease?.client.mac
        holders[address] = mac
        return isNews
    }

    /// Addresses that nobody has from here and that somebody was seen with.
    package var held: [IPv4Address] { holders.keys.sorted() }

    /// Addresses of the pool that nobody has from here, in their order.
    package func unleased(at now: Duration) -> [IPv4Address] {
        (pool.lowerBound.rawValue...pool.upperBound.rawValue).map(IPv4Address.init(rawValue:)).filter { address in
            !excluded.contains(address) && byAddress[address]?.isActive(at: now) != true
        }
    }

    package mutating func apply(_ change: LeaseChange) {
        switch change {
        case .withdraw(let address): remove(address)
        case .set(let lease): set(lease)
        }
    }

    private mutating func remove(_ address: IPv4Address) {
        guard let lease = byAddress.removeValue(forKey: address) else { return }
        if byClient[lease.client.key] == address { byClient[lease.client.key] = nil }
    }

    private mutating func set(_ lease: Lease) {
        let key = lease.client.key
        let previous = byClient[key]
        remove(lease.address)
        byAddress[lease.address] = lease
        switch lease.state {
        case .quarantined:
            break
        case .released:
            if previous == nil || previous == lease.address { byClient[key] = lease.address }
        case .offered:
            byClient[key] = lease.address
        case .bound:
            byClient[key] = lease.address
            holders[lease.address] = nil
            // A client has one address: taking another gives the old one back.
            if let previous, previous != lease.address, byAddress[previous]?.client.key == key {
                byAddress[previous]?.state = .released
            }
        }
    }
}

/// What a client may do with an address.
package enum AddressStanding: Hashable, Sendable {
    /// It has the address, or had it last.
    case own
    case free
    /// Somebody else has it, or it is kept for somebody else, or another is kept for this client.
    case taken
    /// Not for this server to give.
    case foreign
}

extension LeaseTable {
    package func standing(of address: IPv4Address, for client: LeaseClient, at now: Duration) -> AddressStanding {
        if let own = kept[client.mac], own != address, isObtainable(own, for: client, at: now) {
            return network.contains(address) ? .taken : .foreign
        }
        switch occupancy(of: address, for: client, at: now) {
        case .own: return .own
        case .free: return .free
        case .contested:
            guard chooseFromPool(for: client, at: now).undisputed == nil else { return .taken }
            return byAddress[address]?.client.key == client.key ? .own : .free
        case .taken: return .taken
        case .foreign: return .foreign
        }
    }

    /// True when the address can be given for want of a better one only: another machine was seen with it.
    package func isContested(_ address: IPv4Address, for client: LeaseClient, at now: Duration) -> Bool {
        occupancy(of: address, for: client, at: now) == .contested
    }

    private enum Occupancy {
        case own
        case free
        /// Nobody has it from here, but another machine answers for it, which anybody can do for every address.
        case contested
        case taken
        case foreign
    }

    private func occupancy(of address: IPv4Address, for client: LeaseClient, at now: Duration) -> Occupancy {
        if let keeper = keepers[address] {
            if keeper != client.mac { return .taken }
        } else if !pool.contains(address) || excluded.contains(address) {
            return .foreign
        }
        // Anybody can answer for a kept address: it stays its machine's.
        let isHeld = keepers[address] == nil && holders[address].map { $0 != client.mac } ?? false
        let free = isHeld ? Occupancy.contested : .free
        guard let lease = byAddress[address] else { return free }
        if lease.state == .quarantined { return lease.isActive(at: now) ? .taken : free }
        if lease.client.key == client.key {
            let isRunning = lease.state == .bound && lease.isActive(at: now)
            return isHeld && !isRunning ? .contested : .own
        }
        return lease.isActive(at: now) ? .taken : free
    }

    private func isObtainable(_ address: IPv4Address, for client: LeaseClient, at now: Duration) -> Bool {
        let occupancy = occupancy(of: address, for: client, at: now)
        return occupancy == .own || occupancy == .free
    }

    /// The address to offer (RFC 2131, section 4.3.1): the one kept for the machine, its present or last one, the one it
    /// asks for, one that nobody ever had, the one that has been free for longest; at the very last one that another machine
    /// was seen with: whoever answers ARP for every address must not keep newcomers out. `nil` when all are taken.
    package func choose(for client: LeaseClient, requested: IPv4Address?, at now: Duration) -> IPv4Address? {
        let wishes = [kept[client.mac], byClient[client.key], requested]
        for case let address? in wishes where isObtainable(address, for: client, at: now) { return address }
        let choice = chooseFromPool(for: client, at: now)
        return choice.undisputed ?? choice.contested
    }

    private func chooseFromPool(
        for client: LeaseClient,
        at now: Duration
    ) -> (undisputed: IPv4Address?, contested: IPv4Address?) {
        let count = pool.upperBound.rawValue - pool.lowerBound.rawValue + 1
        let start = Self.scatter(client.mac) % count
        var oldest: Lease?
        var contested = byClient[client.key].flatMap { isContested($0, for: client, at: now) ? $0 : nil }
        for step in 0..<count {
            let address = IPv4Address(rawValue: pool.lowerBound.rawValue + (start + step) % count)
            switch occupancy(of: address, for: client, at: now) {
            case .own, .free:
                guard let lease = byAddress[address] else { return (address, contested) }
                if lease.expiry < oldest?.expiry ?? .seconds(Int64.max) { oldest = lease }
            case .contested: contested = contested ?? address
            case .taken, .foreign: break
            }
        }
        return (oldest?.address, contested)
    }

    /// Starts machines at different places of the pool, the same machine always at the same (FNV-1a).
    private static func scatter(_ mac: MACAddress) -> UInt32 {
        mac.octets.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}
