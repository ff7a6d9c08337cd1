import Crypto
import FoundationEssentials
import HostModel

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
