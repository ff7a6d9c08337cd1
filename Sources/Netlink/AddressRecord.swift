internal import CNetlink
internal import Glibc
internal import HostModel

/// One RTM_NEWADDR message.
struct AddressRecord: Sendable {
    enum Address: Hashable, Sendable {
        case v4(IPv4Network)
        /// `address/length`
        case v6(String)
    }

    var link: Int32
    var address: Address

    /// `nil` for a malformed message and for families other than IPv4 and IPv6.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct ifaddrmsg: family, prefix length, flags, scope, index; then attributes.
        guard bytes.count >= 8, let index = bytes.integer(at: 4, as: Int32.self),
            let attributes = NetlinkAttributes(bytes.dropFirst(8))
        else { return nil }
        // With a peer IFA_ADDRESS is the peer's; IFA_LOCAL is always ours.
        guard let octets = attributes[Int(IFA_LOCAL)] ?? attributes[Int(IFA_ADDRESS)] else { return nil }
        link = index
        switch Int32(payload[0]) {
        case AF_INET:
            guard let network = IPv4Address(octets: octets).flatMap({ IPv4Network($0, prefixLength: Int(payload[1])) })
            else { return nil }
            address = .v4(network)
        case AF_INET6:
            guard let text = Self.text(octets) else { return nil }
            address = .v6("\(text)/\(payload[1])")
        default: return nil
        }
    }

    private static func text(_ octets: ArraySlice<UInt8>) -> String? {
        guard octets.count == 16 else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let written = octets.withUnsafeBytes { inet_ntop(AF_INET6, $0.baseAddress, &buffer, socklen_t(buffer.count)) }
        guard written != nil else { return nil }
        return String(validating: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension IPv4Address {
    /// Four octets in wire order.
    init?(octets: some Collection<UInt8>) {
        guard octets.count == 4 else { return nil }
        self.init(rawValue: octets.reduce(0) { $0 << 8 | UInt32($1) })
    }
}
