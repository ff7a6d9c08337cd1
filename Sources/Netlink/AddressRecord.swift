internal import CNetlink
internal import Glibc
internal import HostModel

/// One RTM_NEWADDR message.
struct AddressRecord: Sendable {
    var link: Int32
    var address: IPNetwork
    /// Set by somebody, for good: not from router advertisements or a lease with an end.
    var isPermanent: Bool

    /// `nil` for a malformed message and for families other than IPv4 and IPv6.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct ifaddrmsg: family, prefix length, flags, scope, index; then attributes.
        guard bytes.count >= 8, let index = bytes.integer(at: 4, as: Int32.self),
            let attributes = NetlinkAttributes(bytes.dropFirst(8))
        else { return nil }
        // With a peer IFA_ADDRESS is the peer's; IFA_LOCAL is always ours.
        guard let octets = attributes[Int(IFA_LOCAL)] ?? attributes[Int(IFA_ADDRESS)],
            let address = IPNetwork(family: payload[0], octets: octets, prefixLength: payload[1])
        else { return nil }
        (link, self.address) = (index, address)
        let flags = attributes.integer(Int(IFA_FLAGS), as: UInt32.self) ?? UInt32(payload[2])
        isPermanent = flags & UInt32(IFA_F_PERMANENT) != 0
    }
}

extension IPv4Address {
    /// Four octets in wire order.
    init?(octets: some Collection<UInt8>) {
        guard octets.count == 4 else { return nil }
        self.init(rawValue: octets.reduce(0) { $0 << 8 | UInt32($1) })
    }
}

extension IPAddress {
    init?(family: UInt8, octets: ArraySlice<UInt8>) {
        switch Int32(family) {
        case AF_INET:
            guard let address = IPv4Address(octets: octets) else { return nil }
            self = .v4(address)
        case AF_INET6:
            guard let address = IPv6Address(octets: octets) else { return nil }
            self = .v6(address)
        default: return nil
        }
    }
}

extension IPNetwork {
    init?(family: UInt8, octets: ArraySlice<UInt8>, prefixLength: UInt8) {
        switch IPAddress(family: family, octets: octets) {
        case .v4(let address)?:
            guard let network = IPv4Network(address, prefixLength: Int(prefixLength)) else { return nil }
            self = .v4(network)
        case .v6(let address)?:
            guard let network = IPv6Network(address, prefixLength: Int(prefixLength)) else { return nil }
            self = .v6(network)
        case nil: return nil
        }
    }
}
