package import NIOCore

internal import struct FoundationEssentials.Data
internal import class FoundationEssentials.JSONDecoder
internal import class FoundationEssentials.JSONEncoder

/// Any JSON value (RFC 8259). Whole numbers that fit keep their 64 bits.
package enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue {
    /// The member of an object; `nil` for a missing one and for anything that is no object.
    package subscript(_ key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    package var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    package var object: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // What is most of a report comes first: an attempt that fails is an error with a text of its own.
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let members = try? container.decode([String: JSONValue].self) {
            self = .object(members)
        } else if let flag = try? container.decode(Bool.self) {
            self = .boolean(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .integer(number)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .array(try container.decode([JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let flag): try container.encode(flag)
        case .integer(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        case .array(let elements): try container.encode(elements)
        case .object(let members): try container.encode(members)
        }
    }
}

/// Values to and from JSON text.
package enum JSONText {
    package static func decode<Value: Decodable>(_ type: Value.Type, from text: ByteBuffer) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.readableBytesView))
    }

    /// Any value, without the detour over a `Decoder`.
    package static func decode(_ type: JSONValue.Type, from text: ByteBuffer) throws -> JSONValue {
        try JSONReader.value(text)
    }

    /// Keys are sorted, so that equal values are equal bytes. Not for dates, data and URLs.
    package static func encode(_ value: some Encodable) throws -> ByteBuffer {
        if let text = try JSONFragmentEncoder.text(of: value) { return ByteBuffer(bytes: text) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }
}

extension JSONValue {
    /// The value's JSON form.
    package init(encoding value: some Encodable) throws {
        self = try JSONText.decode(JSONValue.self, from: try JSONText.encode(value))
    }

    /// Reads the value as `Value`.
    package func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONText.decode(type, from: try JSONText.encode(self))
    }
}

/// A value that was written before, and is sent many times.
package struct WrittenJSON: Hashable, Sendable, Encodable {
    let text: [UInt8]

    package init(_ value: some Encodable) throws { text = Array(try JSONText.encode(value).readableBytesView) }

    /// `JSONText` takes the text as it is.
    package func encode(to encoder: any Encoder) throws {
        try JSONText.decode(JSONValue.self, from: ByteBuffer(bytes: text)).encode(to: encoder)
    }
}
