import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// Data centers, clusters, tags, affinity labels and MAC pools: made, shown, changed, refused and removed.
@Suite struct SiteRouteTests {
    private static let api = APIClient.api

    struct Kind: Sendable, CustomTestStringConvertible {
        var collection: String
        var order: String
        var change: String
        /// What the change must be seen by.
        var shown: String
        var refused: [String]
        var testDescription: String { collection }
    }

    private static let kinds = [
        Kind(
            collection: "datacenters",
            order: #"{"name": "east", "description": "d", "muster": {"hosts_max": "20"}}"#,
            change: #"{"comment": "c", "muster": {"hosts_max": 7}}"#,
            shown: #""hosts_max":"7""#,
            refused: [#"{"muster": {"hosts_max": 0}}"#, #"{"mac_pool": {"name": "nowhere"}}"#]
        ),
        Kind(
            collection: "clusters",
            order: #"{"name": "east", "version": {"major": 4, "minor": "6"}, "cpu": {"type": "Cascadelake-Server"}}"#,
            change:
                #"{"scheduling_policy": {"name": "power_saving"}, "error_handling": {"on_error": "do_not_migrate"}}"#,
            shown: #""on_error":"do_not_migrate""#,
            refused: [
                #"{"version": {"major": 3, "minor": 6}}"#, #"{"cpu": {"architecture": "vax"}}"#,
                #"{"virt_service": false}"#, #"{"error_handling": {"on_error": "pray"}}"#,
                #"{"scheduling_policy": {"name": "x"}}"#, #"{"data_center": {"name": "nowhere"}}"#,
                #"{"required_rng_sources": {"required_rng_source": ["dice"]}}"#,
            ]
        ),
        Kind(
            collection: "tags",
            order: #"{"name": "east", "parent": {"name": "root"}}"#,
            change: #"{"description": "words"}"#,
            shown: #""description":"words""#,
            refused: [#"{"parent": {"name": "east"}}"#, #"{"parent": {"name": "nowhere"}}"#]
        ),
        Kind(
            collection: "affinitylabels",
            order: #"{"name": "east"}"#,
            change: #"{"has_implicit_affinity_group": true}"#,
            shown: #""has_implicit_affinity_group":true"#,
            refused: [#"{"has_implicit_affinity_group": "perhaps"}"#]
        ),
        Kind(
            collection: "macpools",
            order:
                #"{"name": "east", "ranges": {"range": [{"from": "52:00:00:00:00:00", "to": "52:00:00:00:00:ff"}]}}"#,
            change: #"{"allow_duplicates": true}"#,
            shown: #""allow_duplicates":true"#,
            refused: [
                #"{"ranges": {"range": []}}"#,
                #"{"ranges": {"range": [{"from": "52:00:00:00:00:ff", "to": "52:00:00:00:00:00"}]}}"#,
                #"{"ranges": {"range": [{"from": "01:00:00:00:00:00", "to": "01:00:00:00:00:ff"}]}}"#,
                #"{"ranges": {"range": [{"from": "52:00:00:00:00:00", "to": "54:00:00:00:00:00"}]}}"#,
                #"{"ranges": {"range": [{"from": "52:00:00:00:00:00", "to": "52:00:00:00:00:ff"}, {"from": "52:00:00:00:00:80", "to": "52:00:00:00:01:00"}]}}"#,
                #"{"ranges": {"range": [{"from": "x", "to": "y"}]}}"#,
            ]
        ),
    ]

    private static func id(_ body: String) throws -> String {
        struct Named: Decodable { var id: String }
        return try JSONDecoder().decode(Named.self, from: Data(body.utf8)).id
    }

    @Test("every kind lives the same life", arguments: kinds)
    func life(kind: Kind) async throws {
        try await APIInstallation.run { client in
            let path = "\(Self.api)/\(kind.collection)"
            let made = try await client.send(.post, path, kind.order)
            #expect(made.status == 201 && made.body.contains(#""name":"east""#), "\(made.body)")
            let one = "\(path)/\(try Self.id(made.body))"
            #expect(try await client.send(.get, one).body == made.body)
            let shouted = kind.order.replacing("\"east\"", with: "\"EAST\"")
            #expect(try await client.send(.post, path, shouted).status == 409, "a name that differs by case only")
            for bad in [
                "{}", #"{"name": ""}"#, #"{"name": "a b"}"#, #"{"name": "-x"}"#, #"{"name": "\u001b[2J"}"#, "[]",
            ] {
                #expect(try await client.send(.post, path, bad).status == 400, "\(bad)")
            }
            let long = #"{"name": "\#(String(repeating: "a", count: 41))"}"#
            #expect(try await client.send(.post, path, long).status == 400)
            for bad in kind.refused {
                let answer = try await client.send(.put, one, bad)
                #expect((400..<410).contains(answer.status) && answer.fault?.remedy != nil, "\(bad): \(answer.body)")
            }
            #expect(try await client.send(.get, one).body == made.body, "a refused change leaves nothing behind")
            let changed = try await client.send(.put, one, kind.change)
            #expect(changed.status == 200 && changed.body.contains(kind.shown), "\(changed.body)")
            #expect(try await client.send(.get, one).body == changed.body)
            let found = try await client.send(.get, "\(path)?search=name%3Deast")
            #expect(found.body.contains(kind.shown))
            #expect(try await client.send(.delete, one).status == 200)
            for verb in [HTTPRequest.Method.get, .delete] {
                #expect(try await client.send(verb, one).status == 404)
            }
            let codes = try await client.engine.events(EventQuery(max: 3)).map(\.text)
            #expect(codes.filter { $0.contains("east") }.count == 3, "\(codes)")
        }
    }

    @Test("strangers get nothing", arguments: kinds.map(\.collection))
    func strangers(collection: String) async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            let nobody = "\(Self.api)/\(collection)/00000000-0000-0000-0000-000000000001"
            let calls: [(verb: HTTPRequest.Method, path: String)] = [
                (.get, "\(Self.api)/\(collection)"), (.post, "\(Self.api)/\(collection)"), (.get, nobody),
                (.put, nobody), (.delete, nobody),
            ]
            for call in calls {
                let answer = try await client.send(call.verb, call.path, "{}")
                #expect(answer.status == 401)
            }
        }
    }

    @Test(
        "what a site needs stays: the last cluster, a data center with clusters, the default pool, root, tags with tags"
    )
    func needed() async throws {
        try await APIInstallation.run { client in
            func refused(_ collection: String, _ name: String, _ word: String) async throws {
                let all = try await client.send(.get, "\(Self.api)/\(collection)?search=name%3D\(name)").body
                let id = try #require(
                    all.firstMatch(of: /"id":"([0-9a-f-]{36})","name"/)?.output.1
                        ?? all.firstMatch(of: /"id":"([0-9a-f-]{36})"/)?.output.1
                )
                let answer = try await client.send(.delete, "\(Self.api)/\(collection)/\(id)")
                #expect(answer.status == 409 && answer.fault?.detail.contains(word) == true, "\(answer.body)")
            }
            try await refused("macpools", "Default", "default pool")
            try await refused("tags", "root", "root")
            try await refused("datacenters", "Default", "has clusters: Default")
            _ = try await client.send(.post, "\(Self.api)/tags", #"{"name": "above"}"#)
            let below = try await client.send(
                .post,
                "\(Self.api)/tags",
                #"{"name": "below", "parent": {"name": "above"}}"#
            )
            #expect(below.status == 201)
            try await refused("tags", "above", "below")
            let cluster = try #require(try await client.engine.all(ClusterRecord.self).first)
            let last = try await client.send(.delete, "\(Self.api)/clusters/\(cluster.id)")
            #expect(last.status == 409 && last.body.contains("only cluster"))
        }
    }

    @Test(
        "a new data center has its management network, names of networks are a data center's own, and all goes with it"
    )
    func networks() async throws {
        try await APIInstallation.run { client in
            let made = try await client.send(.post, "\(Self.api)/datacenters", #"{"name": "east"}"#)
            let id = try Self.id(made.body)
            let order = #"{"name": "red", "data_center": {"name": "east"}}"#
            #expect(try await client.send(.post, "\(Self.api)/networks", order).status == 201)
            #expect(try await client.send(.post, "\(Self.api)/networks", #"{"name": "red"}"#).status == 201)
            #expect(try await client.send(.post, "\(Self.api)/networks", order).status == 409)
            let names = try await client.engine.networks().map(\.name)
            #expect(names.sorted() == ["ovirtmgmt", "ovirtmgmt", "red", "red"])
            #expect(try await client.send(.delete, "\(Self.api)/datacenters/\(id)").status == 200)
            #expect(try await client.engine.networks().map(\.name).sorted() == ["ovirtmgmt", "red"])
        }
    }
}
