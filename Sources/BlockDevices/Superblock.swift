/// What the first bytes of a block device say about the file system on it: enough to find a medium by its name.
package struct Superblock: Hashable, Sendable {
    package enum FileSystem: String, Hashable, Sendable {
        case iso9660
        case vfat
        case ext4
    }

    package var fileSystem: FileSystem
    /// The volume id or label, without the blanks that fill it up; empty when there is none.
    package var label: String

    /// Bytes from the start of a device that are looked at: the primary volume descriptor is sector 16 of 2048 bytes.
    package static let bytesNeeded = 17 * 2048

    package init(fileSystem: FileSystem, label: String) { (self.fileSystem, self.label) = (fileSystem, label) }

    /// `nil` when none of the known file systems begins so. A hybrid image has a boot sector and an ISO 9660 descriptor:
    /// the descriptor wins.
    package init?(_ bytes: [UInt8]) {
        if let label = Self.isoLabel(bytes) {
            self.init(fileSystem: .iso9660, label: label)
        } else if let label = Self.fatLabel(bytes) {
            self.init(fileSystem: .vfat, label: label)
        } else if let label = Self.extLabel(bytes) {
            self.init(fileSystem: .ext4, label: label)
        } else {
            return nil
        }
    }

    /// ECMA-119 8.4: type 1, `CD001`, the volume identifier at byte 40.
    private static func isoLabel(_ bytes: [UInt8]) -> String? {
        guard text(bytes, at: 16 * 2048, 6) == "\u{1}CD001" else { return nil }
        return text(bytes, at: 16 * 2048 + 40, 32)
    }

    /// Microsoft's FAT specification: the label at byte 43 (FAT12, FAT16) or 71 (FAT32).
    private static func fatLabel(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 512, bytes[510] == 0x55, bytes[511] == 0xAA else { return nil }
        if text(bytes, at: 82, 5) == "FAT32" { return text(bytes, at: 71, 11) }
        return text(bytes, at: 54, 4) == "FAT1" ? text(bytes, at: 43, 11) : nil
    }

    /// The kernel's ext4_super_block: magic at byte 56, label at 120 of the block at 1024.
    private static func extLabel(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 2048, bytes[1024 + 56] == 0x53, bytes[1024 + 57] == 0xEF else { return nil }
        return text(bytes, at: 1024 + 120, 16)
    }

    private static func text(_ bytes: [UInt8], at offset: Int, _ count: Int) -> String? {
        guard bytes.count >= offset + count else { return nil }
        var field = bytes[offset..<offset + count]
        while let last = field.last, last == 0x20 || last == 0 { field.removeLast() }
        return String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}
