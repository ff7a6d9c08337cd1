package import HostModel

/// What kind of firmware asks: DHCP option 93 (RFC 4578, section 2.1; IANA "Processor Architecture Types"). Any number is
/// a value.
package struct ClientArchitecture: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let bios = Self(rawValue: 0)
    package static let efi32 = Self(rawValue: 6)
    package static let efi64 = Self(rawValue: 7)
    /// "EFI byte code" by the letter. RFC 4578's text and its erratum swap 7 and 9, so firmware of both kinds is x64.
    package static let efiByteCode = Self(rawValue: 9)
    package static let efiARM64 = Self(rawValue: 11)
    package static let efi64HTTP = Self(rawValue: 16)

    /// One or more 16-bit numbers; `nil` when empty or of odd length.
    static func list(_ payload: [UInt8]) -> [ClientArchitecture]? {
        guard !payload.isEmpty, payload.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: payload.count, by: 2).map { start in
            ClientArchitecture(rawValue: UInt16(payload[start]) << 8 | UInt16(payload[start + 1]))
        }
    }

    /// The firmware we have a loader for; `nil` for every other number.
    package var firmware: BootFirmware? {
        switch self {
        case .bios: .bios
        case .efi64, .efiByteCode: .uefi
        case .efi64HTTP: .uefiHTTP
        default: nil
        }
    }
}

extension ClientArchitecture: CustomStringConvertible {
    package var description: String {
        switch self {
        case .bios: "x86 BIOS"
        case .efi32: "x86 UEFI"
        case .efi64, .efiByteCode: "x64 UEFI"
        case .efiARM64: "ARM64 UEFI"
        case .efi64HTTP: "x64 UEFI HTTP"
        default: "architecture \(rawValue)"
        }
    }
}
