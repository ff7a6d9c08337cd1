import HostModel

/// Where the values of a site stand in an image.
struct SiteArea: Equatable {
    enum Place: Equatable {
        /// A file of zeros that the builder left on a medium; `container` is `ISO` or `disk image`.
        case reserved(container: String)
        /// Behind the last byte of an initramfs.
        case appended
    }

    var place: Place
    /// Bytes from the beginning of the image. Of an initramfs without values: its end.
    var offset: Int64
    var size: Int

    /// The reserved file of a medium; loaded as a second initramfs, where zeros are nothing.
    static let path = "muster/site.img"
    /// As a build leaves it: zeros, which the kernel passes over between archives.
    static let empty = [UInt8](repeating: 0, count: 256 << 10)
    /// Bytes of an area that is appended.
    static let appendedSize = 64 << 10
    /// What the file of a medium may have, in bytes.
    static let reservedSizes = (4 << 10)...(4 << 20)

    /// The area of an ISO, a disk image or an initramfs. Throws `BuildError` for what has none, and for an image that was cut
    /// off: to write into that would only hide the damage.
    static func find(in source: ByteSource) throws -> SiteArea {
        if ISODirectory.isPresent(in: source) {
            try PartitionTable.read(source)?.checkEnd(of: source)
            guard let file = try ISODirectory(source).file(path) else { throw missing("ISO") }
            return try reserved(file.isContiguous ? file.offset : nil, file.size, "ISO", source)
        }
        if let table = try PartitionTable.read(source) {
            try table.checkEnd(of: source)
            for partition in table.partitions {
                guard let volume = try FATDirectory(source, at: partition.offset, size: partition.size),
                    let file = try volume.file(path)
                else { continue }
                return try reserved(file.offset, file.size, "disk image", source)
            }
            throw missing("disk image")
        }
        guard try isInitramfs(source) else {
            throw BuildError(
                .image,
                "this is no ISO, no disk image and no initramfs",
                remedy: "name one of the files that muster image build makes"
            )
        }
        return try appended(source)
    }

    private static func reserved(
        _ offset: Int64?,
        _ size: Int64,
        _ container: String,
        _ source: ByteSource
    ) throws -> SiteArea {
        guard let offset, reservedSizes.contains(Int(size)), offset > 0, offset <= source.size - size else {
            throw BuildError(
                .image,
                "the reserved file /\(path) of the \(container) is damaged, or the \(container) was cut off",
                remedy: "fetch or build it again"
            )
        }
        return SiteArea(place: .reserved(container: container), offset: offset, size: Int(size))
    }

    /// The first bytes of what the kernel unpacks.
    private static func isInitramfs(_ source: ByteSource) throws -> Bool {
        let beginning = try source.bytes(at: 0, count: Int(min(6, source.size)))
        let magics: [[UInt8]] = [
            Array("070701".utf8), [0x28, 0xB5, 0x2F, 0xFD], [0x1F, 0x8B], [0xFD, 0x37, 0x7A, 0x58, 0x5A],
            [0x04, 0x22, 0x4D, 0x18], [0x02, 0x21, 0x4C, 0x18],
        ]
        return magics.contains { beginning.starts(with: $0) }
    }

    private static func appended(_ source: ByteSource) throws -> SiteArea {
        let start = source.size - Int64(appendedSize)
        if start > 0, start % 4 == 0, SiteContent(try source.bytes(at: start, count: appendedSize)) != nil {
            return SiteArea(place: .appended, offset: start, size: appendedSize)
        }
        return SiteArea(place: .appended, offset: (source.size + 3) & ~3, size: appendedSize)
    }

    private static func missing(_ container: String) -> BuildError {
        BuildError(
            .image,
            "the \(container) has no room for a site: there is no file /\(path) in it",
            remedy: "build it with muster image build"
        )
    }
}
