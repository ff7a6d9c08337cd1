import AgentWire
import Engine
import HTTPTypes
import HostModel

/// OpenAPI 3.0 of the JSON form of the API: paths and statuses from what routes say of themselves, schemas and examples from
/// the types that they read and answer with.
struct OpenAPIDocument {
    let value: JSONValue

    private typealias Object = [String: JSONValue]

    /// Throws for a type that cannot be described (`TypeBook.Opaque`).
    init(_ entries: [RouteBook.Entry]) throws {
        let types = TypeBook()
        var paths: [String: Object] = [:]
        for entry in entries {
            guard let call = entry.call else { continue }
            let operation = Operation(entry: entry, call: call)
            paths["/\(entry.path)", default: [:]][entry.method.rawValue.lowercased()] = .object(
                try operation.value(types)
            )
        }
        let fault = try types.describe(FaultEnvelope.self)
        let names = Set(paths.keys.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
        value = .object([
            "openapi": .string("3.0.3"), "info": Self.info,
            "servers": .array([.object(["url": .string(ResourcePath.unversioned)])]),
            "security": .array([.object(["token": .array([])]), .object(["password": .array([])])]),
            "tags": .array(names.map { .object(["name": .string($0)]) }),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object([
                "schemas": .object(types.components), "responses": Self.refusals(fault),
                "securitySchemes": Self.schemes,
            ]),
        ])
    }

    private static let info: JSONValue = .object([
        "title": .string("Muster"), "version": .string(HostEngine.version),
        "description": .string(
            "oVirt's REST v4 in JSON, and what is ours. Numbers are texts, as oVirt writes them; either is read. docs/api.md."
        ),
    ])

    private static let schemes: JSONValue = .object([
        "token": .object([
            "type": .string("http"), "scheme": .string("bearer"),
            "description": .string("From POST /ovirt-engine/sso/oauth/token."),
        ]),
        "password": .object(["type": .string("http"), "scheme": .string("basic")]),
    ])

    /// What refusals mean, by their status.
    static let meanings: [Int: String] = [
        400: "It makes no sense", 401: "Nobody is signed in", 403: "The user's role does not allow it",
        404: "There is no such thing", 409: "What is there does not allow it", 411: "Its length is not said",
        413: "It is too large", 415: "Only JSON is read", 416: "The range makes no sense", 429: "Too often",
        503: "It, or the host behind it, cannot be asked now",
    ]

    private static func refusals(_ fault: TypeDescription) -> JSONValue {
        .object(
            Dictionary(
                uniqueKeysWithValues: meanings.map { status, meaning in
                    (
                        "Fault\(status)",
                        .object([
                            "description": .string(meaning),
                            "content": .object([
                                "application/json": .object(["schema": fault.schema, "example": fault.example])
                            ]),
                        ])
                    )
                }
            )
        )
    }

    /// `{"fault": …}`; of an action that failed there is its `status`, too.
    private struct FaultEnvelope: Decodable {
        var fault: FaultResource
        var status: String?
    }
}

/// One method of one path.
private struct Operation {
    let entry: RouteBook.Entry
    let call: Call

    func value(_ types: TypeBook) throws -> [String: JSONValue] {
        var operation: [String: JSONValue] = [
            "summary": .string(call.summary), "operationId": .string(id), "responses": .object(try responses(types)),
            "tags": .array([.string(entry.path.split(separator: "/").first.map(String.init) ?? "api")]),
            "description": .string("Needs the role \(AccessTable.role(entry.method, entry.path).rawValue)."),
        ]
        let parameters = pathParameters + call.query.map(Self.parameter)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = call.body { operation["requestBody"] = try Self.request(body, types) }
        return operation
    }

    /// `getHostsIdTags`
    private var id: String {
        let words = entry.path.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return entry.method.rawValue.lowercased() + (words.isEmpty ? "Root" : words.joined())
    }

    private var pathParameters: [JSONValue] {
        entry.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            .object([
                "name": .string(String(part.dropFirst().dropLast())), "in": .string("path"),
                "required": .boolean(true),
                "schema": .object(["type": .string("string"), "minLength": .integer(1)]),
            ])
        }
    }

    private static func parameter(_ field: Call.Field) -> JSONValue {
        let schema: JSONValue =
            switch field.kind {
            case .text: .type("string")
            case .flag: .type("boolean")
            case .number(let range):
                .object([
                    "type": .string("integer"), "minimum": .integer(Int64(range.lowerBound)),
                    "maximum": .integer(Int64(range.upperBound)),
                ])
            case .word(let words):
                .object(["type": .string("string"), "enum": .array(words.map { .string($0) })])
            }
        return .object([
            "name": .string(field.name), "in": .string("query"), "schema": schema,
            "description": .string(field.meaning),
        ])
    }

    private static func request(_ body: Call.Body, _ types: TypeBook) throws -> JSONValue {
        let content: JSONValue
        switch body.content {
        case .bytes:
            let binary: JSONValue = .object(["type": .string("string"), "format": .string("binary")])
            content = .object(["application/octet-stream": .object(["schema": binary])])
        case .value(let type):
            let description = try types.describe(type)
            content = .object([
                "application/json": .object(["schema": description.schema, "example": description.example])
            ])
        }
        return .object(["required": .boolean(body.isRequired), "content": content])
    }

    private func responses(_ types: TypeBook) throws -> [String: JSONValue] {
        var responses: [String: JSONValue] = [:]
        for status in refusals {
            responses["\(status)"] = .object(["$ref": .string("#/components/responses/Fault\(status)")])
        }
        for (status, answers) in Dictionary(grouping: call.answers, by: \.status) {
            responses["\(status)"] = .object(try Self.response(answers, types))
        }
        return responses
    }

    /// Those of every call of this kind, and the call's own.
    private var refusals: [Int] {
        var statuses = [400, 401, 403, 429, 503] + call.refusals
        let isRead = entry.method == .get || entry.method == .head
        if !isRead || entry.path.contains("{") { statuses.append(404) }
        if !isRead { statuses.append(409) }
        if call.body != nil { statuses.append(413) }
        if call.body?.isJSONOnly == true { statuses.append(415) }
        return statuses
    }

    private static func response(_ answers: [Call.Answer], _ types: TypeBook) throws -> [String: JSONValue] {
        let meaning = answers.map(\.meaning).joined(separator: "; ")
        var content: [String: JSONValue] = [:]
        var described: [TypeDescription] = []
        for answer in answers {
            switch answer.content {
            case .none: break
            case .text(let type):
                content[type] = .object(["schema": type == "application/json" ? .object([:]) : .type("string")])
            case .value(let type): described.append(try types.describe(type))
            }
        }
        if let first = described.first {
            let schema: JSONValue =
                described.count == 1 ? first.schema : .object(["anyOf": .array(described.map(\.schema))])
            content["application/json"] = .object(["schema": schema, "example": first.example])
        }
        guard !content.isEmpty else { return ["description": .string(meaning)] }
        return ["description": .string(meaning), "content": .object(content)]
    }
}
