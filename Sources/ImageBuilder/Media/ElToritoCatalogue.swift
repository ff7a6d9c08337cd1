import HostModel

/// The boot catalogue of an ISO image (El Torito 1.0, section 2): one sector, of which libarchive fills the first two
/// entries, validation and BIOS.
struct ElToritoCatalogue: Hashable, Sendable {
    private static let entry = 32
    private static let x86: UInt8 = 0
    private static let efi: UInt8 = 0xEF
    private static let lastSection: UInt8 = 0x91
    private static let bootable: UInt8 = 0x88

    private(set) var bytes: [UInt8]

    /// The sector that a boot record names; `nil` unless it is a valid catalogue with one x86 entry of no emulation.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == ISOVolume.sector, bytes[0] == 1, bytes[1] == Self.x86, bytes[30] == 0x55, bytes[31] == 0xAA
        else { return nil }
        let sum = stride(from: 0, to: Self.entry, by: 2).reduce(UInt16(0)) { sum, offset in
            sum &+ (bytes.field(UInt16.self, at: offset) ?? 0)
        }
        guard sum == 0, bytes[32] == Self.bootable, bytes[33] == 0 else { return nil }
        self.bytes = bytes
    }

    /// Where the BIOS image begins, in 2,048-byte sectors.
    var biosImage: UInt32 { bytes.field(UInt32.self, at: 40) ?? 0 }

    /// Enters an EFI system partition. Its length is counted in 512-byte sectors; what does not fit 16 bits is entered as
    /// 0, which firmware reads as "all of it" (xorriso does the same).
    mutating func addEFI(image: UInt32, sectors: Int64) {
        bytes.replace(at: 64, with: [Self.lastSection, Self.efi, 1, 0] + [UInt8](repeating: 0, count: 28))
        bytes.replace(at: 96, with: [Self.bootable] + [UInt8](repeating: 0, count: 31))
        bytes.put(UInt16(exactly: sectors) ?? 0, at: 102)
        bytes.put(image, at: 104)
    }
}
