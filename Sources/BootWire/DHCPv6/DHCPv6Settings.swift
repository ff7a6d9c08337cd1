package import HostModel

/// What a server gives by DHCPv6: on its own link, and on links behind relays.
package struct DHCPv6Settings: Hashable, Sendable {
    /// The server's own address, as machines reach it.
    package var server: IPv6Address
    package var link: LinkPrefix
    /// Links whose relays send here.
    package var relayed: [LinkPrefix] = []
    /// Relays that ask from an address of none of these links.
    package var relays: Set<IPv6Address> = []
    /// By what clients know the server again (DUID-LL of its card).
    package var identifier: [UInt8]
    /// False where a router, or another server, gives the addresses.
    package var givesAddresses: Bool
    package var files: BootFiles
    package var nameServers: [IPv6Address] = []
    /// Seconds: an address stays its machine's in any case, so this only says how soon a machine hears of a change.
    package var validTime: UInt32 = 7200

    /// The most links behind relays.
    package static let relayedMax = 1024

    package init(
        server: IPv6Address,
        link: LinkPrefix,
        card: MACAddress,
        givesAddresses: Bool,
        files: BootFiles
    ) {
        (self.server, self.link, self.givesAddresses, self.files) = (server, link, givesAddresses, files)
        identifier = [0, 3, 0, 1] + card.octets
    }

    /// The link that a client is on: the one that the relay next to it names, of those that name one (RFC 8415, section
    /// 13.1); without any the server's own. `nil` where that one is not served.
    package func prefix(of request: DHCPv6Request) -> LinkPrefix? {
        guard let named = request.relays.last(where: { $0.link != .any })?.link else { return link }
        return ([link] + relayed).first { $0.contains(named) }
    }

    /// Whether somebody who asks from this address is answered. Machines ask on the server's own link, so that what comes from
    /// elsewhere is a relay's, and those are of the links that are served, or named: who may be anybody makes the server
    /// answer to anybody.
    package func isAnswered(_ source: IPv6Address, isRelay: Bool) -> Bool {
        if source.isLinkLocal || link.contains(source) { return true }
        return isRelay && (relays.contains(source) || relayed.contains { $0.contains(source) })
    }
}

extension DHCPv6Settings {
    /// The enterprise number in the vendor class of firmware.
    private static let intel: UInt32 = 343

    /// What a client asked for and what it is told to boot (RFC 5970).
    func boot(_ exchange: Exchange6) -> [DHCPv6Option] {
        var options: [DHCPv6Option] = []
        if !nameServers.isEmpty, exchange.asks(for: .nameServers) {
            options.append(DHCPv6Option(.nameServers, nameServers.flatMap(\.octets)))
        }
        guard exchange.verdict == .allowed, let file = files.file(for: exchange.client.boot) else { return options }
        // Never option 60: EDK2 reads a file's length out of it.
        options.append(DHCPv6Option(.bootFileURL, Array(file.utf8)))
        // Without "HTTPClient" HTTP boot takes the answer for one about addresses alone. "PXEClient" is never said: EDK2 takes an
        // offer with it for a BINL one, and asks port 4011 instead of loading what the URL names.
        guard case .http = exchange.client.boot else { return options }
        let text = Array("HTTPClient".utf8)
        options.append(
            DHCPv6Option(
                .vendorClass,
                [UInt8].bigEndian(Self.intel) + [UInt8].bigEndian(UInt16(text.count)) + text
            )
        )
        return options
    }
}
