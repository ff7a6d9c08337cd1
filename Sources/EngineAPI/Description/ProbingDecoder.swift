import AgentWire

/// A decoder behind which there is nothing: it gives examples, and writes down what it is asked for.
final class ProbingDecoder: Decoder {
    let types: TypeBook
    /// The member that is read.
    let key: String?
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    private var properties: [String: JSONValue] = [:]
    private var required: [String] = []
    private var examples: [String: JSONValue] = [:]
    private var isKeyed = false
    fileprivate(set) var single: TypeDescription?

    init(types: TypeBook, key: String?) { (self.types, self.key) = (types, key) }

    /// Of what has members.
    var members: TypeDescription? {
        guard isKeyed else { return nil }
        var schema: [String: JSONValue] = ["type": .string("object"), "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.sorted().map { .string($0) }) }
        return TypeDescription(schema: .object(schema), example: .object(examples))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        isKeyed = true
        return KeyedDecodingContainer(Members<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw TypeBook.Opaque(type: key ?? "?", reason: "it reads a list by itself")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(decoder: self) }

    fileprivate func read<Value: Decodable>(_ type: Value.Type, _ key: any CodingKey) throws -> Value {
        let (description, value) = try types.visit(type, key: key.stringValue)
        note(key, description, isRequired: true)
        return value
    }

    fileprivate func readIfAny<Value: Decodable>(_ type: Value.Type, _ key: any CodingKey) throws -> Value? {
        guard !types.isOpen(type) else {
            properties[key.stringValue] = types.reference(type)
            return nil
        }
        let (description, value) = try types.visit(type, key: key.stringValue)
        note(key, description, isRequired: false)
        return value
    }

    private func note(_ key: any CodingKey, _ description: TypeDescription, isRequired: Bool) {
        let name = key.stringValue
        if isRequired, !required.contains(name) { required.append(name) }
        properties[name] = description.schema
        examples[name] = description.example
    }
}

private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ProbingDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder.read(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder.read(type, key) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder.read(type, key) }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try decoder.readIfAny(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try decoder.readIfAny(type, key) }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try decoder.readIfAny(type, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw TypeBook.Opaque(type: key.stringValue, reason: "it reads nested members by itself")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw TypeBook.Opaque(type: key.stringValue, reason: "it reads a list by itself")
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder }
}

private struct Single: SingleValueDecodingContainer {
    let decoder: ProbingDecoder
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (description, value) = try decoder.types.visit(type, key: decoder.key)
        decoder.single = description
        return value
    }
}
