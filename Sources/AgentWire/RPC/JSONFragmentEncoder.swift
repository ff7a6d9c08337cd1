/// Writes a value as JSON text in one pass: an agent's answers are large, and there are many of them.
///
/// The members of an object are sorted when its value has been encoded, so the text is that of Foundation's `JSONEncoder` with
/// sorted keys. Values for which Foundation has words of its own (dates, data, URLs) are not for it.
final class JSONFragmentEncoder: Encoder {
    /// The value that is being encoded.
    private struct Frame {
        enum Shape {
            /// A value that encodes nothing is `{}`.
            case none
            case scalar
            case array
            case object
        }

        var shape = Shape.none
        var start = 0
        var firstMember = 0
        var elements = 0
    }

    fileprivate var text = JSONBytes()
    private var members: [JSONMember] = []
    private var frame = Frame()
    /// A container was asked for whose end nobody tells: the text is of no use.
    private var isBeyond = false

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// `nil` for a value that asks for nested containers or a superclass's encoder.
    static func text(of value: some Encodable) throws -> [UInt8]? {
        let encoder = JSONFragmentEncoder()
        try encoder.write(value)
        return encoder.isBeyond ? nil : encoder.text.bytes
    }

    fileprivate func write<Value: Encodable>(_ value: Value) throws {
        if Value.self == JSONValue.self, let value = value as? JSONValue { return try text.put(value) }
        if Value.self == WrittenJSON.self, let value = value as? WrittenJSON { return text.put(value) }
        let outer = frame
        frame = Frame(start: text.count, firstMember: members.count)
        try value.encode(to: self)
        finish()
        frame = outer
    }

    private func finish() {
        switch frame.shape {
        case .none: text.put("{}")
        case .scalar: break
        case .array:
            if frame.elements == 0 { text.put(UInt8(ascii: "[")) }
            text.put(UInt8(ascii: "]"))
        case .object:
            text.makeObject(of: sortedMembers(), from: frame.start)
            members.removeSubrange(frame.firstMember...)
        }
    }

    /// Of members with one name the last one counts.
    private func sortedMembers() -> ArraySlice<JSONMember> {
        let own = members[frame.firstMember...]
        let isSorted = zip(own, own.dropFirst()).allSatisfy { $0.name < $1.name }
        guard !isSorted else { return own }
        let sorted = own.sorted { ($0.name, $0.value.lowerBound) < ($1.name, $1.value.lowerBound) }
        return sorted.indices.filter { $0 + 1 == sorted.count || sorted[$0].name != sorted[$0 + 1].name }
            .map { sorted[$0] }[...]
    }

    fileprivate func beginElement() {
        text.put(frame.elements == 0 ? UInt8(ascii: "[") : .comma)
        frame.elements += 1
    }

    fileprivate func endMember(_ name: String, from start: Int) {
        members.append(JSONMember(name: name, value: start..<text.count))
    }

    fileprivate var elements: Int { frame.elements }

    fileprivate func beyond() -> JSONFragmentEncoder {
        isBeyond = true
        return JSONFragmentEncoder()
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        frame.shape = .object
        return KeyedEncodingContainer(JSONMembers<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        frame.shape = .array
        return JSONElements(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        frame.shape = .scalar
        return JSONScalar(encoder: self)
    }
}

private struct JSONMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONFragmentEncoder
    var codingPath: [any CodingKey] { [] }

    private func put(_ key: Key, _ write: () throws -> Void) rethrows {
        let start = encoder.text.count
        try write()
        encoder.endMember(key.stringValue, from: start)
    }

    func encodeNil(forKey key: Key) { put(key) { encoder.text.put("null" as StaticString) } }
    func encode(_ value: Bool, forKey key: Key) { put(key) { encoder.text.put(value) } }
    func encode(_ value: String, forKey key: Key) { put(key) { encoder.text.put(value) } }
    func encode(_ value: Int, forKey key: Key) { put(key) { encoder.text.put(value) } }
    func encode(_ value: Double, forKey key: Key) throws { try put(key) { try encoder.text.put(value) } }
    func encode(_ value: some Encodable, forKey key: Key) throws { try put(key) { try encoder.write(value) } }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<
        Nested
    > {
        encoder.beyond().container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.beyond().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder.beyond() }
    func superEncoder(forKey key: Key) -> any Encoder { encoder.beyond() }
}

private struct JSONElements: UnkeyedEncodingContainer {
    let encoder: JSONFragmentEncoder
    var codingPath: [any CodingKey] { [] }
    var count: Int { encoder.elements }

    private func put(_ write: () throws -> Void) rethrows {
        encoder.beginElement()
        try write()
    }

    func encodeNil() { put { encoder.text.put("null" as StaticString) } }
    func encode(_ value: Bool) { put { encoder.text.put(value) } }
    func encode(_ value: String) { put { encoder.text.put(value) } }
    func encode(_ value: Int) { put { encoder.text.put(value) } }
    func encode(_ value: Double) throws { try put { try encoder.text.put(value) } }
    func encode(_ value: some Encodable) throws { try put { try encoder.write(value) } }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder.beyond().container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.beyond().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder.beyond() }
}

private struct JSONScalar: SingleValueEncodingContainer {
    let encoder: JSONFragmentEncoder
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { encoder.text.put("null" as StaticString) }
    func encode(_ value: Bool) { encoder.text.put(value) }
    func encode(_ value: String) { encoder.text.put(value) }
    func encode(_ value: Double) throws { try encoder.text.put(value) }
    func encode(_ value: Float) throws { try encoder.text.put(Double("\(value)") ?? .nan) }
    func encode(_ value: Int) { encoder.text.put(value) }
    func encode(_ value: Int8) { encoder.text.put(value) }
    func encode(_ value: Int16) { encoder.text.put(value) }
    func encode(_ value: Int32) { encoder.text.put(value) }
    func encode(_ value: Int64) { encoder.text.put(value) }
    func encode(_ value: UInt) { encoder.text.put(value) }
    func encode(_ value: UInt8) { encoder.text.put(value) }
    func encode(_ value: UInt16) { encoder.text.put(value) }
    func encode(_ value: UInt32) { encoder.text.put(value) }
    func encode(_ value: UInt64) { encoder.text.put(value) }
    func encode(_ value: some Encodable) throws { try encoder.write(value) }
}
