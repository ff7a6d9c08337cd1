/// The files of an ISO 9660 volume (ECMA-119), by the names of Rock Ridge where it has them.
struct ISODirectory {
    struct Entry: Equatable {
        /// `muster/site.img`: no `/` in front, no version behind.
        var path: String
        /// Bytes from the beginning of the image.
        var offset: Int64
        var size: Int64
        /// One piece: larger files have several extents (section 6.5.1), mostly one behind the other.
        var isContiguous: Bool
    }

    /// More folders, entries and larger folders are refused.
    private static let foldersMax = 65_536
    private static let entriesMax = 1_000_000
    private static let folderBytesMax: Int64 = 16 << 20
    private static let descriptorOffset: Int64 = 16 * 2048
    /// Bytes of the root folder's record in the descriptor, after 156 others.
    private static let rootRecord = 156..<190

    /// Bytes of the volume; the image holds at least so many.
    let volumeSize: Int64
    /// At most 32 characters.
    let volumeID: String
    private let source: ByteSource
    private let root: ISORecord

    /// Whether the bytes begin an ISO 9660 volume.
    static func isPresent(in source: ByteSource) -> Bool {
        guard let descriptor = try? source.bytes(at: descriptorOffset, count: 6) else { return false }
        return descriptor == [1] + Array("CD001".utf8)
    }

    /// Reads the volume descriptor; throws `BuildError` for another format and for an image that was cut off.
    init(_ source: ByteSource) throws {
        let descriptor = try source.bytes(at: Self.descriptorOffset, count: ISOVolume.sector)
        guard descriptor[0] == 1, descriptor[1..<6].elementsEqual("CD001".utf8),
            descriptor.little16(128) == ISOVolume.sector
        else { throw Self.unreadable("it has no primary volume descriptor with sectors of 2048 bytes") }
        self.source = source
        volumeSize = descriptor.little32(80) * Int64(ISOVolume.sector)
        volumeID = String(decoding: descriptor[40..<72], as: UTF8.self).trimmed
        root = try Self.root(of: source)
        guard volumeSize <= source.size else {
            throw BuildError(
                .image,
                "the ISO says that it has \(volumeSize) bytes, and it has \(source.size): it was cut off",
                remedy: "fetch or build it again"
            )
        }
    }

    /// Every file, by the bytes of its path.
    func files() throws -> [Entry] {
        var files: [Entry] = []
        // The record before this one said that its file goes on.
        var continues = false
        for (path, record) in try Self.records(of: source, below: root) where !record.isDirectory {
            let offset = Int64(record.extent) * Int64(ISOVolume.sector)
            if continues, let last = files.last, last.path == path {
                files[files.count - 1].isContiguous = last.isContiguous && offset == last.offset + last.size
                files[files.count - 1].size += Int64(record.size)
            } else {
                files.append(Entry(path: path, offset: offset, size: Int64(record.size), isContiguous: true))
            }
            continues = record.flags & ISORecord.moreExtentsFlag != 0
        }
        return files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// One file by its path, whatever the case; `nil` when it is not there.
    func file(_ path: String) throws -> Entry? {
        try files().first { $0.path.lowercased() == path.lowercased() }
    }

    /// The root folder's record in the volume descriptor.
    static func root(of image: ByteSource) throws -> ISORecord {
        let offset = descriptorOffset + Int64(rootRecord.lowerBound)
        let bytes = try image.bytes(at: offset, count: rootRecord.count)
        guard let record = ISORecord(bytes, at: 0, base: Int(offset), image: image) else {
            throw unreadable("it has no root folder")
        }
        return record
    }

    /// Every record of every folder, `.` and `..` included, with its path: `muster/site.img`, and its folder's for these two.
    static func records(of image: ByteSource, below root: ISORecord) throws -> [(path: String, record: ISORecord)] {
        var found: [(path: String, record: ISORecord)] = []
        var pending = [(path: "", record: root)]
        var seen: Set<UInt32> = []
        while let folder = pending.popLast() {
            guard seen.insert(folder.record.extent).inserted, seen.count <= foldersMax else {
                throw unreadable("a folder is entered twice")
            }
            for record in try records(in: folder.record, image) {
                let path = [folder.path, record.name].filter { !$0.isEmpty }.joined(separator: "/")
                found.append((path, record))
                guard found.count <= entriesMax else { throw unreadable("it has too many files") }
                if record.isDirectory, !record.name.isEmpty { pending.append((path, record)) }
            }
        }
        return found
    }

    private static func records(in folder: ISORecord, _ image: ByteSource) throws -> [ISORecord] {
        guard folder.size <= folderBytesMax else { throw unreadable("a folder is over 16 MiB") }
        let start = Int(folder.extent) * ISOVolume.sector
        let bytes = try image.bytes(at: Int64(start), count: Int(folder.size))
        var records: [ISORecord] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == 0 {
                // No record crosses a sector; the rest of this one is empty.
                position = (position / ISOVolume.sector + 1) * ISOVolume.sector
                continue
            }
            guard let record = ISORecord(bytes, at: position, base: start, image: image) else {
                throw unreadable("a folder is damaged")
            }
            records.append(record)
            position += record.length
        }
        return records
    }

    private static func unreadable(_ reason: String) -> BuildError {
        BuildError(.image, "the ISO cannot be read: \(reason)", remedy: "fetch or build it again")
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmed: String { String(reversed().drop { $0 == " " || $0 == "\0" }.reversed()) }
}
