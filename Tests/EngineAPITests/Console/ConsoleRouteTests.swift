import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import EngineAPI

/// The console's files over HTTP: what is served, what is not, and what the browser is told.
@Suite struct ConsoleRouteTests {
    private static let place = ConsoleRoutes.path

    private static func open(_ body: @escaping @Sendable (APIClient) async throws -> Void) async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            try await body(client)
        }
    }

    @Test("every file, by GET and HEAD, with its type, its tag and the strict headers")
    func files() async throws {
        try await Self.open { client in
            for file in ConsoleFile.all {
                let got = try await client.get(Self.place + file.path)
                let head = try await client.send(.head, Self.place + file.path)
                #expect(got.status == 200 && got.body == String(buffer: file.content))
                #expect(head.status == 200 && head.body.isEmpty)
                #expect(head.headers[.contentLength] == "\(file.content.readableBytes)")
                for headers in [got.headers, head.headers] {
                    #expect(headers[.contentType] == file.type.rawValue && headers[.eTag] == file.tag)
                    #expect(headers[.xContentTypeOptions] == "nosniff" && headers[.cacheControl] == "no-cache")
                    #expect(headers[.referrerPolicy] == "no-referrer" && headers[.setCookie] == nil)
                    let policy = headers[.contentSecurityPolicy] ?? ""
                    #expect(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"))
                    #expect(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains("*"))
                }
            }
        }
    }

    @Test(
        "a file that the browser has is not sent again",
        arguments: [
            ("TAG", 304), ("W/TAG", 304), (#""other", TAG"#, 304), ("*", 304), (#""other""#, 200), ("", 200),
            (#""""#, 200), ("TAGx", 200),
        ]
    )
    func known(_ words: String, _ status: Int) async throws {
        try await Self.open { client in
            let file = try #require(ConsoleFile.all.first { $0.path == "app.js" })
            let given = words.replacing("TAG", with: file.tag)
            let answer = try await client.send(.get, Self.place + "app.js", headers: [.ifNoneMatch: given])
            #expect(answer.status == status, "\(given)")
            #expect(answer.headers[.eTag] == file.tag && answer.body.isEmpty == (status == 304))
            #expect(answer.headers[.contentSecurityPolicy] != nil)
        }
    }

    @Test(
        "nothing else is there, however it is asked for",
        arguments: [
            "index.html", "../console.db", "%2e%2e/%2e%2e/etc/passwd", "..%2fapi.js", "..%5capp.js", "app.js%00",
            "app.js/x",
            "APP.JS", "app", "Files/app.js", "./../../../etc/passwd", "app.js.map", "%61pp.js%2f..%2fapi.js", "*",
            "{id}",
            ".git/config", "//etc/passwd",
        ]
    )
    func nowhere(_ path: String) async throws {
        try await Self.open { client in
            let answer = try await client.get(Self.place + path)
            // 400: that it leads upwards is refused before anything is looked for.
            #expect([400, 404].contains(answer.status), "\(answer.status) \(answer.body.prefix(80))")
            #expect(answer.fault != nil)
        }
    }

    @Test(
        "a file is read, and nothing else is done with it",
        arguments: [HTTPRequest.Method.post, .put, .delete, .patch, .options]
    )
    func methods(_ method: HTTPRequest.Method) async throws {
        try await Self.open { client in
            for path in ["", "app.js"] {
                let answer = try await client.send(method, Self.place + path, "{}")
                #expect([404, 405].contains(answer.status), "\(method) \(path): \(answer.status)")
            }
        }
    }

    @Test("who opens the engine in a browser is led to the console; programs are not")
    func redirects() async throws {
        try await Self.open { client in
            let page: HTTPFields = [.accept: "text/html,application/xhtml+xml,*/*;q=0.8"]
            for path in ["/", "/ovirt-engine", "/ovirt-engine/", "/ovirt-engine/console"] {
                let led = try await client.send(.get, path, headers: page)
                #expect(led.status == 302 && led.headers[.location] == Self.place, "\(path): \(led.status)")
            }
            for path in ["/", "/ovirt-engine", "/ovirt-engine/"] {
                for accept in ["application/json", "*/*", ""] {
                    #expect(try await client.send(.get, path, headers: [.accept: accept]).status == 404, "\(path)")
                }
            }
        }
    }
}
