// Where values go: every scalar is a text.

struct KeyedElement<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: ElementEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) {}
    func encode(_ value: Bool, forKey key: Key) { encoder.write(value ? "true" : "false", key.stringValue) }
    func encode(_ value: String, forKey key: Key) { encoder.write(value, key.stringValue) }
    func encode(_ value: Double, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Float, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Int, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Int8, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Int16, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Int32, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: Int64, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: UInt, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: UInt8, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: UInt16, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: UInt32, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode(_ value: UInt64, forKey key: Key) { encoder.write("\(value)", key.stringValue) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try encoder.write(value, key) }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Inner> { encoder.later(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder.later(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder.later(XMLKey(stringValue: "super")) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder.later(key) }
}

struct ElementSeries: UnkeyedEncodingContainer {
    let encoder: ElementEncoder
    private(set) var count = 0

    init(encoder: ElementEncoder) { self.encoder = encoder }

    var codingPath: [any CodingKey] { encoder.codingPath }

    mutating func encodeNil() {}
    mutating func encode(_ value: Bool) throws { try next(value ? "true" : "false") }
    mutating func encode(_ value: String) throws { try next(value) }
    mutating func encode(_ value: Double) throws { try next("\(value)") }
    mutating func encode(_ value: Float) throws { try next("\(value)") }
    mutating func encode(_ value: Int) throws { try next("\(value)") }
    mutating func encode(_ value: Int8) throws { try next("\(value)") }
    mutating func encode(_ value: Int16) throws { try next("\(value)") }
    mutating func encode(_ value: Int32) throws { try next("\(value)") }
    mutating func encode(_ value: Int64) throws { try next("\(value)") }
    mutating func encode(_ value: UInt) throws { try next("\(value)") }
    mutating func encode(_ value: UInt8) throws { try next("\(value)") }
    mutating func encode(_ value: UInt16) throws { try next("\(value)") }
    mutating func encode(_ value: UInt32) throws { try next("\(value)") }
    mutating func encode(_ value: UInt64) throws { try next("\(value)") }
    mutating func encode<Value: Encodable>(_ value: Value) throws { try next(value) }

    private mutating func next(_ value: some Encodable) throws {
        try encoder.writeOne(value, count)
        count += 1
    }

    mutating func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type) -> KeyedEncodingContainer<Inner> {
        defer { count += 1 }
        return encoder.laterSibling().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        encoder.laterSibling().unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { encoder.laterSibling() }
}

struct SingleElement: SingleValueEncodingContainer {
    let encoder: ElementEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() {}
    func encode(_ value: Bool) { encoder.write(value ? "true" : "false") }
    func encode(_ value: String) { encoder.write(value) }
    func encode(_ value: Double) { encoder.write("\(value)") }
    func encode(_ value: Float) { encoder.write("\(value)") }
    func encode(_ value: Int) { encoder.write("\(value)") }
    func encode(_ value: Int8) { encoder.write("\(value)") }
    func encode(_ value: Int16) { encoder.write("\(value)") }
    func encode(_ value: Int32) { encoder.write("\(value)") }
    func encode(_ value: Int64) { encoder.write("\(value)") }
    func encode(_ value: UInt) { encoder.write("\(value)") }
    func encode(_ value: UInt8) { encoder.write("\(value)") }
    func encode(_ value: UInt16) { encoder.write("\(value)") }
    func encode(_ value: UInt32) { encoder.write("\(value)") }
    func encode(_ value: UInt64) { encoder.write("\(value)") }
    func encode<Value: Encodable>(_ value: Value) throws { try value.encode(to: encoder) }
}
