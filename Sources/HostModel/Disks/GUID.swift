/// A GUID as a partition table stores it: the first three fields little-endian (UEFI specification, appendix A).
package struct GUID: Hashable, Sendable {
    /// 16 of them, in the order of the disk.
    package let bytes: [UInt8]

    /// The fields in the order in which a GUID is written: `C12A7328-F81F-11D2-BA4B-00A0C93EC93B`.
    package init(_ first: UInt32, _ second: UInt16, _ third: UInt16, _ rest: UInt64) {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.put(first, at: 0)
        bytes.put(second, at: 4)
        bytes.put(third, at: 6)
        bytes.put(rest.byteSwapped, at: 8)
        self.bytes = bytes
    }

    /// The 16 bytes of a partition table's field; `nil` for any other number of them.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// As it is written, in upper or lower case, with its hyphens.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12], text.utf8.allSatisfy({ $0 != 43 }),
            let first = UInt32(parts[0], radix: 16), let second = UInt16(parts[1], radix: 16),
            let third = UInt16(parts[2], radix: 16), let rest = UInt64(String(parts[3]) + String(parts[4]), radix: 16)
        else { return nil }
        self.init(first, second, third, rest)
    }

    /// A random one (version 4).
    package static func random() -> GUID {
        GUID(
            .random(in: 0 ... .max),
            .random(in: 0 ... .max),
            .random(in: 0...0x0FFF) | 0x4000,
            .random(in: 0...0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        )
    }

    package static let efiSystem = GUID(0xC12A_7328, 0xF81F, 0x11D2, 0xBA4B_00A0_C93E_C93B)
    package static let biosBoot = GUID(0x2168_6148, 0x6449, 0x6E6F, 0x744E_6565_6445_4649)
    package static let basicData = GUID(0xEBD0_A0A2, 0xB9E5, 0x4433, 0x87C0_68B6_B726_99C7)
    /// The root of a Linux system on x86-64 (Discoverable Partitions Specification).
    package static let linuxRoot = GUID(0x4F68_BCE3, 0xE8CD, 0x4DB1, 0x96E7_FBCA_F984_B709)
    package static let linuxData = GUID(0x0FC6_3DAF, 0x8483, 0x4772, 0x8E79_3D69_D847_7DE4)
}

extension GUID: CustomStringConvertible {
    package var description: String {
        let order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15]
        return order.map { $0 < 0 ? "-" : (bytes[$0] < 16 ? "0" : "") + String(bytes[$0], radix: 16) }.joined()
    }
}
