package import HostModel

/// Who asks, as far as booting goes: read from user class, vendor class and client architecture, in this order, because
/// iPXE also says that it is a PXE client.
package enum BootClient: Hashable, Sendable {
    /// Asks for an address only.
    case addressOnly
    /// iPXE, from a ROM or as a loader. Builds without HTTP cannot fetch a script.
    case ipxe(ClientArchitecture, hasHTTP: Bool)
    /// Firmware that loads a program by TFTP.
    case pxe(ClientArchitecture)
    /// UEFI HTTP boot.
    case http(ClientArchitecture)

    package init(of packet: DHCPPacket) {
        self.init(
            architectures: packet.architectures,
            vendor: packet.vendorClass.map { String(decoding: $0, as: UTF8.self) } ?? "",
            isIPXE: packet.ipxe != nil || packet.userClasses.contains(Array("iPXE".utf8)),
            hasHTTP: packet.ipxe.map { $0[Self.ipxeHTTPFeature].map { $0 != [0] } ?? false } ?? true
        )
    }

    init(architectures: [ClientArchitecture], vendor: String, isIPXE: Bool, hasHTTP: Bool) {
        var listed = architectures
        if listed.isEmpty, let named = Self.architecture(inVendorClass: vendor) { listed = [named] }
        // Firmware may list several; the first that we have a loader for counts.
        let architecture = listed.first { $0.firmware != nil } ?? listed.first
        if isIPXE {
            self = .ipxe(architecture ?? .bios, hasHTTP: hasHTTP)
        } else if let architecture, vendor.hasPrefix("HTTPClient") {
            self = .http(architecture)
        } else if let architecture, vendor.hasPrefix("PXEClient") {
            self = .pxe(architecture)
        } else {
            self = .addressOnly
        }
    }

    /// iPXE's feature number for HTTP in option 175.
    private static let ipxeHTTPFeature: UInt8 = 19

    /// The number in `PXEClient:Arch:00007:UNDI:003000`, which firmware without option 93 still sends.
    private static func architecture(inVendorClass text: String) -> ClientArchitecture? {
        let fields = text.split(separator: ":")
        guard fields.count >= 3, fields[1] == "Arch", fields[2].utf8.count <= 5 else { return nil }
        return UInt16(fields[2]).map(ClientArchitecture.init(rawValue:))
    }

    package var architecture: ClientArchitecture? {
        switch self {
        case .addressOnly: nil
        case .ipxe(let architecture, _), .pxe(let architecture), .http(let architecture): architecture
        }
    }

    /// The firmware whose loader the client takes; `nil` where we have none for it.
    package var firmware: BootFirmware? {
        switch self {
        case .addressOnly: nil
        case .ipxe(let architecture, _): architecture.firmware
        // Firmware that says HTTP's number but asks in PXE's way is answered in PXE's way, and the other way round.
        case .pxe(let architecture): architecture.firmware.map { $0 == .uefiHTTP ? .uefi : $0 }
        case .http(let architecture):
            architecture.isHTTPFromBIOS ? .bios : architecture.firmware.flatMap { $0 == .bios ? nil : .uefiHTTP }
        }
    }
}

extension BootClient: CustomStringConvertible {
    package var description: String {
        switch self {
        case .addressOnly: "a client that does not boot"
        case .ipxe(let architecture, _): "iPXE on \(architecture)"
        case .pxe(let architecture): "PXE firmware, \(architecture)"
        case .http(let architecture): "HTTP boot firmware, \(architecture)"
        }
    }
}
