import HostModel
import NIOCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

@testable import EngineClient

@Suite struct SessionTests {
    private func session(_ server: TestServer, token: String? = "t0k3n") throws -> EngineSession {
        EngineSession(
            transport: try HTTPTransport(.http(host: "127.0.0.1", port: server.port), trust: .any),
            token: token
        )
    }

    private func failure(_ body: () async throws(CallError) -> Void) async -> CallError? {
        do { try await body() } catch { return error }
        return nil
    }

    @Test("a password is sent as a form, and its special characters arrive")
    func logsIn() async throws {
        let respond: TestServer.Responder = { request in
            let body = String(buffer: request.body)
            let expected =
                "grant_type=password&scope=ovirt-app-api&username=admin%40internal&password=a%26b%3D%20%C3%BC"
            guard request.head.uri == "/ovirt-engine/sso/oauth/token", body == expected else { return .ok("{}") }
            return .ok(#"{"access_token":"abc","scope":"ovirt-app-api","exp":"1","token_type":"bearer"}"#)
        }
        try await TestServer.with(respond: respond) { server in
            let transport = try session(server).transport
            let session = try await EngineSession.logIn(transport, user: "admin@internal", password: "a&b= ü")
            #expect(session.token == "abc")
        }
    }

    @Test("a refused password is signedOut, whatever the status", arguments: ["401 Unauthorized", "200 OK"])
    func refusesPassword(status: String) async throws {
        let body = #"{"error":"access_denied","error_code":"access_denied","error_description":"No such user."}"#
        try await TestServer.with(respond: { _ in .ok(body, status: status) }) { server in
            let transport = try session(server).transport
            let error = await failure { () throws(CallError) in
                _ = try await EngineSession.logIn(transport, user: "a", password: "b")
            }
            guard case .signedOut(let fault) = error else { throw try #require(error) }
            #expect(fault.detail == "No such user.")
            #expect(error?.description == "No such user")
        }
    }

    @Test func sendsTokenVersionAndWhatItWants() async throws {
        let respond: TestServer.Responder = { request in
            let headers = request.head.headers
            let isRight = headers["Authorization"] == ["Bearer t0k3n"] && headers["Accept"] == ["application/json"]
            return isRight ? .ok(#"{"host":[]}"#) : .ok("", status: "400 Bad Request")
        }
        try await TestServer.with(respond: respond) { server in
            let session = try session(server)
            #expect(try await session.hosts().isEmpty)
        }
    }

    @Test(
        "the engine's words reach the person, escaped",
        arguments: [
            #"{"fault":{"reason":"Operation Failed","detail":"No \u001b[31mclaim.","remedy":"Look."}}"#,
            #"{"reason":"Operation Failed","detail":"No \u001b[31mclaim.","remedy":"Look."}"#,
            #"{"status":"failed","fault":{"reason":"Operation Failed","detail":"No \u001b[31mclaim.","remedy":"Look."}}"#,
        ]
    )
    func fault(body: String) async throws {
        try await TestServer.with(respond: { _ in .ok(body, status: "409 Conflict") }) { server in
            let session = try session(server)
            let code = try #require(ApprovalCode(digest: [1, 2, 3, 4, 5]))
            let error = await failure { () throws(CallError) in try await session.approve("x", code: code) }
            guard case .refused(409, _) = error else { throw try #require(error) }
            #expect(error?.description == #"No \u{1b}[31mclaim"#)
            #expect(error?.remedy == "Look")
        }
    }

    @Test func aProxysErrorPageIsARefusalToo() async throws {
        try await TestServer.with(respond: { _ in .ok("<html>", status: "502 Bad Gateway") }) { server in
            let session = try session(server)
            let error = await failure { () throws(CallError) in _ = try await session.networks() }
            #expect(error?.isTransient == true)
            #expect(error?.description == "the engine answered 502 Bad Gateway")
        }
    }

    @Test("an answer of another form is unexpected, not a crash", arguments: ["", "[]", "{\"host\": 3}", "nul"])
    func malformed(body: String) async throws {
        try await TestServer.with(respond: { _ in .ok(body) }) { server in
            let session = try session(server)
            let error = await failure { () throws(CallError) in _ = try await session.hosts() }
            guard case .unexpected(200, _) = error else { throw try #require(error) }
        }
    }

    @Test(
        "paths and queries are encoded",
        arguments: [
            (EventSelection(), ""),
            (
                EventSelection(after: 7, host: "a b&c", max: 3, waitSeconds: 99),
                "?from=7&max=3&search=host.name%3D%22a%20b%26c%22&wait=30"
            ),
            (
                EventSelection(host: "n", search: "severity>=error or type=1"),
                "?search=host.name%3D%22n%22%20and%20%28severity%3E%3Derror%20or%20type%3D1%29"
            ),
        ]
    )
    func query(selection: EventSelection, text: String) { #expect(selection.query == text) }

    @Test func hostsAreCalledByTheirPath() async throws {
        let seen = Mutex<[String]>([])
        let respond: TestServer.Responder = { request in
            seen.withLock { $0.append("\(request.head.method) \(request.head.uri) \(String(buffer: request.body))") }
            return .ok("{}")
        }
        try await TestServer.with(respond: respond) { server in
            let session = try session(server)
            let code = try #require(ApprovalCode(digest: [1, 2, 3, 4, 5]))
            try await session.approve("a/b", code: code)
            try await session.reject("h")
            try await session.setBoot("h", profile: "p", when: .next)
            try await session.setBoot("h", profile: nil, when: .always)
            try await session.remove("h", force: true)
            try await session.activate(image: "i", version: "v")
            let api = "/ovirt-engine/api"
            #expect(
                seen.withLock { $0 } == [
                    #"POST \#(api)/hosts/a%2Fb/approve {"code":"\#(code)"}"#, "POST \(api)/hosts/h/reject {}",
                    #"POST \#(api)/hosts/h/boot {"profile":"p","when":"next"}"#,
                    #"POST \#(api)/hosts/h/boot {"inherit":true,"when":"always"}"#,
                    "DELETE \(api)/hosts/h?force=true ", #"POST \#(api)/nodeimages/i/activate {"version":"v"}"#,
                ]
            )
        }
    }
}
