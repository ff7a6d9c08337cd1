import Foundation
import HostModel
import Testing

@testable import Commands

/// What `muster apply` reads, and what it finds different.
@Suite struct SiteFileTests {
    private static func read(_ yaml: String) throws -> SiteFile {
        let path = FileManager.default.temporaryDirectory.appending(path: "muster-site-\(UniqueID.random()).yaml").path
        defer { unlink(path) }
        try Data(yaml.utf8).write(to: URL(filePath: path))
        return try SiteFile.read(path)
    }

    @Test("references are names or objects; numbers are numbers or texts")
    func reads() throws {
        let file = try Self.read(
            """
            clusters:
              - {name: a, data_center: east, version: {major: 4, minor: "7"}}
              - {name: b, data_center: {name: east}}
            networks: [{name: red, vlan: {id: 7}, mtu: 9000}]
            hosts: [{name: kvm-1, tags: [ssd], spm: {priority: 3}}]
            """
        )
        #expect(file.clusters?.map { $0.data_center?.text } == ["east", "east"])
        #expect(file.clusters?[0].version?.minor.value == 7)
        #expect(file.networks?[0].mtu == "9000" && file.networks?[0].vlan?.id == "7")
        #expect(file.hosts?[0].order.spm?.priority.value == 3 && file.tags == nil)
    }

    @Test(
        "what is mistyped is refused by its place",
        arguments: [
            ("clusters: [{name: a, cpus: 1}]", "clusters.0.cpus"), ("cluster: []", "cluster"),
            ("hosts: [{name: a, spm: {prio: 1}}]", "priority"), ("clusters: [{name: a, cpu: {typ: x}}]", "cpu.typ"),
            ("clusters: {name: a}", "clusters"), ("networks: [{name: a, vlan: {id: [1]}}]", "vlan"), ("[", "YAML"),
        ]
    )
    func refused(yaml: String, word: String) throws {
        let error = #expect(throws: UserError.self) { try Self.read(yaml) }
        #expect(error?.message.contains(word) == true, "\(String(describing: error))")
    }

    private static func lines(_ order: String, _ standing: String) throws -> [String] {
        func tree(_ text: String) throws -> JSONValue {
            try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        }
        return SiteDifference.lines(try tree(order), try tree(standing))
    }

    @Test(
        "only what is ordered is compared, by what it means",
        arguments: [
            (#"{"name": "a"}"#, #"{"name": "a", "description": "x"}"#, []),
            (#"{"description": ""}"#, #"{"name": "a"}"#, []),
            (#"{"mtu": "9000"}"#, #"{"mtu": 9000}"#, []),
            (#"{"mtu": "9000"}"#, #"{"mtu": "1500"}"#, ["mtu: 1500 -> 9000"]),
            (#"{"dc": {"name": "east"}}"#, #"{"dc": {"id": "1", "href": "/1", "name": "east"}}"#, []),
            (#"{"dc": {"name": "west"}}"#, #"{"dc": {"id": "1", "name": "east"}}"#, ["dc: east -> west"]),
            (#"{"dc": {"id": "1"}}"#, #"{"dc": {"id": "1", "name": "east"}}"#, []),
            (#"{"v": {"id": "7"}}"#, "{}", ["v.id: none -> 7"]),
            (#"{"u": {"usage": ["vm", "x"]}}"#, #"{"u": {"usage": ["x", "vm"]}}"#, []),
            (#"{"u": ["vm"]}"#, "{}", ["u: none -> [vm]"]), (#"{"u": []}"#, #"{"u": ["x"]}"#, ["u: [x] -> []"]),
            (#"{"r": [{"from": "1", "to": "2"}]}"#, #"{"r": [{"from": "1", "to": "2"}]}"#, []),
            (
                #"{"r": [{"from": "1", "to": "3"}]}"#, #"{"r": [{"from": "1", "to": "2"}]}"#,
                ["r: [{from: 1, to: 2}] -> [{from: 1, to: 3}]"]
            ),
            (#"{"b": false}"#, #"{"b": true}"#, ["b: true -> false"]),
        ] as [(String, String, [String])]
    )
    func differs(order: String, standing: String, expected: [String]) throws {
        #expect(try Self.lines(order, standing) == expected)
    }
}
