import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import Testing

@testable import EngineAPI

/// Signing in to the console, and that no page of another site does anything with the session of its reader.
@Suite struct ConsoleSessionTests {
    private static let place = "/ovirt-engine/console/session"
    private static let right = #"{"username": "admin@internal", "password": "\#(APIInstallation.password)"}"#
    private static let json: HTTPFields = [.contentType: "application/json"]

    private static func field(_ name: String) throws -> HTTPField.Name { try #require(HTTPField.Name(name)) }

    private static func own() throws -> HTTPFields {
        var fields = json
        fields[try field("Prefer")] = "persistent-auth"
        fields[try field("Sec-Fetch-Site")] = "same-origin"
        return fields
    }

    private static func open(_ body: @escaping @Sendable (APIClient) async throws -> Void) async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            try await body(client)
        }
    }

    /// The cookie of somebody who signed in.
    private static func cookie(_ client: APIClient) async throws -> String {
        let answer = try await client.send(.post, place, right, headers: try own())
        try #require(answer.status == 200, "\(answer.body)")
        return String(try #require(answer.headers[.setCookie]).prefix { $0 != ";" })
    }

    @Test("a session: begun by the password, in a cookie that no script reads, good for the API, and void at the end")
    func life() async throws {
        try await Self.open { client in
            let own = try Self.own()
            #expect(try await client.send(.get, Self.place, headers: own).body == "{}")
            let answer = try await client.send(.post, Self.place, Self.right, headers: own)
            #expect(answer.status == 200 && answer.body == #"{"role":"SuperUser","user":"admin@internal"}"#)
            let cookie = try #require(answer.headers[.setCookie])
            #expect(
                cookie.hasPrefix("__Host-muster-console=")
                    && cookie.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Strict")
            )
            #expect(answer.headers[.cacheControl] == "no-store")
            var signed = own
            signed[.cookie] = "a=b; \(cookie.prefix { $0 != ";" })"
            #expect(try await client.send(.get, Self.place, headers: signed).body == answer.body)
            #expect(try await client.send(.get, "\(APIClient.api)/hosts", headers: signed).status == 200)
            let made = try await client.send(.post, "\(APIClient.api)/tags", #"{"name": "a"}"#, headers: signed)
            #expect(made.status == 201 && made.headers[.setCookie] == nil)
            let left = try await client.send(.delete, Self.place, headers: signed)
            #expect(left.status == 204 && left.headers[.setCookie]?.hasSuffix("; Max-Age=0") == true)
            #expect(try await client.send(.get, "\(APIClient.api)/hosts", headers: signed).status == 401)
            #expect(try await client.send(.get, Self.place, headers: signed).body == "{}")
            #expect(try await client.send(.delete, Self.place, headers: signed).status == 204, "twice is no mistake")
        }
    }

    @Test("a page does nothing in the name of another user, who signed in beside it or whom the browser knows")
    func otherTab() async throws {
        try await Self.open { client in
            var fields = try Self.own()
            fields[try Self.field("Muster-User")] = "admin%40internal"
            let basic = "Basic \(Data("admin@internal:\(APIInstallation.password)".utf8).base64EncodedString())"
            fields[.cookie] = try await Self.cookie(client)
            #expect(try await client.send(.get, "\(APIClient.api)/hosts", headers: fields).status == 200)
            for user in ["looks@internal", "admin@internal%00", "%", ""] {
                var other = fields
                other[try Self.field("Muster-User")] = user
                let answer = try await client.send(.post, "\(APIClient.api)/tags", #"{"name": "a"}"#, headers: other)
                #expect(answer.status == 401 && answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
                (other[.cookie], other[.authorization]) = (nil, basic)
                let known = try await client.send(.post, "\(APIClient.api)/tags", #"{"name": "a"}"#, headers: other)
                #expect(known.status == 401 && known.headers[.setCookie] == nil)
            }
            (fields[.cookie], fields[.authorization]) = (nil, basic)
            #expect(try await client.send(.get, "\(APIClient.api)/hosts", headers: fields).status == 200)
        }
    }

    @Test(
        "a wrong password, an unknown user and a body that is none begin nothing",
        arguments: [
            (#"{"username": "admin@internal", "password": "wrong"}"#, 401),
            (#"{"username": "x", "password": "y"}"#, 401),
            (#"{"username": "admin@internal"}"#, 400), ("", 400), ("[]", 400), ("username=admin@internal", 400),
        ]
    )
    func refused(_ body: String, _ status: Int) async throws {
        try await Self.open { client in
            let answer = try await client.send(.post, Self.place, body, headers: try Self.own())
            #expect(answer.status == status && answer.headers[.setCookie] == nil, "\(answer.body)")
            #expect(answer.fault?.remedy?.isEmpty == false)
            // A browser that is asked by this field asks its reader by a window of its own.
            #expect(answer.headers[.wwwAuthenticate] == nil)
        }
    }

    private struct Foreign: CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout HTTPFields) throws -> Void

        static let all = [
            Foreign(testDescription: "a page of another site") { $0[try field("Sec-Fetch-Site")] = "cross-site" },
            Foreign(testDescription: "a page of a neighbour") { $0[try field("Sec-Fetch-Site")] = "same-site" },
            Foreign(testDescription: "another origin") { $0[.origin] = "https://elsewhere.example" },
            Foreign(testDescription: "an origin that is hidden") { $0[.origin] = "null" },
            Foreign(testDescription: "a form, which cannot send the header") { fields in
                fields[try field("Prefer")] = nil
                fields[try field("Sec-Fetch-Site")] = nil
                fields[.contentType] = "application/x-www-form-urlencoded"
            },
            Foreign(testDescription: "a body that needs no leave") { fields in
                fields[try field("Prefer")] = nil
                fields[try field("Sec-Fetch-Site")] = nil
                fields[.contentType] = "text/plain"
            },
        ]
    }

    @Test("no page of another site changes anything by its reader's session, signs him in or out")
    func forgery() async throws {
        try await Self.open { client in
            let cookie = try await Self.cookie(client)
            for (number, foreign) in Foreign.all.enumerated() {
                var fields = try Self.own()
                fields[.cookie] = cookie
                try foreign.change(&fields)
                let name = #"{"name": "tag-\#(number)"}"#
                let changed = try await client.send(.post, "\(APIClient.api)/tags", name, headers: fields)
                #expect([401, 403].contains(changed.status), "\(foreign.testDescription): \(changed.status)")
                let entered = try await client.send(.post, Self.place, Self.right, headers: fields)
                #expect(entered.status == 403 && entered.headers[.setCookie] == nil, "\(foreign.testDescription)")
                let left = try await client.send(.delete, Self.place, headers: fields)
                #expect(left.status == 403 && left.headers[.setCookie] == nil, "\(foreign.testDescription)")
            }
            var fields = try Self.own()
            fields[.cookie] = cookie
            let tags = try await client.send(.get, "\(APIClient.api)/tags", headers: fields)
            #expect(
                tags.status == 200 && !tags.body.contains("tag-"),
                "the session is still there, and nothing was made"
            )
        }
    }

    @Test("without its header the cookie is nothing; who comes with a session only is not asked for Basic credentials")
    func challenges() async throws {
        try await Self.open { client in
            let path = "\(APIClient.api)/hosts"
            let cookie = try await Self.cookie(client)
            let bare = try await client.send(.get, path, headers: [.cookie: cookie])
            #expect(bare.status == 401 && bare.headers[.wwwAuthenticate]?.hasPrefix("Basic ") == true)
            let ended = try await client.send(.get, path, headers: try Self.own())
            #expect(ended.status == 401 && ended.headers[.wwwAuthenticate]?.hasPrefix("Bearer ") == true)
        }
    }

    @Test("guesses are counted")
    func guesses() async throws {
        try await APIInstallation.run { client in
            let router = Router(context: APIContext.self)
            router.add(middleware: FaultMiddleware())
            let failures = SourceRate(.init(burst: 2, perSecond: 0.0001))
            let passwords = PasswordCheck(engine: client.engine, failures: failures)
            ConsoleRoutes(engine: client.engine, passwords: passwords).add(to: router)
            let inner = RouterClient(router)
            var statuses: [Int] = []
            for _ in 0..<3 {
                let body = ByteBuffer(string: #"{"username": "nobody@internal", "password": "guess"}"#)
                statuses.append(
                    try await inner.send(.post, Self.place, headers: try Self.own(), body: body).status
                )
            }
            #expect(statuses == [401, 401, 429])
        }
    }
}
