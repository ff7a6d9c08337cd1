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

    /// The processors that iPXE is built for, by iPXE's own names.
    private enum Processor: String {
        case i386
        case x64 = "x86_64"
        case arm32
        case arm64
        case riscv32
        case riscv64
        case loong64
    }

    /// Processor, firmware and name by number. Missing are the numbers that no loader is built for: Itanium, Alpha, PowerPC,
    /// U-Boot's own scripts, s390, MIPS, Raspberry Pi's first stage.
    private static let known: [UInt16: (Processor, BootFirmware, String)] = [
        0: (.i386, .bios, "x86 BIOS"), 20: (.i386, .bios, "x86 BIOS HTTP"),
        6: (.i386, .uefi, "x86 UEFI"), 15: (.i386, .uefiHTTP, "x86 UEFI HTTP"),
        7: (.x64, .uefi, "x64 UEFI"), 9: (.x64, .uefi, "x64 UEFI"),
        16: (.x64, .uefiHTTP, "x64 UEFI HTTP"), 17: (.x64, .uefiHTTP, "x64 UEFI HTTP"),
        10: (.arm32, .uefi, "ARM32 UEFI"), 18: (.arm32, .uefiHTTP, "ARM32 UEFI HTTP"),
        11: (.arm64, .uefi, "ARM64 UEFI"), 19: (.arm64, .uefiHTTP, "ARM64 UEFI HTTP"),
        25: (.riscv32, .uefi, "RISC-V 32 UEFI"), 26: (.riscv32, .uefiHTTP, "RISC-V 32 UEFI HTTP"),
        27: (.riscv64, .uefi, "RISC-V 64 UEFI"), 28: (.riscv64, .uefiHTTP, "RISC-V 64 UEFI HTTP"),
        39: (.loong64, .uefi, "LoongArch64 UEFI"), 40: (.loong64, .uefiHTTP, "LoongArch64 UEFI HTTP"),
    ]

    /// The kind of firmware; `nil` for every number that there is no loader for.
    package var firmware: BootFirmware? { Self.known[rawValue]?.1 }

    /// True for x86 BIOS that fetches by HTTP: the one architecture whose kind of firmware does not say so.
    var isHTTPFromBIOS: Bool { rawValue == 20 }

    /// True for x64 UEFI, by TFTP or HTTP.
    package var isX64: Bool { Self.known[rawValue]?.0 == .x64 }

    /// The loader's file; `nil` where there is none. Debian's package has those of x86 BIOS and x64 UEFI, under iPXE's plain
    /// names; every other one carries its processor, for a directory of the operator's own builds.
    ///
    /// Not `ipxe.efi`: `snponly` is iPXE on the firmware's own driver of the network card. With drivers of its own, Debian's
    /// (20190125) hangs when it leaves for the firmware's next boot entry (docs/boot.md).
    package var loader: String? {
        guard let (processor, firmware, _) = Self.known[rawValue] else { return nil }
        if firmware == .bios { return "undionly.kpxe" }
        return processor == .x64 ? "snponly.efi" : "snponly-\(processor.rawValue).efi"
    }
}

extension ClientArchitecture: CustomStringConvertible {
    package var description: String { Self.known[rawValue]?.2 ?? "architecture \(rawValue)" }
}
