import Archive
import HostModel

/// The metadata of an ISO 9660 image as libarchive wrote it, in memory, and the changes that libarchive cannot make: fixed
/// dates, contents that stand behind the image, the EFI entry. Pure: bytes in, bytes out.
struct ISOVolume: Sendable {
    /// Bytes of a logical block.
    static let sector = 2048
    /// The last block-aligned length that fits a record; a longer file has several (ECMA-119, 6.5.1; libarchive and
    /// xorriso cut at the same place).
    static let largestExtent: Int64 = 0xFFFF_F800
    private static let descriptor = 16 * sector
    private static let bootRecord = 17 * sector
    private static let terminator = 18 * sector
    private static let rootRecord = descriptor + 156

    /// Where a content stands.
    struct Extent: Hashable, Sendable {
        /// 2,048-byte sectors.
        var block: UInt32
        /// Bytes.
        var size: Int64
    }

    private(set) var bytes: [UInt8]
    private var catalogue: ElToritoCatalogue

    /// Takes an image with a primary descriptor, a boot record and a terminator, in this order; all else is an error.
    init(_ bytes: [UInt8]) throws(BuildError) {
        self.bytes = bytes
        let descriptors = [(Self.descriptor, UInt8(1)), (Self.bootRecord, 0), (Self.terminator, 255)]
        for (offset, type) in descriptors {
            guard bytes.count >= offset + Self.sector, bytes[offset] == type,
                bytes[(offset + 1)..<(offset + 6)].elementsEqual("CD001".utf8)
            else { throw Self.damaged("sector \(offset / Self.sector) is no volume descriptor of type \(type)") }
        }
        guard let block = bytes.field(UInt32.self, at: Self.bootRecord + 71), Int(block) * Self.sector < bytes.count,
            let catalogue = ElToritoCatalogue(Array(bytes.dropFirst(Int(block) * Self.sector).prefix(Self.sector)))
        else { throw Self.damaged("it has no boot catalogue") }
        self.catalogue = catalogue
    }

    /// The place of the boot image for BIOS, in 2,048-byte sectors.
    var biosImage: UInt32 { catalogue.biosImage }

    /// Every record of every directory, `.` and `..` included, with its path.
    func records() throws(BuildError) -> [(path: String, record: ISORecord)] {
        let image = ByteSource(bytes)
        do {
            return try ISODirectory.records(of: image, below: ISODirectory.root(of: image))
        } catch {
            throw Self.damaged((error as? BuildError)?.message ?? "\(error)")
        }
    }

    /// Sets every date of the descriptor, the records and Rock Ridge; takes away libarchive's note on when and by what the
    /// image was made.
    mutating func setDates(_ date: ISODate) throws(BuildError) {
        for offset in [813, 830, 864] { bytes.replace(at: Self.descriptor + offset, with: date.long) }
        bytes.replace(at: Self.descriptor + 847, with: [UInt8](repeating: 48, count: 16) + [0])
        bytes.replace(at: Self.rootRecord + 18, with: date.short)
        for (_, record) in try records() {
            bytes.replace(at: record.offset + 18, with: date.short)
            for field in record.fields where field.signature == "TF" && field.bytes.count >= 5 {
                // Flag 0x80: dates of 17 bytes.
                let stamp = bytes[field.offset + 4] & 0x80 == 0 ? date.short : date.long
                for start in stride(from: 5, through: field.bytes.count - stamp.count, by: stamp.count) {
                    bytes.replace(at: field.offset + start, with: stamp)
                }
            }
        }
        let note = Self.terminator + Self.sector
        if bytes.count >= note + Self.sector, bytes[note..<(note + 4)].elementsEqual("INFO".utf8) {
            bytes.replace(at: note, with: [UInt8](repeating: 0, count: Self.sector))
        }
    }

    /// The number of 2,048-byte sectors that the volume says it has.
    mutating func setSize(_ sectors: Int64) throws(BuildError) {
        guard let sectors = UInt32(exactly: sectors) else {
            throw BuildError(
                .result,
                "the image is larger than ISO 9660's 8 TiB",
                remedy: "make the root image smaller"
            )
        }
        bytes.putBothOrders(sectors, at: Self.descriptor + 80)
    }

    /// Gives a file that was written empty its content: one record, or several above `largestExtent`.
    mutating func place(_ path: TreePath, at extent: Extent) throws(BuildError) {
        guard let record = try records().first(where: { $0.path == path.text })?.record, !record.isDirectory,
            record.size == 0
        else { throw Self.damaged("it has no empty file \(path)") }
        let pieces = Int((max(1, extent.size) + Self.largestExtent - 1) / Self.largestExtent)
        let template = Array(bytes[record.offset..<(record.offset + record.length)])
        try makeRoom(after: record, bytes: (pieces - 1) * record.length)
        for piece in 0..<pieces {
            let done = Int64(piece) * Self.largestExtent
            let place = record.offset + piece * record.length
            let block = extent.block + UInt32(done / Int64(Self.sector))
            bytes.replace(at: place, with: template)
            bytes.putBothOrders(block, at: place + 2)
            bytes.putBothOrders(UInt32(min(extent.size - done, Self.largestExtent)), at: place + 10)
            if piece < pieces - 1 { bytes[place + 25] |= ISORecord.moreExtentsFlag }
            for field in record.fields where field.signature == "PX" && field.bytes.count >= 44 {
                // The serial number, libarchive's "no content" until now.
                bytes.putBothOrders(extent.block, at: place + field.offset - record.offset + 36)
            }
        }
    }

    /// Enters the EFI system partition in the boot catalogue.
    mutating func addEFI(image: UInt32, sectors: Int64) {
        catalogue.addEFI(image: image, sectors: sectors)
        let block = bytes.field(UInt32.self, at: Self.bootRecord + 71) ?? 0
        bytes.replace(at: Int(block) * Self.sector, with: catalogue.bytes)
    }

    /// Writes a system area: at most 16 sectors.
    mutating func setSystemArea(_ area: [UInt8]) { bytes.replace(at: 0, with: area.prefix(Self.descriptor)) }

    /// Where GRUB's image for optical drives looks for the rest of itself (grub-mkrescue's --grub2-boot-info): in 512-byte
    /// sectors, after the first of its own.
    mutating func setGRUBBootInformation() throws(BuildError) {
        let place = Int(biosImage) * Self.sector + 2548
        guard place + 8 <= bytes.count else { throw Self.damaged("the boot image is cut off") }
        bytes.put(UInt64(biosImage) * 4 + 5, at: place)
        try refreshBootInformation()
    }

    /// The boot information table holds the sum of the image's words from byte 64 on, which changes with the image.
    private mutating func refreshBootInformation() throws(BuildError) {
        let start = Int(biosImage) * Self.sector
        guard let length = bytes.field(UInt32.self, at: start + 16), start + Int(length) <= bytes.count else {
            throw Self.damaged("the boot image is cut off")
        }
        let image = Array(bytes[start..<(start + Int(length))]) + [0, 0, 0]
        let sum = stride(from: 64, to: Int(length), by: 4).reduce(UInt32(0)) { sum, offset in
            sum &+ (image.field(UInt32.self, at: offset) ?? 0)
        }
        bytes.put(sum, at: start + 20)
    }

    /// Moves what follows a record in its sector, so that more records of the same file can stand there. A record may not
    /// cross a sector boundary (ECMA-119, 6.8.1.1).
    private mutating func makeRoom(after record: ISORecord, bytes room: Int) throws(BuildError) {
        guard room > 0 else { return }
        let end = (record.offset / Self.sector + 1) * Self.sector
        var used = record.offset + record.length
        // A length of zero is the end of a sector's records.
        while used < min(end, bytes.count), bytes[used] > 0 { used += Int(bytes[used]) }
        guard used + room <= end else {
            throw BuildError(
                .result,
                "the directory of the root image has no room for one that large",
                remedy: "make the root image smaller"
            )
        }
        let start = record.offset + record.length
        bytes.replace(at: start + room, with: Array(bytes[start..<used]))
    }

    private static func damaged(_ detail: String) -> BuildError {
        BuildError(.result, "the ISO image is damaged: \(detail)", remedy: "build again; if it stays, report it")
    }
}
