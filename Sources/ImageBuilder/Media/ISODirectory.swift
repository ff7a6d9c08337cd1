/// The files of an ISO 9660 volume (ECMA-119), by the names of Rock Ridge where it has them.
struct ISODirectory {
    struct Entry: Equatable {
        /// `muster/site.img`: no `/` in front, no version behind.
        var path: String
        /// Bytes from the beginning of the image.
        var offset: Int64
        var size: Int64
        /// One piece: larger files may have several extents (section 6.5.1).
        var isContiguous: Bool
    }

    static let sector = 2048
    /// Deeper folders, more entries and larger folders are refused.
    static let depthMax = 16
    static let entriesMax = 100_000
    static let folderBytesMax: Int64 = 16 << 20
    private static let descriptorOffset: Int64 = 16 * 2048

    /// Bytes of the volume; the image holds at least so many.
    let volumeSize: Int64
    /// At most 32 characters.
    let volumeID: String
    private let source: ByteSource
    private let root: (offset: Int64, size: Int64)

    /// Whether the bytes begin an ISO 9660 volume.
    static func isPresent(in source: ByteSource) -> Bool {
        guard let descriptor = try? source.bytes(at: descriptorOffset, count: 6) else { return false }
        return descriptor == [1] + Array("CD001".utf8)
    }

    /// Reads the volume descriptor; throws `BuildError` for another format and for an image that was cut off.
    init(_ source: ByteSource) throws {
        let descriptor = try source.bytes(at: Self.descriptorOffset, count: Self.sector)
        guard descriptor[0] == 1, descriptor[1..<6].elementsEqual("CD001".utf8), descriptor.little16(128) == Self.sector
        else { throw Self.unreadable("it has no primary volume descriptor with sectors of 2048 bytes") }
        self.source = source
        volumeSize = descriptor.little32(80) * Int64(Self.sector)
        volumeID = String(decoding: descriptor[40..<72], as: UTF8.self).trimmed
        root = (descriptor.little32(158) * Int64(Self.sector), descriptor.little32(166))
        guard volumeSize <= source.size else {
            throw BuildError(
                .image,
                "the ISO says that it has \(volumeSize) bytes, and it has \(source.size): it was cut off",
                remedy: "fetch or build it again"
            )
        }
    }

    /// Every file, folder by folder.
    func files() throws -> [Entry] {
        var files: [Entry] = []
        var folders = [(path: "", extent: root, depth: 0)]
        var seen = 0
        while let folder = folders.popLast() {
            guard folder.depth <= Self.depthMax else { throw Self.unreadable("its folders are too deep") }
            for record in try records(folder.extent) {
                seen += 1
                guard seen <= Self.entriesMax else { throw Self.unreadable("it has too many files") }
                let path = folder.path + record.name
                if record.isFolder {
                    folders.append((path + "/", (record.offset, record.size), folder.depth + 1))
                } else if let last = files.last, last.path == path, !last.isContiguous {
                    files[files.count - 1].size += record.size
                } else {
                    let entry = Entry(
                        path: path,
                        offset: record.offset,
                        size: record.size,
                        isContiguous: !record.continues
                    )
                    files.append(entry)
                }
            }
        }
        return files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// One file by its path, whatever the case; `nil` when it is not there.
    func file(_ path: String) throws -> Entry? {
        try files().first { $0.path.lowercased() == path.lowercased() }
    }

    private struct Record {
        var name: String
        var offset: Int64
        var size: Int64
        var isFolder: Bool
        /// More extents of the same file follow.
        var continues: Bool
    }

    private func records(_ extent: (offset: Int64, size: Int64)) throws -> [Record] {
        guard extent.size <= Self.folderBytesMax else { throw Self.unreadable("a folder is over 16 MiB") }
        let bytes = try source.bytes(at: extent.offset, count: Int(extent.size))
        var records: [Record] = []
        var position = 0
        while position < bytes.count {
            let length = Int(bytes[position])
            guard length > 0 else {
                // No record crosses a sector; the rest of this one is empty.
                position = (position / Self.sector + 1) * Self.sector
                continue
            }
            guard length >= 34, position + length <= bytes.count else { throw Self.unreadable("a folder is damaged") }
            if let record = Self.record(Array(bytes[position..<position + length])) { records.append(record) }
            position += length
        }
        return records
    }

    /// `nil` for the entries `.` and `..`.
    private static func record(_ bytes: [UInt8]) -> Record? {
        let nameLength = Int(bytes[32])
        guard nameLength > 0, 33 + nameLength <= bytes.count else { return nil }
        let name = bytes[33..<33 + nameLength]
        guard name != [0], name != [1] else { return nil }
        let plain = String(decoding: name.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        return Record(
            name: rockRidgeName(bytes, from: 33 + nameLength + (nameLength % 2 == 0 ? 1 : 0)) ?? plain,
            offset: bytes.little32(2) * Int64(sector),
            size: bytes.little32(10),
            isFolder: bytes[25] & 0x02 != 0,
            continues: bytes[25] & 0x80 != 0
        )
    }

    /// The name in the NM entries of the system use area (IEEE P1282, 4.1.4); `nil` where there is none.
    private static func rockRidgeName(_ bytes: [UInt8], from start: Int) -> String? {
        var name: [UInt8] = []
        var position = start
        while position + 4 <= bytes.count {
            let length = Int(bytes[position + 2])
            guard length >= 4, position + length <= bytes.count else { break }
            if bytes[position] == UInt8(ascii: "N"), bytes[position + 1] == UInt8(ascii: "M"), length > 5 {
                name += bytes[position + 5..<position + length]
            }
            position += length
        }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private static func unreadable(_ reason: String) -> BuildError {
        BuildError(.image, "the ISO cannot be read: \(reason)", remedy: "fetch or build it again")
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmed: String { String(reversed().drop { $0 == " " || $0 == "\0" }.reversed()) }
}
