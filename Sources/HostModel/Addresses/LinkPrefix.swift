/// The prefix of a link whose machines get IPv6 addresses: 64 bits (RFC 4291, section 2.5.1), and nothing that a router does
/// not forward.
package struct LinkPrefix: Hashable, Sendable {
    /// Without the bits of a host.
    package let network: IPv6Network

    /// `nil` unless it is 64 bits long, and neither link-local nor of a group.
    package init?(_ network: IPv6Network) {
        guard network.prefixLength == 64, !network.address.isLinkLocal, !network.address.isMulticast else { return nil }
        self.network = network.prefix
    }

    package func contains(_ address: IPv6Address) -> Bool { network.contains(address) }
}

extension LinkPrefix: CustomStringConvertible {
    /// `fd00:77::/64`
    package var description: String { network.description }
}
