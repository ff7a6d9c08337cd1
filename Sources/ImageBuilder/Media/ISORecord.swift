import HostModel

/// One directory record of an ISO 9660 image (ECMA-119, 9.1) and what Rock Ridge adds to it.
struct ISORecord: Hashable, Sendable {
    static let directoryFlag: UInt8 = 0x02
    static let moreExtentsFlag: UInt8 = 0x80
    private static let shortest = 34
    private static let mostFields = 256
    /// Continuation areas of one record; a chain of more is a loop.
    private static let mostContinuations = 8

    /// One field of the system use area (SUSP, 4.1).
    struct Field: Hashable, Sendable {
        /// Of its first byte, from the beginning of the image.
        var offset: Int
        /// All of it, the signature first.
        var bytes: [UInt8]

        var signature: String { String(decoding: bytes.prefix(2), as: UTF8.self) }
    }

    /// Of its first byte, from the beginning of the image.
    let offset: Int
    let length: Int
    /// Where the content begins, in 2,048-byte sectors.
    let extent: UInt32
    /// Bytes.
    let size: UInt32
    let flags: UInt8
    /// The name: Rock Ridge's where there is one, else the identifier without its version. Empty for `.` and `..`.
    let name: String
    let fields: [Field]

    var isDirectory: Bool { flags & Self.directoryFlag != 0 }

    /// The record at a position of a folder's bytes, which begin at `base` of the image; `nil` where there is no whole one.
    /// Continuation areas are read from `image`.
    init?(_ folder: [UInt8], at position: Int, base: Int, image: ByteSource) {
        guard folder.indices.contains(position) else { return nil }
        let length = Int(folder[position])
        guard length >= Self.shortest, position + length <= folder.count else { return nil }
        let bytes = Array(folder[position..<position + length])
        let nameLength = Int(bytes[32])
        guard nameLength > 0, 33 + nameLength <= length, let extent = bytes.field(UInt32.self, at: 2),
            let size = bytes.field(UInt32.self, at: 10)
        else { return nil }
        let identifier = bytes[33..<33 + nameLength]
        let systemUse = 33 + nameLength + (nameLength % 2 == 0 ? 1 : 0)
        offset = base + position
        fields = Self.fields(Array(bytes.dropFirst(systemUse)), base: offset + systemUse, image)
        (self.length, self.extent, self.size, flags) = (length, extent, size, bytes[25])
        if identifier == [0] || identifier == [1] {
            name = ""
        } else {
            let long = fields.filter { $0.signature == "NM" }.flatMap { $0.bytes.dropFirst(5) }
            let plain = identifier.prefix { $0 != UInt8(ascii: ";") }
            name = String(decoding: long.isEmpty ? Array(plain) : long, as: UTF8.self)
        }
    }

    /// The fields of a system use area, and of the areas that it continues in.
    private static func fields(_ bytes: [UInt8], base: Int, _ image: ByteSource) -> [Field] {
        var fields: [Field] = []
        var areas = [(bytes: bytes, base: base)]
        var continuations = 0
        while let area = areas.popLast(), fields.count < mostFields {
            var position = 0
            while position + 4 <= area.bytes.count {
                let length = Int(area.bytes[position + 2])
                guard length >= 4, position + length <= area.bytes.count else { break }
                let field = Field(
                    offset: area.base + position,
                    bytes: Array(area.bytes[position..<position + length])
                )
                fields.append(field)
                if field.signature == "CE", continuations < mostContinuations, let more = continuation(field, image) {
                    continuations += 1
                    areas.append(more)
                }
                position += length
            }
        }
        return fields
    }

    private static func continuation(_ field: Field, _ image: ByteSource) -> (bytes: [UInt8], base: Int)? {
        guard let block = field.bytes.field(UInt32.self, at: 4), let start = field.bytes.field(UInt32.self, at: 12),
            let length = field.bytes.field(UInt32.self, at: 20), length <= ISOVolume.sector
        else { return nil }
        let offset = Int(block) * ISOVolume.sector + Int(start)
        return (try? image.bytes(at: Int64(offset), count: Int(length))).map { ($0, offset) }
    }
}
