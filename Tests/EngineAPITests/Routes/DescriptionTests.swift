import AgentWire
import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import Testing

@testable import EngineAPI

/// The OpenAPI document: made of what the routes say of themselves, whole, and true.
@Suite struct DescriptionTests {
    private static func book(_ engine: HostEngine) -> RouteBook {
        let book = RouteBook()
        let router = Router(context: APIContext.self)
        EngineRoutes(engine: engine).addGuardedRoutes(to: GuardedRoutes(router, ledger: book.note))
        return book
    }

    @Test("every route that is registered says what it is for, and is in the document once")
    func routes() async throws {
        try await APIInstallation.run { client in
            let entries = Self.book(client.engine).entries
            #expect(entries.count > 150, "\(entries.count)")
            for entry in entries { #expect(entry.call != nil, "\(entry.method) \(entry.path) says nothing") }
            let answer = try await client.get("\(APIClient.api)/openapi.json")
            #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
            let document = try answer.json(JSONValue.self)
            let paths = try #require(document["paths"]?.object)
            var described: Set<String> = []
            for (path, methods) in paths {
                for (method, operation) in methods.object ?? [:] {
                    described.insert("\(method.uppercased()) \(path)")
                    let statuses = operation["responses"]?.object?.keys.compactMap { Int($0) } ?? []
                    #expect(statuses.contains { $0 < 300 } && statuses.contains(401), "\(method) \(path)")
                    let named = path.split(separator: "/").filter { $0.hasPrefix("{") }.count
                    let parameters = operation["parameters"]?.array ?? []
                    #expect(parameters.filter { $0["in"]?.string == "path" }.count == named, "\(path)")
                }
            }
            let registered = entries.map { "\($0.method.rawValue) /\($0.path)" }
            #expect(Set(registered) == described && registered.count == described.count)
            let ids = paths.values.flatMap { $0.object?.values.compactMap { $0["operationId"]?.string } ?? [] }
            #expect(Set(ids).count == described.count)
        }
    }

    @Test("what the document refers to is there")
    func references() async throws {
        try await APIInstallation.run { client in
            let document = try await client.get("\(APIClient.api)/openapi.json").json(JSONValue.self)
            var found: Set<String> = []
            func look(_ value: JSONValue) {
                if let reference = value["$ref"]?.string { found.insert(reference) }
                for member in value.object?.values.map(\.self) ?? value.array ?? [] { look(member) }
            }
            look(document)
            #expect(found.count > 80, "\(found.count)")
            for reference in found {
                let words = reference.split(separator: "/").dropFirst().map(String.init)
                #expect(words.reduce(document) { $0?[$1] } != nil, "\(reference)")
            }
            let host = try #require(document["components"]?["schemas"]?["Host"])
            #expect(host["required"]?.array?.contains(.string("status")) == true)
            #expect(host["properties"]?["ksm"]?["$ref"]?.string == "#/components/schemas/Host.Enabled")
        }
    }

    @Test("the examples of bodies are read by the routes that take them: none is called unreadable")
    func examples() async throws {
        try await APIInstallation.run { client in
            let document = try await client.get("\(APIClient.api)/openapi.json").json(JSONValue.self)
            for (path, methods) in document["paths"]?.object ?? [:] {
                for (name, operation) in methods.object ?? [:] {
                    let content = operation["requestBody"]?["content"]?["application/json"]
                    guard let example = content?["example"], let method = HTTPRequest.Method(name.uppercased()) else {
                        continue
                    }
                    // What is named like this is nowhere.
                    let call = path.replacing(try Regex(#"\{[^}]*\}"#), with: UniqueID.random().rawValue)
                    let body = String(buffer: try JSONText.encode(example))
                    let answer = try await client.send(method, "\(APIClient.api)\(call)", body)
                    #expect(
                        answer.fault?.detail.contains("not what this call takes") != true,
                        "\(method) \(path): \(answer.body)"
                    )
                    let status = "\(answer.status)"
                    #expect(operation["responses"]?[status] != nil, "\(method) \(path): \(status) \(answer.body)")
                }
            }
        }
    }
}
