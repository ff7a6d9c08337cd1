/// XML -> Decodable, for types that are described by their Codable form alone: a key is an attribute or a child element, an
/// element that repeats is an array, an absent one an empty array. What the type does not name is skipped.
package struct XMLDecoder {
    package var limits = XMLLimits.usual

    package init(limits: XMLLimits = .usual) { self.limits = limits }

    /// Throws `XMLRefusal` for what is no document, `DecodingError` for one that says something else.
    package func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        root: String
    ) throws -> Value {
        let element = try XMLElement(document: bytes, limits: limits)
        guard element.name == root else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "expected <\(root)>, found <\(element.name)>")
            )
        }
        return try Value(from: ElementDecoder(found: [.element(element)], codingPath: []))
    }
}

/// Absent, it is empty.
private protocol EmptyWhenAbsent {}
extension Array: EmptyWhenAbsent {}

/// What has one name in an element: an attribute, or elements.
enum XMLFound {
    case attribute(String)
    case element(XMLElement)
}

struct XMLKey: CodingKey {
    var stringValue: String
    var intValue: Int?

    init(stringValue: String) { self.stringValue = stringValue }
    init(_ index: Int) { (stringValue, intValue) = ("\(index)", index) }
    init?(intValue: Int) { self.init(intValue) }
}

struct ElementDecoder: Decoder {
    let found: [XMLFound]
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .element(let element) = try one() else { throw mismatch(type, "expected an element") }
        return KeyedDecodingContainer(try ElementKeys<Key>(element, codingPath))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { ElementList(found: found, codingPath: codingPath) }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func one() throws -> XMLFound {
        guard let first = found.first, found.count == 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath, debugDescription: "it is there \(found.count) times, expected once")
            )
        }
        return first
    }

    /// What has elements in it, or an id, is more than a text.
    func text(for type: Any.Type) throws -> String {
        switch try one() {
        case .attribute(let text): return text
        case .element(let element):
            guard element.children.isEmpty, element["id"] == nil, element["href"] == nil else {
                throw mismatch(type, "expected a text")
            }
            return element.text
        }
    }

    func mismatch(_ type: Any.Type, _ sentence: String) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: sentence))
    }

    func number<Number: LosslessStringConvertible>(_ type: Number.Type) throws -> Number {
        let text = try text(for: type)
        guard !text.hasPrefix("+"), let number = Number(text) else { throw mismatch(type, "expected a number") }
        return number
    }
}

extension ElementDecoder: SingleValueDecodingContainer {
    /// Empty is an empty text or a thing of which nothing is said, never nothing.
    func decodeNil() -> Bool { false }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch try text(for: type).lowercased() {
        case "true", "1": true
        case "false", "0": false
        default: throw mismatch(type, "expected true or false")
        }
    }
    func decode(_ type: String.Type) throws -> String { try text(for: type) }
    func decode(_ type: Double.Type) throws -> Double { try number(type) }
    func decode(_ type: Float.Type) throws -> Float { try number(type) }
    func decode(_ type: Int.Type) throws -> Int { try number(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try number(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try number(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try number(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try number(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try number(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try number(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try number(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try number(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try number(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }
}

/// The attributes and children of one element by their names.
private struct ElementKeys<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let found: [String: [XMLFound]]
    let codingPath: [any CodingKey]

    init(_ element: XMLElement, _ codingPath: [any CodingKey]) throws {
        self.codingPath = codingPath
        guard !element.children.isEmpty || element.text.utf8.allSatisfy(XMLSyntax.isSpace) else {
            throw DecodingError.typeMismatch(
                Self.self,
                .init(codingPath: codingPath, debugDescription: "expected elements, found a text")
            )
        }
        var found: [String: [XMLFound]] = [:]
        for child in element.children {
            let key = child.name == XMLEntry.element ? child[XMLEntry.key] ?? child.name : child.name
            found[key, default: []].append(.element(child))
        }
        // An element that says the same is not heard beside its attribute.
        for attribute in element.attributes { found[attribute.name] = [.attribute(attribute.value)] }
        self.found = found
    }

    var allKeys: [Key] { found.keys.sorted().compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { found[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { false }

    private func decoder(_ key: Key, orEmpty mayBeEmpty: Bool = false) throws -> ElementDecoder {
        guard let found = found[key.stringValue] ?? (mayBeEmpty ? [] : nil) else {
            throw DecodingError.keyNotFound(
                key,
                .init(codingPath: codingPath, debugDescription: "<\(key.stringValue)> is missing")
            )
        }
        return ElementDecoder(found: found, codingPath: codingPath + [key])
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decoder(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder(key).decode(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try decoder(key).decode(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try decoder(key).decode(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try decoder(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder(key).decode(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try decoder(key).decode(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try decoder(key).decode(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try decoder(key).decode(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try decoder(key).decode(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try decoder(key).decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try Value(from: decoder(key, orEmpty: type is any EmptyWhenAbsent.Type))
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Inner> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key, orEmpty: true).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let key = Key(stringValue: "super") else {
            throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: "there is no super"))
        }
        return try decoder(key)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

/// The elements of one name in their order.
private struct ElementList: UnkeyedDecodingContainer {
    let found: [XMLFound]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(found: [XMLFound], codingPath: [any CodingKey]) { (self.found, self.codingPath) = (found, codingPath) }

    var count: Int? { found.count }
    var isAtEnd: Bool { currentIndex >= found.count }

    private mutating func next() throws -> ElementDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Any.self,
                .init(codingPath: codingPath, debugDescription: "there are \(found.count) only")
            )
        }
        defer { currentIndex += 1 }
        return ElementDecoder(found: [found[currentIndex]], codingPath: codingPath + [XMLKey(currentIndex)])
    }

    mutating func decodeNil() throws -> Bool { false }
    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().decode(type) }
    mutating func decode(_ type: String.Type) throws -> String { try next().decode(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().decode(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try next().decode(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try next().decode(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().decode(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().decode(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().decode(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().decode(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next().decode(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().decode(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().decode(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().decode(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().decode(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type
    ) throws -> KeyedDecodingContainer<Inner> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }

    mutating func superDecoder() throws -> any Decoder { try next() }
}
