import Crypto
import FoundationEssentials

/// A GUID as a partition table stores it: the first three fields little-endian (UEFI specification, appendix A).
struct GUID: Hashable, Sendable {
    /// 16 of them, in the order of the disk.
    let bytes: [UInt8]

    /// The fields in the order in which a GUID is written: `C12A7328-F81F-11D2-BA4B-00A0C93EC93B`.
    init(_ first: UInt32, _ second: UInt16, _ third: UInt16, _ rest: UInt64) {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.put(first, at: 0)
        bytes.put(second, at: 4)
        bytes.put(third, at: 6)
        bytes.put(rest.byteSwapped, at: 8)
        self.bytes = bytes
    }

    static let efiSystem = GUID(0xC12A_7328, 0xF81F, 0x11D2, 0xBA4B_00A0_C93E_C93B)
    static let biosBoot = GUID(0x2168_6148, 0x6449, 0x6E6F, 0x744E_6565_6445_4649)
    static let basicData = GUID(0xEBD0_A0A2, 0xB9E5, 0x4433, 0x87C0_68B6_B726_99C7)
    static let linuxData = GUID(0x0FC6_3DAF, 0x8483, 0x4772, 0x8E79_3D69_D847_7DE4)
}

extension GUID: CustomStringConvertible {
    package var description: String {
        let order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15]
        return order.map { $0 < 0 ? "-" : (bytes[$0] < 16 ? "0" : "") + String(bytes[$0], radix: 16) }.joined()
    }
}

/// Where the identifiers of a medium come from: the same content, the same identifiers.
struct MediumSeed: Hashable, Sendable {
    var content: String

    /// A GUID of version 8 (RFC 9562), for one purpose.
    func guid(_ purpose: String) -> GUID {
        let hash = digest(purpose)
        let third = hash.field(UInt16.self, at: 6) ?? 0
        let rest = hash.field(UInt64.self, at: 8) ?? 0
        return GUID(
            hash.field(UInt32.self, at: 0) ?? 0,
            hash.field(UInt16.self, at: 4) ?? 0,
            third & 0x0FFF | 0x8000,
            rest & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        )
    }

    /// Never 0, which tools take for "none".
    func number(_ purpose: String) -> UInt32 { max(1, digest(purpose).field(UInt32.self, at: 0) ?? 1) }

    private func digest(_ purpose: String) -> [UInt8] {
        Array(SHA256.hash(data: Data("muster-medium-1:\(purpose):\(content)".utf8)))
    }
}
