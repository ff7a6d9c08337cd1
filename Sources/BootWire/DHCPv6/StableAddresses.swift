package import HostModel

/// Which IPv6 address a machine has: computed from its identifier, so that it is the same for ever, and nothing has to be
/// written down or can run out.
///
/// A /64 has room for every identifier; two machines with one address are as likely as two of 2^60 that draw the same number.
/// What a client finds in use (it looks: RFC 4862, section 5.4) it declines, and gets the next one of its own.
package struct StableAddresses: Hashable, Sendable {
    private var declined: [IPv6Address: Duration] = [:]

    /// How long an address that was found in use is not given again.
    package static let declineTime: Duration = .seconds(600)
    /// Declined addresses that are remembered; anybody can decline.
    package static let declinedMax = 1024
    /// How many addresses of its own a client has.
    package static let choices = 4

    package init() {}

    /// The address for one association of one client on the link of that prefix; `nil` when it declined all of its own a
    /// moment ago.
    ///
    /// One of its own that it has (`held`) it keeps, though an earlier one may be free again. `isInUse`: it says that it uses
    /// that address now, which no client says of one that it declined: who declined it was somebody else.
    package func address(
        of identifier: [UInt8],
        association: UInt32,
        in prefix: LinkPrefix,
        held: [IPv6Address] = [],
        isInUse: Bool = false,
        at now: Duration
    ) -> IPv6Address? {
        let own = own(identifier, association, prefix.network.address.high)
        let free = own.filter { declined[$0].map { $0 <= now } ?? true }
        return (isInUse ? own : free).first { held.contains($0) } ?? free.first
    }

    private func own(_ identifier: [UInt8], _ association: UInt32, _ prefix: UInt64) -> [IPv6Address] {
        (0..<Self.choices).map { choice in
            IPv6Address(high: prefix, low: Self.interfaceID(identifier, association, choice))
        }
    }

    /// FNV-1a and the last step of SplitMix64. It begins with 1, and so is none of the small numbers that people give, and none
    /// of those that are set aside (RFC 5453).
    private static func interfaceID(_ identifier: [UInt8], _ association: UInt32, _ choice: Int) -> UInt64 {
        let bytes = identifier + [UInt8].bigEndian(association) + [UInt8(choice)]
        var hash = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return 0x1000_0000_0000_0000 | (hash ^ hash >> 31) >> 4
    }

    /// A client found the address in use. Only its own can be declined by it.
    package mutating func decline(_ address: IPv6Address, by identifier: [UInt8], association: UInt32, at now: Duration)
    {
        guard own(identifier, association, address.high).contains(address) else { return }
        declined = declined.filter { $0.value > now }
        if declined.count < Self.declinedMax { declined[address] = now + Self.declineTime }
    }
}
