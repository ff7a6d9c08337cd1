import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import Logging
import Testing

@testable import EngineAPI

/// Attacks on the API that concern every route, by the numbers of peers.md 3.3 and 4.2.
@Suite struct AttackRouteTests {
    private static let claims = "/ovirt-engine/services/muster-claim"

    /// What anybody may ask; everything else needs a session.
    private static let open = Set([
        "POST /ovirt-engine/sso/oauth/token", "POST /ovirt-engine/services/sso-logout",
        "POST /ovirt-engine/services/muster-claim", "GET /ovirt-engine/services/muster-claim/{id}",
        "POST /ovirt-engine/services/muster-claim/{id}/nonce",
        "POST /ovirt-engine/services/muster-boot-claim", "GET /ovirt-engine/services/muster-boot-claim/{id}",
        "POST /ovirt-engine/services/muster-boot-claim/{id}/nonce", "GET /ovirt-engine/services/health",
        "GET /ovirt-engine/services/host-register", "GET /ovirt-engine/services/pki-resource",
        // The console's page shows nothing by itself; its sign-in is ConsoleSessionTests'.
        "GET /", "GET /ovirt-engine", "GET /ovirt-engine/console/session", "POST /ovirt-engine/console/session",
        "DELETE /ovirt-engine/console/session",
    ]).union(ConsoleFile.all.map { "GET /ovirt-engine/console\($0.path.isEmpty ? "" : "/")\($0.path)" })

    @Test(
        "A30: every verb of every path: a stranger, an ended session, a wrong scheme and the metrics' reader get 401 and no more"
    )
    func everyRoute() async throws {
        try await APIInstallation.run {
            $0.metricsToken = "0123456789abcdef"
        } _: { client in
            let routes = try EngineRoutes(engine: client.engine).router().routes.filter { $0.method != .head }
            #expect(routes.count > 80, "\(routes.count)")
            let ended = try await client.engine.beginSession(of: "admin@internal").token
            try await client.engine.endSession(ended)
            let credentials: [String?] = [
                nil, "Bearer \(ended)", "Bearer 0123456789abcdef", "Bearer ", "Basic eA==", "Digest x",
                "Basic \(Data("admin@internal:wrong".utf8).base64EncodedString())",
            ]
            var asked = 0
            for route in routes where !Self.open.contains("\(route.method) \(route.path)") {
                let path = "\(route.path)".replacing(/\{[^}]*\}/, with: "\(UniqueID.random())")
                // A wrong password costs a second each, and is the same guard: on a few routes only.
                let tried = asked < 2 ? credentials : Array(credentials.dropLast())
                for credential in tried {
                    if credential?.contains("0123456789") == true, path.hasSuffix("/services/metrics") { continue }
                    var stranger = client
                    stranger.token = nil
                    let headers: HTTPFields = credential.map { [.authorization: $0] } ?? [:]
                    let answer = try await stranger.send(route.method, path, "{}", headers: headers)
                    #expect(answer.status == 401, "\(route) with \(credential ?? "nothing"): \(answer.status)")
                    // A boot server signs in by its certificate, for which HTTP has no scheme.
                    #expect((answer.headers[.wwwAuthenticate] != nil) != path.hasPrefix("/boot/"), "\(route)")
                }
                asked += 1
            }
            #expect(asked > 70 && asked == routes.count - Self.open.count, "the list of open paths is exact: \(asked)")
        }
    }

    @Test("F8: when too many enrol at once the next is told when to come again, and people's calls go on")
    func storm() async throws {
        try await APIInstallation.run { client in
            var routes = EngineRoutes(engine: client.engine)
            routes.door = EnrolmentDoor(places: 0)
            let full = RouterClient(try routes.router())
            let crowded = APIClient(client: full, engine: client.engine, token: client.token)
            let body = try EngineAttackTests.claim("node-1")
            let waits = try await [0, 1, 2, 3, 4, 5, 6, 7].asyncMap { _ in
                let answer = try await crowded.send(.post, Self.claims, body)
                #expect(answer.status == 503 && answer.fault?.remedy?.contains("seconds") == true, "\(answer.body)")
                return answer.headers[.retryAfter].flatMap { Int($0) } ?? 0
            }
            #expect(waits.allSatisfy { EnrolmentDoor.waitSeconds.contains($0) } && Set(waits).count > 1, "\(waits)")
            let old = "/ovirt-engine/services/host-register?version=1&command=register&uniqueId=x&name=x"
            #expect(try await crowded.get(old).status == 503)
            #expect(try await crowded.get("\(APIClient.api)/hosts").status == 200)
            #expect(try await client.engine.hosts(matching: .all).isEmpty, "nothing was written")
            // Whoever is through gives the place back.
            let door = EnrolmentDoor(places: 1)
            for _ in 0..<3 { try await door.pass {} }
            _ = try? await door.pass { throw Fault(.badRequest, "x") }
            try await door.pass {}
        }
    }

    @Test(
        "A16: claims that are huge, deep, doubled, not numbers or not text are refused in bounded time, and nothing is kept",
        .timeLimit(.minutes(1))
    )
    func hostileJSON() async throws {
        try await APIInstallation.run { client in
            let good = try EngineAttackTests.claim("node-1")
            let deep = String(repeating: "[", count: 30_000) + String(repeating: "]", count: 30_000)
            let wide = #"{"facts":{"interfaces":["# + String(repeating: "{},", count: 20_000) + "{}]}}"
            let bodies: [(String, String, Int)] = [
                ("huge", good.dropLast() + #","x":""# + String(repeating: "a", count: 1 << 20) + #""}"#, 413),
                ("deep", good.dropLast() + #","x":"# + deep + "}", 400), ("wide", wide, 400),
                ("not a number", good.replacing("54321", with: "NaN"), 400),
                ("too large a number", good.replacing("54321", with: "1e999"), 400),
                ("no object", "[]", 400), ("nothing", "", 400), ("half", String(good.prefix(100)), 400),
            ]
            for (name, body, status) in bodies {
                let answer = try await client.send(.post, Self.claims, body)
                #expect(answer.status == status, "\(name): \(answer.status) \(answer.body.prefix(200))")
                #expect(answer.body.utf8.count < 4096, "\(name): what is refused is not sent back")
            }
            #expect(try await client.engine.hosts(matching: .all).isEmpty)
            // A key that is there twice is one of them, whichever: never two hosts.
            let doubled = good.dropLast() + #","port":1}"#
            _ = try await client.send(.post, Self.claims, String(doubled))
            #expect(try await client.engine.hosts(matching: .all).count <= 1)
        }
    }

    @Test("A15: what a machine says of itself is a value in JSON, escaped in faults and events, and no name of a host")
    func hostileFacts() async throws {
        try await APIInstallation.run { client in
            let nasty = "x\u{1B}[2J\r\n<script>alert(1)</script>'; DROP TABLE host;--\u{202E}$(reboot)`id`\u{0}"
            var claim = try JSONDecoder().decode(ClaimRequest.self, from: Data(try EngineAttackTests.claim("n").utf8))
            claim.facts.manufacturer = HostileText(nasty)
            claim.facts.serial = HostileText(nasty)
            let body = String(decoding: try JSONEncoder().encode(claim), as: UTF8.self)
            let sent = try await client.send(.post, Self.claims, body)
            #expect(sent.status == 201, "\(sent.body)")
            for path in ["hosts", "events", "hosts?search=name%3D%3Cscript%3E", "hosts/%3Cscript%3E%1B%5B2J"] {
                let answer = try await client.get("\(APIClient.api)/\(path)")
                #expect(
                    answer.headers[.contentType]?.hasPrefix("application/json") == true,
                    "\(path): no browser runs it"
                )
                #expect(answer.body.unicodeScalars.allSatisfy { $0.value >= 32 || $0 == "\n" }, "\(path)")
            }
            let events = try await client.engine.events(EventQuery())
            #expect(events.allSatisfy { !$0.text.contains("\u{1B}") && !$0.text.contains("\u{202E}") })
            #expect(try await client.engine.hosts(matching: .all).count == 1, "the table is still there")
            var named = try JSONDecoder().decode(ClaimRequest.self, from: Data(try EngineAttackTests.claim("m").utf8))
            named.facts = HostFacts()
            let hostile = String(decoding: try JSONEncoder().encode(named), as: UTF8.self)
                .replacing(#""name":"m""#, with: #""name":"m\r\n#!ipxe\nreboot""#)
            let refused = try await client.send(.post, Self.claims, hostile)
            #expect(refused.status == 400 && !refused.body.contains("\n#!ipxe"), "\(refused.body)")
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
