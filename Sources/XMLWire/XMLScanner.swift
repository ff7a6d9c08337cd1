/// Takes a document apart, a token at a time (XML 1.0, without document types: no entity but the five that every reader knows,
/// no processing instructions, UTF-8 only). Never more than one token is held.
struct XMLScanner {
    enum Token: Hashable {
        /// `isEmpty`: written `<x/>`.
        case start(name: String, attributes: [XMLElement.Attribute], isEmpty: Bool)
        case text(String)
        case end(name: String)
    }

    private let bytes: [UInt8]
    private let limits: XMLLimits
    private(set) var offset = 0

    /// Throws for what is no UTF-8, or has characters that XML has not.
    init(_ bytes: [UInt8], limits: XMLLimits) throws(XMLRefusal) {
        (self.bytes, self.limits) = (bytes, limits)
        guard bytes.count <= limits.bytes else {
            throw XMLRefusal(reason: "it is longer than \(limits.bytes) octets", offset: limits.bytes)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw XMLRefusal(reason: "it is not UTF-8", offset: 0)
        }
        if let bad = text.unicodeScalars.firstIndex(where: { !XMLSyntax.isCharacter($0) }) {
            let place = text.utf8.distance(from: text.startIndex, to: bad)
            throw XMLRefusal(reason: "it has a character that XML has not", offset: place)
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
        if has("<?xml"), bytes.count > offset + 5, XMLSyntax.isSpace(bytes[offset + 5]) { try takeDeclaration() }
    }

    /// `nil` at the end.
    mutating func next() throws(XMLRefusal) -> Token? {
        while offset < bytes.count {
            if has("<!--") {
                try takeComment()
            } else if has("<![CDATA[") {
                let start = offset + 9
                offset = try find("]]>", from: start, "a CDATA section does not end")
                defer { offset += 3 }
                return .text(Self.normalized(bytes[start..<offset]))
            } else if has("<!") {
                throw refusal("document types and entities are not read")
            } else if has("<?") {
                throw refusal("processing instructions are not read")
            } else if has("</") {
                return try endTag()
            } else if has("<") {
                return try startTag()
            } else {
                return .text(try text())
            }
        }
        return nil
    }

    func refusal(_ reason: String) -> XMLRefusal { XMLRefusal(reason: reason, offset: offset) }

    private func has(_ mark: StaticString, at place: Int? = nil) -> Bool {
        let start = place ?? offset
        guard bytes.count - start >= mark.utf8CodeUnitCount else { return false }
        return mark.withUTF8Buffer { mark in mark.indices.allSatisfy { bytes[start + $0] == mark[$0] } }
    }

    private func find(_ mark: StaticString, from start: Int, _ missing: String) throws(XMLRefusal) -> Int {
        var place = start
        while place < bytes.count {
            if has(mark, at: place) { return place }
            place += 1
        }
        throw refusal(missing)
    }

    private mutating func skipSpace() -> Bool {
        let start = offset
        while offset < bytes.count, XMLSyntax.isSpace(bytes[offset]) { offset += 1 }
        return offset > start
    }

    /// Line ends of all kinds are one.
    private static func normalized(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(0x0D) else { return text }
        let scalars = text.unicodeScalars
        var (result, wasReturn) = (String.UnicodeScalarView(), false)
        for scalar in scalars {
            if scalar != "\n" || !wasReturn { result.append(scalar == "\r" ? "\n" : scalar) }
            wasReturn = scalar == "\r"
        }
        return String(result)
    }
}

extension XMLScanner {
    /// `<?xml version="1.0" encoding="UTF-8"?>`
    private mutating func takeDeclaration() throws(XMLRefusal) {
        let end = try find("?>", from: offset, "the XML declaration does not end")
        offset += 5
        var known: [String: String] = [:]
        while true {
            let isApart = skipSpace()
            if offset == end { break }
            guard isApart, offset < end else { throw refusal("the XML declaration makes no sense") }
            let attribute = try attribute()
            guard offset <= end, known.updateValue(attribute.value, forKey: attribute.name) == nil else {
                throw refusal("the XML declaration makes no sense")
            }
        }
        offset = end + 2
        let encoding = known["encoding"]?.lowercased() ?? "utf-8"
        guard known["version"] == "1.0", ["utf-8", "us-ascii"].contains(encoding),
            Set(known.keys).isSubset(of: ["version", "encoding", "standalone"])
        else { throw refusal("only XML 1.0 in UTF-8 is read") }
    }

    private mutating func takeComment() throws(XMLRefusal) {
        let end = try find("--", from: offset + 4, "a comment does not end")
        guard has("-->", at: end) else { throw refusal("a comment has -- inside") }
        offset = end + 3
    }

    private mutating func name() throws(XMLRefusal) -> String {
        let start = offset
        guard offset < bytes.count, XMLSyntax.isNameStart(bytes[offset]) else { throw refusal("a name is expected") }
        while offset < bytes.count, XMLSyntax.isNamePart(bytes[offset]) { offset += 1 }
        guard offset - start <= limits.name else { throw refusal("a name is longer than \(limits.name) octets") }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func startTag() throws(XMLRefusal) -> Token {
        offset += 1
        let name = try name()
        var attributes: [XMLElement.Attribute] = []
        while true {
            let isApart = skipSpace()
            if has(">") || has("/>") { break }
            guard isApart else { throw refusal("a tag does not end") }
            guard attributes.count < limits.attributes else {
                throw refusal("an element has more than \(limits.attributes) attributes")
            }
            let attribute = try attribute()
            guard !attributes.contains(where: { $0.name == attribute.name }) else {
                throw refusal("an attribute is there twice")
            }
            attributes.append(attribute)
        }
        let isEmpty = has("/>")
        offset += isEmpty ? 2 : 1
        return .start(name: name, attributes: attributes, isEmpty: isEmpty)
    }

    private mutating func endTag() throws(XMLRefusal) -> Token {
        offset += 2
        let name = try name()
        _ = skipSpace()
        guard has(">") else { throw refusal("an end tag does not end") }
        offset += 1
        return .end(name: name)
    }

    private mutating func attribute() throws(XMLRefusal) -> XMLElement.Attribute {
        let name = try name()
        _ = skipSpace()
        guard has("=") else { throw refusal("an attribute has no value") }
        offset += 1
        _ = skipSpace()
        guard has("\"") || has("'") else { throw refusal("an attribute's value is not in quotation marks") }
        let quote = bytes[offset]
        offset += 1
        var value: [UInt8] = []
        while offset < bytes.count, bytes[offset] != quote {
            switch bytes[offset] {
            case UInt8(ascii: "<"): throw refusal("< stands in an attribute")
            case UInt8(ascii: "&"): try takeReference(into: &value)
            case let byte:
                value.append(XMLSyntax.isSpace(byte) ? 0x20 : byte)
                offset += 1
            }
        }
        guard offset < bytes.count else { throw refusal("an attribute's value does not end") }
        offset += 1
        return XMLElement.Attribute(name: name, value: String(decoding: value, as: UTF8.self))
    }

    private mutating func text() throws(XMLRefusal) -> String {
        var value: [UInt8] = []
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") {
            switch bytes[offset] {
            case UInt8(ascii: "&"): try takeReference(into: &value)
            case UInt8(ascii: "]") where has("]]>"): throw refusal("]]> stands in text")
            case 0x0D:
                value.append(0x0A)
                offset += has("\r\n") ? 2 : 1
            case let byte:
                value.append(byte)
                offset += 1
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// The longest: `&#x10FFFF;`.
    private mutating func takeReference(into value: inout [UInt8]) throws(XMLRefusal) {
        let rest = bytes[(offset + 1)...].prefix(9)
        guard let end = rest.firstIndex(of: UInt8(ascii: ";")),
            let scalar = XMLSyntax.referenced(Substring(decoding: rest[..<end], as: UTF8.self).utf8),
            let encoded = UTF8.encode(scalar)
        else { throw refusal("& begins nothing that is known") }
        value.append(contentsOf: encoded)
        offset = end + 1
    }
}
