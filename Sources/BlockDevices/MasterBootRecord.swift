import HostModel

/// The partition table of a BIOS disk: four entries, of which an extended one is shown as it is.
struct MasterBootRecord: Hashable, Sendable {
    /// Bytes from the disk's beginning.
    let partitions: [Range<Int64>]
    /// One entry that only says that there is a GPT.
    let isProtective: Bool

    private static let protective: UInt8 = 0xEE

    /// The first sector; `nil` where it names no partition. A boot sector of a FAT or NTFS ends with the same two bytes: its
    /// "entries" have impossible states.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 512, bytes[510] == 0x55, bytes[511] == 0xAA else { return nil }
        let entries = (0..<4).map { Array(bytes[(446 + $0 * 16)..<(462 + $0 * 16)]) }
        guard entries.allSatisfy({ $0[0] & 0x7F == 0 }) else { return nil }
        let used = entries.filter { entry in entry[4] != 0 && entry[12..<16].contains { $0 != 0 } }
        guard !used.isEmpty else { return nil }
        isProtective = used.contains { $0[4] == Self.protective }
        partitions =
            isProtective
            ? []
            : used.map { entry in
                let start = Int64(entry.field(UInt32.self, at: 8) ?? 0) * 512
                return start..<start + Int64(entry.field(UInt32.self, at: 12) ?? 0) * 512
            }
    }
}
