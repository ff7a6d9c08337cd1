/// The places in an EFI program that building and signing need: a PE32+ file for x64 whose sections follow its headers
/// without a gap, and of which nothing but its signatures stands behind them (Microsoft's "PE Format").
package struct EFIProgram: Hashable, Sendable {
    /// Offset of the checksum, which no signature is over, and which firmware does not read.
    package let checksum: Int
    /// Offset of the entry of the certificate table: place and size, 32 bits each.
    package let certificateEntry: Int
    package let sizeOfImage: Int
    package let sectionCount: Int
    /// Offset of the number of sections, 16 bits.
    package let sectionCountField: Int
    package let sectionTable: Int
    package let headersSize: Int
    package let sectionAlignment: Int
    package let fileAlignment: Int
    /// Where the program ends and its signatures begin; the file's end when it has none.
    package let end: Int
    /// Where the last section ends, in the file and in memory.
    package let sectionsEnd: Int
    package let memoryEnd: Int

    /// Bytes of one entry of the section table.
    package static let sectionSize = 40
    /// The largest program that is read into memory, in bytes.
    package static let bytesMax = 512 << 20
    private static let sectionsMax = 96

    /// Reads the headers. Throws kind `malformed` for what is no such program.
    package init(_ bytes: [UInt8]) throws(SigningError) {
        guard let program = Self(reading: bytes) else {
            throw SigningError(
                .malformed,
                "it is no EFI program for x64",
                remedy: "build the image again, with Debian's package systemd-boot-efi"
            )
        }
        self = program
    }

    private init?(reading bytes: [UInt8]) {
        func word(_ offset: Int) -> Int? { Self.number(bytes, offset, 4) }
        func half(_ offset: Int) -> Int? { Self.number(bytes, offset, 2) }
        guard bytes.count <= Self.bytesMax, half(0) == 0x5A4D, let start = word(0x3C), word(start) == 0x4550,
            half(start + 4) == 0x8664, let sections = half(start + 6), (1...Self.sectionsMax).contains(sections),
            let optionalSize = half(start + 20), optionalSize >= 152
        else { return nil }
        let optional = start + 24
        // PE32+, an EFI application, and a directory that has the certificate table.
        guard half(optional) == 0x20B, half(optional + 68) == 10, let directories = word(optional + 108),
            directories > 4,
            let sectionAlignment = word(optional + 32), let fileAlignment = word(optional + 36),
            let headersSize = word(optional + 60), let table = word(optional + 144),
            let tableSize = word(optional + 148)
        else { return nil }
        let alignments = [sectionAlignment, fileAlignment]
        guard alignments.allSatisfy({ (8...0x1_0000).contains($0) && $0 & ($0 - 1) == 0 }) else { return nil }
        sectionTable = optional + optionalSize
        guard headersSize <= bytes.count, sectionTable + sections * Self.sectionSize <= headersSize else { return nil }
        var memoryEnd = headersSize
        var parts: [Range<Int>] = []
        for index in 0..<sections {
            let header = sectionTable + index * Self.sectionSize
            guard let memorySize = word(header + 8), let memory = word(header + 12), let size = word(header + 16),
                let start = word(header + 20), start + size <= bytes.count
            else { return nil }
            if size > 0 { parts.append(start..<(start + size)) }
            memoryEnd = max(memoryEnd, memory + max(memorySize, size))
        }
        guard let fileEnd = Self.end(of: parts, from: headersSize) else { return nil }
        (sectionsEnd, self.memoryEnd) = (fileEnd, memoryEnd)
        guard table == 0 ? tableSize == 0 : table + tableSize == bytes.count && table >= fileEnd else { return nil }
        (checksum, certificateEntry, sizeOfImage) = (optional + 64, optional + 144, optional + 56)
        (sectionCount, sectionCountField, self.headersSize) = (sections, start + 6, headersSize)
        (self.sectionAlignment, self.fileAlignment) = (sectionAlignment, fileAlignment)
        end = table == 0 ? bytes.count : table
    }

    /// Where the parts end that follow each other from `start` on; `nil` where there is a gap between them, or an overlap.
    private static func end(of parts: [Range<Int>], from start: Int) -> Int? {
        var end = start
        for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard part.lowerBound == end else { return nil }
            end = part.upperBound
        }
        return end
    }

    /// Little-endian; `nil` where it does not lie inside.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
    }
}
