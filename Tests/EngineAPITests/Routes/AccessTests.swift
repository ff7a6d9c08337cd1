import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import Synchronization
import Testing

@testable import EngineAPI

/// A30: what somebody may not do is refused, on every route, for every role.
@Suite struct AccessTests {
    private static let api = APIClient.api

    /// Every call of the API as it is registered.
    private static func routes(_ engine: HostEngine) throws -> [(method: HTTPRequest.Method, path: String)] {
        let found = Mutex<[(method: HTTPRequest.Method, path: String)]>([])
        let router = Router(context: APIContext.self)
        EngineRoutes(engine: engine).addGuardedRoutes(
            to: GuardedRoutes(router) { method, path, _ in found.withLock { $0.append((method, path)) } }
        )
        return found.withLock(\.self)
    }

    @Test(
        "what the table says",
        arguments: [
            (.get, "hosts", .readOnlyAdmin), (.get, "users/{id}", .readOnlyAdmin), (.head, "events", .readOnlyAdmin),
            (.post, "hosts", .hostAdmin), (.put, "hosts/{id}/tags/{mark}", .hostAdmin),
            (.delete, "hosts/{id}", .hostAdmin),
            (.post, "jobs/{id}/abort", .hostAdmin), (.delete, "rejections/{id}", .hostAdmin),
            (.post, "users/{id}/password", .readOnlyAdmin), (.post, "users", .superUser),
            (.put, "users/{id}", .superUser),
            (.post, "users/{id}/password/x", .superUser), (.post, "clusters", .superUser),
            (.post, "hostsx", .superUser),
            (.patch, "anything", .superUser), (.post, "", .superUser), (.connect, "hosts", .superUser),
        ] as [(HTTPRequest.Method, String, UserRole)]
    )
    func table(method: HTTPRequest.Method, path: String, role: UserRole) {
        #expect(AccessTable.role(method, path) == role)
    }

    @Test("A30: every call by every role: below what it needs 403 that names the role, else anything but 401 and 403")
    func matrix() async throws {
        try await APIInstallation.run { client in
            let routes = try Self.routes(client.engine)
            #expect(routes.count > 90, "\(routes.count)")
            for role in UserRole.allCases {
                var order = UserResource.Order()
                (order.user_name, order.password) = ("\(role.rawValue)", "long enough")
                order.muster = UserResource.Muster(role: role.rawValue)
                _ = try await client.engine.addUser(order, by: "admin@internal", correlation: nil)
                var person = client
                let name = "\(role.rawValue.lowercased())@internal"
                person.token = try await client.engine.beginSession(of: name).token
                for (method, path) in routes where !path.hasSuffix("events/stream") {
                    let call = path.replacing(try Regex(#"\{[^}]*\}"#), with: UniqueID.random().rawValue)
                    let needed = AccessTable.role(method, path)
                    let answer = try await person.send(method, "\(Self.api)/\(call)", method == .get ? nil : "{}")
                    if role < needed {
                        #expect(answer.status == 403, "\(role) \(method) \(path): \(answer.status)")
                        #expect(answer.fault?.detail.contains(needed.rawValue) == true, "\(path): \(answer.body)")
                    } else {
                        #expect(![401, 403].contains(answer.status), "\(role) \(method) \(path): \(answer.body)")
                        #expect(
                            answer.status < 500 || answer.status == 503,
                            "\(role) \(method) \(path): \(answer.body)"
                        )
                    }
                }
            }
        }
    }

    @Test("a role that is taken counts at the next call, and who is disabled or removed has no session any more")
    func changes() async throws {
        try await APIInstallation.run { client in
            let order = #"{"user_name": "ops@internal", "password": "long enough", "muster": {"role": "superuser"}}"#
            let made = try await client.send(.post, "\(Self.api)/users", order)
            #expect(made.status == 201, "\(made.body)")
            let user = try made.json(UserResource.self)
            #expect(user.user_name == "ops@internal" && user.principal == "ops" && !made.body.contains("long enough"))
            var ops = client
            ops.token = try await client.engine.beginSession(of: user.name).token
            #expect(try await ops.send(.post, "\(Self.api)/tags", #"{"name": "a"}"#).status == 201)
            let path = "\(Self.api)/users/\(user.id)"
            #expect(try await client.send(.put, path, #"{"muster": {"role": "HostAdmin"}}"#).status == 200)
            #expect(try await ops.send(.post, "\(Self.api)/tags", #"{"name": "b"}"#).status == 403)
            #expect(try await ops.get("\(path)/roles").body.contains("HostAdmin"))
            #expect(try await ops.get("\(path)/permissions").body.contains("HostAdmin"))
            #expect(try await client.send(.put, path, #"{"muster": {"enabled": false}}"#).status == 200)
            #expect(try await ops.get("\(Self.api)/tags").status == 401)
            #expect(try await client.send(.put, path, #"{"muster": {"enabled": true}}"#).status == 200)
            #expect(try await ops.get("\(Self.api)/tags").status == 401, "the session is gone for good")
            ops.token = try await client.engine.beginSession(of: user.name).token
            #expect(try await client.send(.delete, path).status == 200)
            #expect(try await ops.get("\(Self.api)/tags").status == 401)
            #expect(try await client.get(path).status == 404)
        }
    }

    @Test("oVirt's permissions give and take the role of a user, by id or name, here and below the user")
    func permissions() async throws {
        try await APIInstallation.run { client in
            let order = #"{"user_name": "ops@internal-authz", "password": "long enough"}"#
            let user = try await client.send(.post, "\(Self.api)/users", order).json(UserResource.self)
            let all = "\(Self.api)/permissions"
            let own = "\(Self.api)/users/\(user.id)/permissions"
            func given(_ path: String, _ body: String) async throws -> (Int, PermissionResource?) {
                let answer = try await client.send(.post, path, body)
                return (answer.status, try? answer.json(PermissionResource.self))
            }
            let first = try await given(all, #"{"user": {"name": "Ops@internal"}, "role": {"name": "hostadmin"}}"#)
            #expect(first.0 == 201 && first.1?.role.name == "HostAdmin")
            let second = try await given(own, #"{"role": {"id": "\#(UserRole.superUser.id)"}}"#)
            #expect(second.0 == 201 && second.1?.user.id == user.id)
            let (gone, there) = (try #require(first.1), try #require(second.1))
            #expect(gone.id != there.id)
            #expect(try await client.send(.delete, "\(all)/\(gone.id)").status == 404, "the role is another one by now")
            #expect(try await client.get("\(own)/\(there.id)").json(PermissionResource.self) == there)
            #expect(try await client.send(.delete, "\(own)/\(there.id)").status == 200)
            let left = try await client.get(own).json(PermissionCollection.self).permission
            #expect(left.map(\.role.name) == ["ReadOnlyAdmin"])
            #expect(try await client.get(all).json(PermissionCollection.self).permission.count == 2)
            let refused: [(String, String, Int)] = [
                (all, #"{"role": {"name": "HostAdmin"}}"#, 400), (all, #"{"user": {"name": "x"}}"#, 404),
                (own, "{}", 400), (own, #"{"role": {"name": "ReadOnlyAdmin"}}"#, 201),
                (all, #"{"user": {"name": ""}, "role": {"name": "HostAdmin"}}"#, 400),
                (all, #"{"user": {"name": "admin"}, "role": {"name": "HostAdmin"}}"#, 409),
                (all, #"{"user": {"name": "ops"}, "role": {"name": "ReadOnlyAdmin"}}"#, 201),
                ("\(Self.api)/users/\(UniqueID.random())/permissions", #"{"role": {"name": "HostAdmin"}}"#, 404),
            ]
            for scope in [
                "group", "cluster", "data_center", "disk", "host", "storage_domain", "template", "vm", "vm_pool",
            ] {
                let body = #"{"role": {"name": "HostAdmin"}, "\#(scope)": {"id": "1"}}"#
                #expect(try await given(own, body).0 == 400, "\(scope)")
                let xml = "<permission><role><name>HostAdmin</name></role><\(scope) id=\"1\"/></permission>"
                let answer = try await client.send(.post, own, xml, headers: [.contentType: "application/xml"])
                #expect(answer.status == 400 && answer.body.contains(scope))
            }
            for (path, body, status) in refused { #expect(try await given(path, body).0 == status, "\(path) \(body)") }
            #expect(try await client.send(.delete, "\(own)/\(try #require(left.first).id)").status == 409)
        }
    }

    @Test("a page of another site changes nothing, whatever its reader's browser knows; programs and own pages do")
    func foreignPages() async throws {
        try await APIInstallation.run { client in
            var basic = client
            basic.token = nil
            let pair = Data("admin@internal:\(APIInstallation.password)".utf8).base64EncodedString()
            func send(_ method: HTTPRequest.Method, _ fields: [(String, String)], _ name: String) async throws -> Int {
                var headers: HTTPFields = [.authorization: "Basic \(pair)", .contentType: "text/plain"]
                for (name, value) in fields { headers[try #require(HTTPField.Name(name))] = value }
                let body = method == .get ? nil : #"{"name": "\#(name)"}"#
                return try await basic.send(method, "\(Self.api)/tags", body, headers: headers).status
            }
            let cases: [(HTTPRequest.Method, [(String, String)], Int)] = [
                (.post, [("Sec-Fetch-Site", "cross-site")], 403), (.post, [("Sec-Fetch-Site", "same-site")], 403),
                (.post, [("Origin", "https://elsewhere.example")], 403), (.post, [("Origin", "null")], 403),
                // It cannot read the answer.
                (.get, [("Sec-Fetch-Site", "cross-site")], 200), (.post, [("Sec-Fetch-Site", "same-origin")], 201),
                (.post, [], 201),
            ]
            for (number, (method, fields, expected)) in cases.enumerated() {
                let status = try await send(method, fields, "tag-\(number)")
                #expect(status == expected, "\(method) \(fields)")
            }
        }
    }

    @Test("who may not change a boot profile does not see the digest of root's password")
    func digests() async throws {
        try await APIInstallation.run { client in
            var order = UserResource.Order()
            (order.user_name, order.password) = ("looks", "long enough")
            _ = try await client.engine.addUser(order, by: "admin@internal", correlation: nil)
            var person = client
            person.token = try await client.engine.beginSession(of: "looks@internal").token
            let digest = "$6$saltsaltsalt$" + String(repeating: "a", count: 86)
            let profile = """
                {"name": "k", "mode": "kickstart", "kernelArguments": [], "kickstart": {"tree": "http://mirror.example/os",
                "repositories": [], "packages": [], "timeZone": "Etc/UTC", "rootPassword": "\(digest)", "sshKeys": []}}
                """
            let path = "\(Self.api)/bootprofiles/k"
            let made = try await client.send(.put, path, profile)
            try #require(made.status == 200, "\(made.body)")
            #expect(try await client.get(path).body.contains("saltsalt"))
            for place in [path, "\(Self.api)/bootprofiles"] {
                let seen = try await person.get(place)
                #expect(seen.status == 200 && !seen.body.contains("saltsalt"))
            }
        }
    }

    @Test("a password: one's own with the old one, another's as a SuperUser; other sessions end")
    func passwords() async throws {
        try await APIInstallation.run { client in
            let order = #"{"user_name": "ops", "password": "long enough", "muster": {"role": "HostAdmin"}}"#
            let user = try await client.send(.post, "\(Self.api)/users", order).json(UserResource.self)
            let users = try await client.get("\(Self.api)/users?search=usrname%3Dadmin*").json(
                SiteCollection<UserResource>.self
            )
            let admin = try #require(users.elements.first)
            var (ops, elsewhere) = (client, client)
            ops.token = try await client.engine.beginSession(of: user.name).token
            elsewhere.token = try await client.engine.beginSession(of: user.name).token
            func change(_ client: APIClient, _ id: String, _ body: String) async throws -> Int {
                try await client.send(.post, "\(Self.api)/users/\(id)/password", body).status
            }
            #expect(try await change(ops, user.id, #"{"password": "another one"}"#) == 400)
            #expect(try await change(ops, user.id, #"{"old_password": "wrong", "password": "another one"}"#) == 403)
            #expect(try await change(ops, admin.id, #"{"password": "another one"}"#) == 403)
            #expect(try await change(ops, user.id, #"{"old_password": "long enough", "password": "short"}"#) == 400)
            #expect(try await elsewhere.get("\(Self.api)/tags").status == 200)
            #expect(
                try await change(ops, user.id, #"{"old_password": "long enough", "password": "another one"}"#) == 200
            )
            #expect(try await elsewhere.get("\(Self.api)/tags").status == 401)
            #expect(try await ops.get("\(Self.api)/tags").status == 200, "the one that did it stays")
            #expect(try await client.engine.authenticate(user: user.name, password: "another one").role == .hostAdmin)
            #expect(try await change(client, user.id, #"{"password": "set by admin"}"#) == 200)
            #expect(try await ops.get("\(Self.api)/tags").status == 401)
        }
    }
}
