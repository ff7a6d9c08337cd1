import HostModel

/// One directory record of an ISO 9660 image (ECMA-119, 9.1) and what Rock Ridge adds to it, by offsets into the image.
struct ISORecord: Hashable, Sendable {
    static let directoryFlag: UInt8 = 0x02
    static let moreExtentsFlag: UInt8 = 0x80
    private static let shortest = 34
    /// Continuation areas of one record; a chain of more is a loop.
    private static let mostContinuations = 8

    /// One field of the system use area (SUSP, 4.1).
    struct Field: Hashable, Sendable {
        var signature: String
        var offset: Int
        var length: Int
    }

    let offset: Int
    let length: Int
    let extent: UInt32
    let size: UInt32
    let flags: UInt8
    /// The name: Rock Ridge's where there is one, else the identifier. Empty for `.` and `..`.
    let name: String
    let fields: [Field]

    var isDirectory: Bool { flags & Self.directoryFlag != 0 }

    /// `nil` where there is no whole record.
    init?(_ image: [UInt8], at offset: Int) {
        guard offset >= 0, offset < image.count else { return nil }
        let length = Int(image[offset])
        guard length >= Self.shortest, offset + length <= image.count,
            let extent = image.field(UInt32.self, at: offset + 2),
            let size = image.field(UInt32.self, at: offset + 10)
        else { return nil }
        let nameLength = Int(image[offset + 32])
        guard nameLength > 0, 33 + nameLength <= length else { return nil }
        let identifier = image[(offset + 33)..<(offset + 33 + nameLength)]
        let systemUse = offset + 33 + nameLength + (nameLength % 2 == 0 ? 1 : 0)
        let fields = Self.fields(image, from: systemUse, to: offset + length)
        (self.offset, self.length, self.extent, self.size) = (offset, length, extent, size)
        (self.flags, self.fields) = (image[offset + 25], fields)
        if identifier.count == 1, let only = identifier.first, only < 2 {
            name = ""
        } else {
            let long = fields.filter { $0.signature == "NM" && $0.length > 5 }
                .flatMap { image[($0.offset + 5)..<($0.offset + $0.length)] }
            name = String(decoding: long.isEmpty ? Array(identifier) : long, as: UTF8.self)
        }
    }

    /// The fields of a system use area, and of the areas that it continues in.
    private static func fields(_ image: [UInt8], from start: Int, to end: Int) -> [Field] {
        var fields: [Field] = []
        var areas = [(start, end)]
        while let (start, end) = areas.popLast(), fields.count < 256 {
            var offset = start
            while offset + 4 <= end {
                let length = Int(image[offset + 2])
                guard length >= 4, offset + length <= end else { break }
                let signature = String(decoding: image[offset..<(offset + 2)], as: UTF8.self)
                let field = Field(signature: signature, offset: offset, length: length)
                fields.append(field)
                let continuations = fields.count { $0.signature == "CE" }
                if signature == "CE", continuations <= mostContinuations, let area = continuation(image, field) {
                    areas.append(area)
                }
                offset += length
            }
        }
        return fields
    }

    private static func continuation(_ image: [UInt8], _ field: Field) -> (Int, Int)? {
        guard field.length >= 28, let block = image.field(UInt32.self, at: field.offset + 4),
            let start = image.field(UInt32.self, at: field.offset + 12),
            let length = image.field(UInt32.self, at: field.offset + 20)
        else { return nil }
        let offset = Int(block) * ISOVolume.sector + Int(start)
        guard offset + Int(length) <= image.count else { return nil }
        return (offset, offset + Int(length))
    }
}
