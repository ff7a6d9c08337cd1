import HostModel

/// How a client is told what to load: header fields and options, by who tells it.
enum BootDataRole {
    /// The server that also gives the address.
    case withAddress
    /// A proxy's offer beside the address of another server.
    case proxyOffer
    /// The answer of port 4011.
    case bootServer
}

extension DHCPPacket {
    /// The longest name that the header's field holds with its NUL.
    private static let bootFileFieldMax = DHCPPacket.bootFileLength - 1
    /// PXE's discovery control (option 43, sub-option 6): bit 3, boot the named file at once.
    private static let bootNamedFile = EncapsulatedOptions([.init(code: 6, payload: [8])], hasEnd: true)
    /// iPXE's sub-option 176: do not wait for a proxy's offer, which saves two seconds a boot.
    private static let ipxeNoProxy = EncapsulatedOptions([.init(code: 176, payload: [1])])

    /// Tells the client of `request` to load `file` from `server`.
    mutating func addBoot(
        _ file: String,
        for client: BootClient,
        asked request: DHCPPacket,
        from server: IPv4Address,
        as role: BootDataRole
    ) {
        options += Self.vendorOptions(for: client, as: role)
        nextServer = server
        let name = Array(server.description.utf8)
        serverName = name
        if request.asks(for: .tftpServerName) { options.append(.tftpServerName(name)) }
        let fileName = Array(file.utf8)
        let fits = fileName.count <= Self.bootFileFieldMax
        if fits { bootFile = fileName }
        if !fits || request.asks(for: .bootFileName) { options.append(.bootFileName(fileName)) }
    }

    /// EDK2 takes an offer with "PXEClient" and without a valid option 43 for a BINL one, and asks port 4011 for the rest.
    ///
    /// The server that gives the address says option 43, so that nobody needs the second question. A proxy says it to BIOS
    /// ROMs, which boot the named file at once by it; UEFI firmware is left to ask port 4011, as Windows' deployment
    /// services, dnsmasq and pixiecore do, so that it does what it was tried with.
    private static func vendorOptions(for client: BootClient, as role: BootDataRole) -> [DHCPOption] {
        let pxe = DHCPOption.vendorClass(Array("PXEClient".utf8))
        switch (client, role) {
        case (.addressOnly, _): return []
        case (.http, _): return [.vendorClass(Array("HTTPClient".utf8))]
        case (.ipxe, .withAddress): return [.ipxe(ipxeNoProxy)]
        // Without "PXEClient" iPXE takes no proxy's offer.
        case (.ipxe, _): return [pxe]
        case (.pxe, .withAddress): return [pxe, .vendorSpecific(bootNamedFile.encoded)]
        case (.pxe(let architecture), .proxyOffer):
            return architecture == .bios ? [pxe, .vendorSpecific(bootNamedFile.encoded)] : [pxe]
        case (.pxe, .bootServer): return [pxe]
        }
    }
}
