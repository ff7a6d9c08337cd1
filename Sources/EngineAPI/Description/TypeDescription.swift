import AgentWire
import HostModel

/// What a type looks like in JSON: a schema of JSON Schema as OpenAPI 3.0 has it, and an example of it.
struct TypeDescription: Sendable {
    var schema: JSONValue
    var example: JSONValue

    static func text(_ example: String, _ more: [String: JSONValue] = [:]) -> Self {
        Self(schema: .object(["type": .string("string")].merging(more) { $1 }), example: .string(example))
    }

    static func either(_ schemas: [JSONValue], _ example: JSONValue) -> Self {
        Self(schema: .object(["anyOf": .array(schemas)]), example: example)
    }

    /// Any object.
    static func anything(_ example: JSONValue = .object([:])) -> Self {
        Self(schema: .object(["type": .string("object")]), example: example)
    }
}

extension JSONValue {
    static func type(_ name: String) -> JSONValue { .object(["type": .string(name)]) }
    static func reference(_ name: String) -> JSONValue { .object(["$ref": .string("#/components/schemas/\(name)")]) }
}

/// A type whose form its `init(from:)` does not show: it reads several forms, or takes a text apart.
protocol DescribesItself {
    static func description(_ types: TypeBook) throws -> TypeDescription
}

/// A type whose members do not go together in every way: this is one that does.
protocol HasExample {
    static var example: JSONValue { get }
}

/// Descriptions of types, found out by letting each read itself from a decoder that writes down what it is asked for. What has
/// members becomes a component, and is described once.
final class TypeBook {
    private(set) var components: [String: JSONValue] = [:]
    private var names: [ObjectIdentifier: String] = [:]
    /// Types on the way to themselves.
    private var open: Set<ObjectIdentifier> = []

    /// A type that cannot be found out: it is to describe itself.
    struct Opaque: Error, CustomStringConvertible {
        var type: String
        var reason: String
        var description: String { "\(type) cannot be described: \(reason)" }
    }

    func describe(_ type: any Decodable.Type) throws -> TypeDescription { try visit(type, key: nil).0 }

    /// The description, and a value to go on with.
    func visit<Value: Decodable>(_ type: Value.Type, key: String?) throws -> (TypeDescription, Value) {
        if let own = type as? any DescribesItself.Type {
            let description = try own.description(self)
            return (description, try value(type, description.example))
        }
        if let simple = Self.simple(type, key: key) { return (simple, try value(type, simple.example)) }
        if let list = type as? any ListType.Type {
            let description = try list.describe(self, key: key)
            return (description, try value(type, description.example))
        }
        if let words = (type as? any CaseIterable.Type)?.words, let first = words.first {
            let kind: JSONValue = .string(first.string == nil ? "integer" : "string")
            let schema: JSONValue = .object(["type": kind, "enum": .array(words)])
            return (TypeDescription(schema: schema, example: first), try value(type, first))
        }
        return try visitMembers(type, key: key)
    }

    func isOpen(_ type: Any.Type) -> Bool { open.contains(ObjectIdentifier(type)) }
    func reference(_ type: Any.Type) -> JSONValue { .reference(name(of: type)) }

    private func visitMembers<Value: Decodable>(
        _ type: Value.Type,
        key: String?
    ) throws -> (TypeDescription, Value) {
        let id = ObjectIdentifier(type)
        guard !open.contains(id) else { throw Opaque(type: "\(type)", reason: "it always has itself in it") }
        open.insert(id)
        defer { open.remove(id) }
        let decoder = ProbingDecoder(types: self, key: key)
        let made: Value
        do { made = try Value(from: decoder) } catch let error as Opaque { throw error } catch {
            guard let known = type as? any HasExample.Type else { throw Opaque(type: "\(type)", reason: "\(error)") }
            made = try value(type, known.example)
        }
        guard let members = decoder.members else {
            guard let single = decoder.single else { return (.anything(), made) }
            return (single, made)
        }
        let (name, example) = (name(of: type), (type as? any HasExample.Type)?.example ?? members.example)
        components[name] = members.schema
        return (TypeDescription(schema: .reference(name), example: example), made)
    }

    /// A value that is written so.
    private func value<Value: Decodable>(_ type: Value.Type, _ example: JSONValue) throws -> Value {
        do { return try JSONText.decode(type, from: try JSONText.encode(example)) } catch {
            throw Opaque(type: "\(type)", reason: "its example is none: \(error)")
        }
    }

    private static func simple(_ type: Any.Type, key: String?) -> TypeDescription? {
        switch type {
        case is String.Type: .text(Examples.text(key))
        case is Bool.Type: TypeDescription(schema: .type("boolean"), example: .boolean(true))
        case is any FixedWidthInteger.Type: TypeDescription(schema: .type("integer"), example: .integer(1))
        case is any BinaryFloatingPoint.Type: TypeDescription(schema: .type("number"), example: .number(0.5))
        default: nil
        }
    }

    /// `HostModel.HostResource.Muster` is `Host.Muster`.
    private func name(of type: Any.Type) -> String {
        let id = ObjectIdentifier(type)
        if let known = names[id] { return known }
        var text = String(reflecting: type)
        for module in ["HostModel.", "EngineAPI.", "Engine.", "AgentWire.", "Swift.", "OpenAPIDocument.", "Resource"] {
            text = text.replacing(module, with: "")
        }
        text = text.split(separator: ".").filter { !$0.hasPrefix("(unknown context") }.joined(separator: ".")
        let plain = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
        var name = String(plain.reversed().drop { $0 == "-" }.reversed())
        while names.values.contains(name) { name += "-2" }
        names[id] = name
        return name
    }
}

extension CaseIterable {
    /// What its cases are called; `nil` where they are called nothing.
    fileprivate static var words: [JSONValue]? {
        let words = allCases.map { one -> JSONValue? in
            let raw: Any? = (one as? any RawRepresentable)?.rawValue
            if let text = raw as? String { return .string(text) }
            return (raw as? Int).map { .integer(Int64($0)) }
        }
        return words.contains(nil) ? nil : words.compactMap(\.self)
    }
}

// MARK: - Lists

/// Arrays and dictionaries.
private protocol ListType {
    static func describe(_ types: TypeBook, key: String?) throws -> TypeDescription
}

extension Array: ListType where Element: Decodable {
    fileprivate static func describe(_ types: TypeBook, key: String?) throws -> TypeDescription {
        if types.isOpen(Element.self) {
            return .init(
                schema: .object(["type": .string("array"), "items": types.reference(Element.self)]),
                example: .array([])
            )
        }
        let element = try types.visit(Element.self, key: key).0
        return .init(
            schema: .object(["type": .string("array"), "items": element.schema]),
            example: .array([element.example])
        )
    }
}

extension Set: ListType where Element: Decodable {
    fileprivate static func describe(_ types: TypeBook, key: String?) throws -> TypeDescription {
        try [Element].describe(types, key: key)
    }
}

extension Dictionary: ListType where Key == String, Value: Decodable {
    fileprivate static func describe(_ types: TypeBook, key: String?) throws -> TypeDescription {
        let value = try types.visit(Value.self, key: key).0
        return .init(
            schema: .object(["type": .string("object"), "additionalProperties": value.schema]),
            example: .object(["example": value.example])
        )
    }
}

/// Texts that make sense under the names of members.
private enum Examples {
    static func text(_ key: String?) -> String { key.flatMap { all[$0] } ?? "text" }

    private static let id = "123e4567-e89b-42d3-a456-426614174000"
    private static let moment = "2026-01-31T10:30:00.000Z"
    private static let all = [
        "id": id, "href": "/ovirt-engine/api/hosts/\(id)", "name": "example", "description": "An example",
        "comment": "rack 4", "address": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1",
        "mac": "52:54:00:12:34:56", "from": "00:1a:4a:01:00:00", "to": "00:1a:4a:01:00:ff", "port": "54321",
        "status": "up", "severity": "normal", "time": moment, "start_time": moment, "end_time": moment,
        "last_updated": moment, "created": moment, "until": moment, "certificate_ends": moment,
        "last_seen": "1769855400",
        "mtu": "1500", "version": "1.0", "full_version": "4.5.6-1.muster", "major": "4", "minor": "5", "datum": "7",
        "fence_type": "status", "type": "ipmilan", "user_name": "jane@internal", "username": "root",
        "password": "long enough", "old_password": "long enough", "principal": "jane", "rel": "networks",
        "code": "13", "index": "42", "custom_id": "-1", "origin": "oVirt", "correlation_id": "nightly-7",
        "number": "1", "progress": "50", "memory": "274877906944", "hardware_id": id, "assignment_method": "none",
        "profile": "rescue", "vdsm_name": "ovirtmgmt", "boot_protocol": "dhcp", "ipv6_boot_protocol": "none",
        "usage": "vm", "active": "0", "migrating": "0", "total": "1", "architecture": "x86_64",
        "quota_mode": "disabled",
        "on_error": "migrate", "role": "ReadOnlyAdmin", "reason": "Operation Failed", "detail": "What is wrong.",
        "remedy": "What to do.", "netmask6": "64",
    ]
}
