import Foundation
import HostModel
import Testing

/// oVirt's setupnetworks as its clients write it.
@Suite struct HostNetworkResourceTests {
    private static func order(_ json: String) throws -> SetupNetworksResource {
        try JSONDecoder().decode(SetupNetworksResource.self, from: Data(json.utf8))
    }

    @Test("flags and numbers come as strings or as what they are", arguments: ["true", #""true""#])
    func flags(flag: String) throws {
        let order = try Self.order(#"{"commit_on_success": \#(flag), "connectivity_timeout": "60"}"#)
        #expect(order.commit_on_success == WireFlag(true) && order.connectivity_timeout?.value == 60)
        #expect(order.check_connectivity == nil)
    }

    @Test(
        "a list of one may come without the list",
        arguments: [#"[{"name": "bond0"}]"#, #"{"name": "bond0"}"#]
    )
    func lists(nics: String) throws {
        let order = try Self.order(#"{"modified_bonds": {"host_nic": \#(nics)}}"#)
        #expect(order.modified_bonds?.host_nic?.elements == [HostNICResource(name: "bond0")])
    }

    @Test(
        "what is none is refused",
        arguments: [
            #"{"commit_on_success": "perhaps"}"#, #"{"modified_bonds": {"host_nic": 7}}"#,
            #"{"modified_bonds": {"host_nic": [7]}}"#, #"{"modified_bonds": []}"#,
            #"{"modified_labels": {"network_label": [{}]}}"#, #"{"connectivity_timeout": "soon"}"#,
        ]
    )
    func refuses(json: String) { #expect(throws: DecodingError.self) { try Self.order(json) } }

    @Test("what is written reads back")
    func roundTrip() throws {
        let bonding = HostNICResource.Bonding(
            options: .init([.init(name: "mode", value: "4")]),
            slaves: .init([WireReference(name: "eth1")])
        )
        let order = SetupNetworksResource.committing {
            $0.modified_bonds = .init([HostNICResource(name: "bond0", bonding: bonding)])
            $0.modified_labels = NICLabelCollection([NICLabelResource(id: "lab", nic: "eth1")])
        }
        #expect(try JSONDecoder().decode(SetupNetworksResource.self, from: JSONEncoder().encode(order)) == order)
    }

    @Test("labels", arguments: [("lab", true), ("a_b-9", true), ("", false), ("a b", false), ("ä", false)])
    func labels(text: String, isGood: Bool) {
        #expect((NetworkLabel(text) != nil) == isGood)
        #expect(NetworkLabel(String(repeating: "a", count: 51)) == nil)
    }
}
