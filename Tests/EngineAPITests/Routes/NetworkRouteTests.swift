import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// The routes that change networks. What they lead to is EngineTests' affair.
@Suite struct NetworkRouteTests {
    private static let api = APIClient.api
    private static let nobody = "00000000-0000-0000-0000-000000000001"

    @Test(
        "strangers get nothing, and nobody's host is not found",
        arguments: [
            ("POST", "networks", #"{"name": "red"}"#), ("PUT", "networks/\(nobody)", "{}"),
            ("DELETE", "networks/\(nobody)", ""), ("GET", "networks/\(nobody)/networklabels", ""),
            ("POST", "networks/\(nobody)/networklabels", #"{"id": "lab"}"#),
            ("DELETE", "networks/\(nobody)/networklabels/lab", ""), ("GET", "hosts/\(nobody)/networkattachments", ""),
            ("POST", "hosts/\(nobody)/networkattachments", #"{"network": "ovirtmgmt"}"#),
            ("DELETE", "hosts/\(nobody)/networkattachments/red", ""), ("POST", "hosts/\(nobody)/commitnetconfig", "{}"),
            ("POST", "hosts/\(nobody)/setupnetworks", "{}"), ("GET", "hosts/\(nobody)/networklabels", ""),
            ("GET", "hosts/\(nobody)/nics/eth0/networklabels", ""),
            ("POST", "hosts/\(nobody)/nics/eth0/networklabels", #"{"id": "lab"}"#),
            ("DELETE", "hosts/\(nobody)/nics/eth0/networklabels/lab", ""),
            (
                "POST", "hosts/\(nobody)/nics/eth0/updatevirtualfunctionsconfiguration",
                #"{"virtual_functions_configuration": {"number_of_virtual_functions": "4"}}"#
            ),
            ("PUT", "hosts/\(nobody)/networkattachments/red", "{}"),
            (
                "POST", "hosts/\(nobody)/networkattachments",
                #"{"network": {"name": "red"}, "host_nic": {"id": "eth0"}}"#
            ),
            ("POST", "hosts/\(nobody)/nics/eth0/networkattachments", #"{"network": {"name": "red"}}"#),
            ("DELETE", "hosts/\(nobody)/nics/eth0/networkattachments/red", ""),
            ("GET", "hosts/\(nobody)/unmanagednetworks", ""), ("DELETE", "hosts/\(nobody)/unmanagednetworks/626c", ""),
            ("POST", "hosts/\(nobody)/syncallnetworks", "{}"),
            ("POST", "hosts/\(nobody)/copyhostnetworks", #"{"source_host": {"name": "x"}}"#),
            ("GET", "hosts/\(nobody)/statistics", ""), ("GET", "hosts/\(nobody)/nics/eth0/statistics", ""),
            ("POST", "hosts/\(nobody)/plannetworks", "{}"), ("POST", "hosts/\(nobody)/applynetworks", "{}"),
        ]
    )
    func needsASignIn(method: String, path: String, body: String) async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            let verb = HTTPRequest.Method(method) ?? .get
            for token in [nil, "", "t0k3n"] {
                client.token = token
                #expect(try await client.send(verb, "\(Self.api)/\(path)", body).status == 401)
            }
            let shown = try await signedIn.send(verb, "\(Self.api)/\(path)", body.isEmpty ? nil : body)
            #expect(shown.status == (path == "networks" ? 201 : 404), "\(shown.status) \(shown.body)")
        }
    }

    @Test("a trial in oVirt's form is refused instead of done, and a flag that is none as well")
    func dryRun() async throws {
        let oVirts = #"{"network": {"name": "red"}, "host_nic": {"id": "eth0"}}"#
        let ours = #"{"network": "red"}"#
        try await APIInstallation.run { client in
            for (method, path, body, status) in [
                (.post, "networkattachments?dry_run=true", oVirts, 400),
                (.post, "nics/eth0/networkattachments?dry_run=1", oVirts, 400),
                (.put, "networkattachments/red?dry_run=TRUE", "{}", 400),
                (.put, "nics/eth0/networkattachments/red?dry_run=true", "{}", 400),
                (.post, "networkattachments?dry_run=maybe", ours, 400),
                (.post, "networkattachments?dry_run", ours, 400),
                (.delete, "networkattachments/red?dry_run=yes", nil, 400),
                (.post, "networkattachments?dry_run=True", ours, 404),
                (.post, "networkattachments?dry_run=0", oVirts, 404),
            ] as [(HTTPRequest.Method, String, String?, Int)] {
                let answer = try await client.send(method, "\(Self.api)/hosts/\(Self.nobody)/\(path)", body)
                #expect(answer.status == status, "\(method) \(path): \(answer.status) \(answer.body)")
            }
        }
    }

    @Test("a network is made, shown, changed and removed; what is none is refused")
    func life() async throws {
        try await APIInstallation.run { client in
            let networks = "\(Self.api)/networks"
            let order =
                #"{"name": "red", "vlan": {"id": "7"}, "mtu": "9000", "usages": {"usage": []}, "required": true}"#
            let made = try await client.send(.post, networks, order)
            #expect(
                made.status == 201 && made.body.contains(#""name":"red""#) && made.body.contains(#""required":true"#)
            )
            #expect(try await client.send(.post, networks, order).status == 409)
            let refused = [
                "{}", #"{"name": "a b"}"#, #"{"name": "x", "mtu": "1"}"#, #"{"name": 7}"#, "[]", "",
                #"{"name": "x", "label": "a b"}"#,
            ]
            for bad in refused {
                #expect(try await client.send(.post, networks, bad).status == 400, "\(bad)")
            }
            let found = try JSONDecoder().decode(NetworkResource.self, from: Data(made.body.utf8))
            let path = "\(networks)/\(found.id)"
            let changed = try await client.send(.put, path, #"{"vlan": {"id": ""}, "required": false, "label": "lab"}"#)
            #expect(changed.status == 200 && !changed.body.contains(#""vlan""#), "\(changed.body)")
            #expect(changed.body.contains(#""label":"lab""#))
            #expect(try await client.send(.put, path, #"{"label": ""}"#).body.contains(#""label""#) == false)
            #expect(try await client.send(.post, "\(path)/networklabels", #"{"id": "blue"}"#).status == 201)
            #expect(try await client.get("\(path)/networklabels").body.contains(#""id":"blue""#))
            #expect(try await client.send(.post, "\(path)/networklabels", #"{"id": "a b"}"#).status == 400)
            #expect(try await client.send(.delete, "\(path)/networklabels/blue", nil).status == 200)
            #expect(try await client.get("\(path)/networklabels").body == #"{"network_label":[]}"#)
            #expect(try await client.send(.delete, path, nil).status == 200)
            #expect(try await client.get(path).status == 404)
        }
    }
}
