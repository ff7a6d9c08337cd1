/// JSON text that grows: the words of RFC 8259 as Foundation's `JSONEncoder` writes them, slashes unescaped.
struct JSONBytes {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func put(_ byte: UInt8) { bytes.append(byte) }

    mutating func put(_ word: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    mutating func put(_ flag: Bool) { put(flag ? "true" : "false" as StaticString) }

    mutating func put(_ number: some BinaryInteger) { bytes.append(contentsOf: String(number).utf8) }

    /// Throws for what JSON has no word for: infinities and what is no number.
    mutating func put(_ number: Double) throws(JSONBytesError) {
        guard number.isFinite else { throw .notFinite }
        let text = number.description
        bytes.append(contentsOf: text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...])
    }

    mutating func put(_ text: String) {
        bytes.append(.quote)
        var text = text
        text.withUTF8 { octets in
            // Names and numbers, nearly always: nothing to escape.
            guard !octets.allSatisfy(\.isPlain) else { return bytes.append(contentsOf: octets) }
            for octet in octets { escape(octet) }
        }
        bytes.append(.quote)
    }

    private mutating func escape(_ octet: UInt8) {
        switch octet {
        case .quote: put(#"\""# as StaticString)
        case .backslash: put(#"\\"# as StaticString)
        case 0x08: put(#"\b"# as StaticString)
        case 0x09: put(#"\t"# as StaticString)
        case 0x0A: put(#"\n"# as StaticString)
        case 0x0C: put(#"\f"# as StaticString)
        case 0x0D: put(#"\r"# as StaticString)
        case ..<0x20:
            put(octet < 0x10 ? #"\u000"# : #"\u001"# as StaticString)
            bytes.append(contentsOf: String(octet & 0xF, radix: 16).utf8)
        default: bytes.append(octet)
        }
    }

    /// Members of objects by their names.
    mutating func put(_ value: JSONValue) throws(JSONBytesError) {
        switch value {
        case .null: put("null" as StaticString)
        case .boolean(let flag): put(flag)
        case .integer(let number): put(number)
        case .number(let number): try put(number)
        case .string(let text): put(text)
        case .array(let elements):
            put(UInt8(ascii: "["))
            for index in elements.indices {
                if index > 0 { put(.comma) }
                try put(elements[index])
            }
            put(UInt8(ascii: "]"))
        case .object(let members):
            var separator = UInt8(ascii: "{")
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                put(separator)
                put(name)
                put(.colon)
                try put(member)
                separator = .comma
            }
            if members.isEmpty { put(separator) }
            put(UInt8(ascii: "}"))
        }
    }

    mutating func put(_ value: WrittenJSON) { bytes.append(contentsOf: value.text) }

    /// Makes one object of values that were written from `start` on, without anything between them.
    mutating func makeObject(of members: some Sequence<JSONMember>, from start: Int) {
        var object = JSONBytes()
        object.bytes.reserveCapacity((count - start) * 2)
        var separator = UInt8(ascii: "{")
        for member in members {
            object.put(separator)
            object.put(member.name)
            object.put(.colon)
            object.bytes.append(contentsOf: bytes[member.value])
            separator = .comma
        }
        if separator != .comma { object.put(separator) }
        object.put(UInt8(ascii: "}"))
        bytes.removeSubrange(start...)
        bytes.append(contentsOf: object.bytes)
    }
}

/// A member of an object on its way: its value is written.
struct JSONMember {
    var name: String
    var value: Range<Int>
}

enum JSONBytesError: Error {
    case notFinite
}

extension UInt8 {
    fileprivate static let quote = UInt8(ascii: "\"")
    static let comma = UInt8(ascii: ",")

    fileprivate var isPlain: Bool { self >= 0x20 && self != .quote && self != .backslash }
}
