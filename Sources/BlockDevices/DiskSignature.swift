/// What the bytes of a disk or a partition say about what is on it: enough to refuse to write over it (F25).
///
/// Places and magics are those of libblkid's probers and of the formats' own headers in the kernel.
package struct DiskSignature: Hashable, Sendable {
    /// From where an offset counts.
    private enum Place: Hashable, Sendable {
        /// Bytes from the beginning.
        case start(Int64)
        /// Bytes back from the end.
        case end(Int64)
        /// md's version 1.0: 8 KiB from the end, rounded down to 4 KiB.
        case md10
        /// md's version 0.90: 64 KiB from the end, rounded down to 64 KiB.
        case md09
    }

    /// For a person: `LVM physical volume`.
    package let name: String
    private let magics: [(place: Place, bytes: [UInt8])]

    private init(_ name: String, _ magics: [(Place, [UInt8])]) {
        (self.name, self.magics) = (name, magics.map { (place: $0.0, bytes: $0.1) })
    }

    private init(_ name: String, _ text: String, at offset: Int64) {
        self.init(name, [(.start(offset), Array(text.utf8))])
    }

    package static func == (left: Self, right: Self) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    private static let mdMagic: [UInt8] = [0xFC, 0x4E, 0x2B, 0xA9]
    private static let uberblock: [UInt8] = [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0]
    private static let bcacheMagic: [UInt8] = [
        0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA, 0x82, 0x65, 0xF5, 0x7F, 0x48, 0xBA, 0x6D, 0x81,
    ]
    /// The four labels of a ZFS device are 256 KiB each; 128 KiB into each begins its ring of uberblocks.
    private static let zfsLabel: Int64 = 256 << 10
    private static let zfsSlots: Int64 = 128

    package static let all: [DiskSignature] = [
        DiskSignature("LVM physical volume", (0..<4).map { (.start($0 * 512), Array("LABELONE".utf8)) }),
        DiskSignature(
            "RAID member (md)",
            [
                (.start(0), mdMagic), (.start(4096), mdMagic), (.md10, mdMagic), (.md09, mdMagic),
                (.md09, mdMagic.reversed()),
            ]
        ),
        DiskSignature("RAID member (Intel)", [(.end(1024), Array("Intel Raid ISM Cfg Sig. ".utf8))]),
        DiskSignature("RAID member (DDF)", [(.end(512), [0xDE, 0x11, 0xDE, 0x11])]),
        DiskSignature("ZFS member", zfs),
        DiskSignature(
            "LUKS",
            [(.start(0), Array("LUKS".utf8) + [0xBA, 0xBE]), (.start(16384), Array("SKUL".utf8) + [0xBA, 0xBE])]
        ),
        DiskSignature("bcache", [(.start(4096 + 24), bcacheMagic)]),
        DiskSignature("xfs", "XFSB", at: 0),
        DiskSignature("btrfs", "_BHRfS_M", at: 65536 + 64),
        DiskSignature("ntfs", "NTFS    ", at: 3),
        DiskSignature("exfat", "EXFAT   ", at: 3),
        DiskSignature(
            "swap",
            [4096, 8192, 16384, 65536].flatMap { page in
                [(.start(page - 10), Array("SWAPSPACE2".utf8)), (.start(page - 10), Array("SWAP-SPACE".utf8))]
            }
        ),
        DiskSignature("squashfs", "hsqs", at: 0),
        DiskSignature("f2fs", [(.start(1024), [0x10, 0x20, 0xF5, 0xF2])]),
        DiskSignature("jfs", "JFS1", at: 32768),
        DiskSignature("reiserfs", "ReIsEr", at: 65536 + 52),
        DiskSignature("VMFS", [(.start(1 << 20), [0x0D, 0xD0, 0x01, 0xC0])]),
        DiskSignature("Ceph OSD", "bluestore block device", at: 0),
    ]

    private static let zfs: [(Place, [UInt8])] = (0..<zfsSlots).flatMap { slot -> [(Place, [UInt8])] in
        let inLabel = (128 << 10) + slot * 1024
        return [uberblock, uberblock.reversed()].flatMap { magic in
            [
                (.start(inLabel), magic), (.start(zfsLabel + inLabel), magic),
                (.end(2 * zfsLabel - inLabel), magic), (.end(zfsLabel - inLabel), magic),
            ]
        }
    }

    /// The names of all that is found in a device of `size` bytes. `read` gives the bytes at an offset, or fewer where it
    /// ends or cannot be read.
    package static func names(size: Int64, read: (_ offset: Int64, _ count: Int) -> [UInt8]) -> [String] {
        let window = DeviceWindow(size: size, read: read)
        var names = all.filter { $0.isOn(window) }.map(\.name)
        if let superblock = Superblock(window.head) {
            let kind = superblock.fileSystem.rawValue
            names.append(superblock.label.isEmpty ? kind : "\(kind) \(superblock.label)")
        }
        return names
    }

    private func isOn(_ window: DeviceWindow) -> Bool {
        magics.contains { magic in
            guard let offset = Self.offset(magic.place, size: window.size) else { return false }
            return window.holds(magic.bytes, at: offset)
        }
    }

    private static func offset(_ place: Place, size: Int64) -> Int64? {
        let offset: Int64 =
            switch place {
            case .start(let offset): offset
            case .end(let back): size / 512 * 512 - back
            case .md10: (size / 512 - 16) / 8 * 8 * 512
            case .md09: size / 65536 * 65536 - 65536
            }
        return offset >= 0 && offset < size ? offset : nil
    }
}

/// The two ends of a device, read once.
struct DeviceWindow {
    let size: Int64
    let head: [UInt8]
    private let tail: [UInt8]
    private let tailStart: Int64

    /// Bytes of each end that are looked at: over all places above.
    static let bytes: Int64 = (1 << 20) + 4096

    init(size: Int64, read: (_ offset: Int64, _ count: Int) -> [UInt8]) {
        self.size = size
        head = read(0, Int(min(size, Self.bytes)))
        tailStart = max(0, size - Self.bytes)
        tail = read(tailStart, Int(size - tailStart))
    }

    func holds(_ bytes: [UInt8], at offset: Int64) -> Bool {
        let (part, start) = offset < Int64(head.count) ? (head, Int64(0)) : (tail, tailStart)
        let place = Int(offset - start)
        guard place >= 0, place + bytes.count <= part.count else { return false }
        return part[place..<place + bytes.count].elementsEqual(bytes)
    }

    /// True when neither end holds anything but zeros, or nothing but ones (an erased flash).
    var isBlank: Bool {
        [0, 0xFF].contains { filler in head.allSatisfy { $0 == filler } && tail.allSatisfy { $0 == filler } }
    }
}
