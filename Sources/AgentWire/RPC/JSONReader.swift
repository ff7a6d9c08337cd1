import NIOCore

/// Reads JSON (RFC 8259) straight into values, or walks over it and says where a value lies. An engine of ten thousand hosts
/// is told 27 MB of it a second, most of which nobody looks at.
///
/// A number without a fraction that fits is an `integer`, also when it is written as `1.0` or `1e3`. Of members with the
/// same name the last one counts. Refused: what nests deeper than `depthMax`, bytes that are no UTF-8, control characters in
/// strings, lone surrogates, numbers beyond a `Double`, and anything behind the value but white space.
struct JSONReader {
    /// Foundation's, too.
    static let depthMax = 512

    struct Malformed: Error {
        /// Bytes from the start.
        var offset: Int
    }

    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    private var depth = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The whole text as one value.
    static func value(_ text: ByteBuffer) throws -> JSONValue {
        try text.withUnsafeReadableBytes { bytes in
            var reader = JSONReader(bytes)
            let value = try reader.value()
            try reader.end()
            return value
        }
    }

    /// The members of a text that is an object; those that `isRaw` names as the bytes that stand there, looked at for their
    /// form only. `nil` when it is another kind of value.
    static func members(
        _ text: ByteBuffer,
        raw isRaw: (String) -> Bool
    ) throws -> (values: [String: JSONValue], raw: [String: ByteBuffer])? {
        try text.withUnsafeReadableBytes { bytes in
            var reader = JSONReader(bytes)
            guard reader.peek() == UInt8(ascii: "{") else { return nil }
            var (values, raw): ([String: JSONValue], [String: ByteBuffer]) = ([:], [:])
            try reader.object { reader, key in
                guard isRaw(key) else {
                    values[key] = try reader.value()
                    return
                }
                _ = reader.peek()
                let start = reader.place
                try reader.skip()
                raw[key] = text.getSlice(at: text.readerIndex + start, length: reader.place - start)
            }
            try reader.end()
            return (values, raw)
        }
    }
}

// MARK: - Reading on the way

extension JSONReader {
    /// Walks over the members of a text that is an object. `member` takes the value of each: by `value()`, `skip()` or
    /// `members(_:)`.
    static func walk(_ text: ByteBuffer, _ member: (inout JSONReader, String) throws -> Void) throws {
        try text.withUnsafeReadableBytes { bytes in
            var reader = JSONReader(bytes)
            guard reader.peek() == UInt8(ascii: "{") else { throw reader.malformed() }
            try reader.object(member)
            try reader.end()
        }
    }

    /// The members of the value that comes next; what is no object is passed over.
    mutating func members(_ member: (inout JSONReader, String) throws -> Void) throws {
        guard peek() == UInt8(ascii: "{") else { return try skip() }
        try object(member)
    }
}

// MARK: - Structure

extension JSONReader {
    private func malformed() -> Malformed { Malformed(offset: place) }

    /// The next byte that is no white space; 0 at the end.
    private mutating func peek() -> UInt8 {
        while place < bytes.count {
            let byte = bytes[place]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            place += 1
        }
        return 0
    }

    private mutating func end() throws {
        guard peek() == 0, place == bytes.count else { throw malformed() }
    }

    private mutating func expect(_ byte: UInt8) throws {
        guard peek() == byte else { throw malformed() }
        place += 1
    }

    mutating func value() throws -> JSONValue {
        switch peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try object { reader, key in members[key] = try reader.value() }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try array { reader in elements.append(try reader.value()) }
            return .array(elements)
        case UInt8(ascii: "t"): try word("true"); return .boolean(true)
        case UInt8(ascii: "f"): try word("false"); return .boolean(false)
        case UInt8(ascii: "n"): try word("null"); return .null
        default: return try number()
        }
    }

    mutating func skip() throws {
        switch peek() {
        case UInt8(ascii: "\""): _ = try stringEnd()
        case UInt8(ascii: "{"):
            try enter {
                try $0.list(until: UInt8(ascii: "}")) { reader in
                    guard reader.peek() == UInt8(ascii: "\"") else { throw reader.malformed() }
                    _ = try reader.stringEnd()
                    try reader.expect(UInt8(ascii: ":"))
                    try reader.skip()
                }
            }
        case UInt8(ascii: "["): try array { try $0.skip() }
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: _ = try numberEnd()
        }
    }

    private mutating func object(_ member: (inout JSONReader, String) throws -> Void) throws {
        try enter {
            try $0.list(until: UInt8(ascii: "}")) { reader in
                guard reader.peek() == UInt8(ascii: "\"") else { throw reader.malformed() }
                let key = try reader.string()
                try reader.expect(UInt8(ascii: ":"))
                try member(&reader, key)
            }
        }
    }

    private mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
        try enter { try $0.list(until: UInt8(ascii: "]"), element) }
    }

    /// Past the opening bracket, one level deeper.
    private mutating func enter(_ body: (inout JSONReader) throws -> Void) throws {
        depth += 1
        guard depth <= Self.depthMax else { throw malformed() }
        place += 1
        try body(&self)
        depth -= 1
    }

    private mutating func list(until end: UInt8, _ item: (inout JSONReader) throws -> Void) throws {
        if peek() == end {
            place += 1
            return
        }
        while true {
            try item(&self)
            let next = peek()
            guard next == UInt8(ascii: ",") || next == end else { throw malformed() }
            place += 1
            if next == end { return }
        }
    }

    private mutating func word(_ word: StaticString) throws {
        let length = word.utf8CodeUnitCount
        guard place + length <= bytes.count else { throw malformed() }
        for index in 0..<length where bytes[place + index] != word.utf8Start[index] { throw malformed() }
        place += length
    }
}

// MARK: - Strings and numbers

extension JSONReader {
    /// Past the string that begins here; says whether it has escapes.
    private mutating func stringEnd() throws -> Bool {
        place += 1
        var hasEscapes = false
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == UInt8(ascii: "\"") { return hasEscapes }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                place += 1
            } else if byte < 0x20 {
                break
            }
        }
        throw malformed()
    }

    private mutating func string() throws -> String {
        let start = place + 1
        let hasEscapes = try stringEnd()
        let content = UnsafeRawBufferPointer(rebasing: bytes[start..<place - 1])
        guard hasEscapes else {
            guard let text = String(validating: content, as: UTF8.self) else { throw malformed() }
            return text
        }
        return try unescaped(content)
    }

    private func unescaped(_ content: UnsafeRawBufferPointer) throws -> String {
        var text: [UInt8] = []
        text.reserveCapacity(content.count)
        var index = 0
        while index < content.count {
            let byte = content[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard index < content.count else { throw malformed() }
            let escape = content[index]
            index += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: try scalar(content, &index).utf8)
            default: throw malformed()
            }
        }
        guard let text = String(validating: text, as: UTF8.self) else { throw malformed() }
        return text
    }

    /// `XXXX`, or `XXXX\uXXXX` of a surrogate pair.
    private func scalar(_ content: UnsafeRawBufferPointer, _ index: inout Int) throws -> String {
        let first = try unit(content, &index)
        if let scalar = Unicode.Scalar(first) { return String(scalar) }
        guard (0xD800..<0xDC00).contains(first), index + 2 <= content.count,
            content[index] == UInt8(ascii: "\\"), content[index + 1] == UInt8(ascii: "u")
        else { throw malformed() }
        index += 2
        let second = try unit(content, &index)
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw malformed() }
        return String(scalar)
    }

    private func unit(_ content: UnsafeRawBufferPointer, _ index: inout Int) throws -> UInt32 {
        guard index + 4 <= content.count else { throw malformed() }
        var value: UInt32 = 0
        for byte in content[index..<index + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw malformed() }
            value = value << 4 | UInt32(digit)
        }
        index += 4
        return value
    }

    /// Past the number that begins here; says whether it is written as a whole number.
    private mutating func numberEnd() throws -> Bool {
        func isDigit() -> Bool { place < bytes.count && (0x30...0x39).contains(bytes[place]) }
        func digits() throws {
            guard isDigit() else { throw malformed() }
            while isDigit() { place += 1 }
        }
        var isWhole = true
        if place < bytes.count, bytes[place] == UInt8(ascii: "-") { place += 1 }
        if place < bytes.count, bytes[place] == UInt8(ascii: "0") { place += 1 } else { try digits() }
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            isWhole = false
            try digits()
        }
        if place < bytes.count, bytes[place] | 0x20 == UInt8(ascii: "e") {
            place += 1
            isWhole = false
            if place < bytes.count, bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-") {
                place += 1
            }
            try digits()
        }
        return isWhole
    }

    private mutating func number() throws -> JSONValue {
        let start = place
        let isWhole = try numberEnd()
        let text = Substring(decoding: bytes[start..<place], as: UTF8.self)
        if isWhole, let number = Int64(text) { return .integer(number) }
        guard let number = Double(text), number.isFinite else { throw malformed() }
        return Int64(exactly: number).map { .integer($0) } ?? .number(number)
    }
}
