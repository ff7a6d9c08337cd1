import HostModel
import Testing

@testable import XMLWire

/// Codable types on their way into XML and back.
@Suite struct XMLRoundTripTests {
    private struct Thing: Codable, Equatable {
        struct Link: Codable, Equatable {
            var name: String?
            var id: String
            var href: String?
        }
        var name: String
        var id: String
        var number: Int?
        var share: Double?
        var flag: Bool?
        var links: [Link]
        var link: Link?
        var words: [String: String]?
        var lists: [String: [String]]?
        var none: [String] = []
    }

    private static func text(_ value: some Encodable, _ root: String) throws -> String {
        let text = String(decoding: try XMLEncoder().encode(value, root: root), as: UTF8.self)
        return String(text.dropFirst("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>".count))
    }

    @Test("ids and links are attributes, arrays repeat their key, an empty text is no empty element")
    func form() throws {
        let thing = Thing(
            name: "",
            id: "1",
            links: [Thing.Link(id: "2", href: "/b"), Thing.Link(name: "<&>\"", id: "\"\n")],
            words: ["a/b": "2"]
        )
        #expect(
            try Self.text(thing, "thing") == """
                <thing id="1"><name></name><links id="2" href="/b"/><links id="&quot;&#10;"><name>&lt;&amp;&gt;"</name></links>\
                <words><item key="a/b">2</item></words></thing>
                """
        )
        struct Empty: Codable {}
        #expect(try Self.text(Empty(), "e") == "<e/>")
        #expect(try Self.text("", "e") == "<e></e>")
        #expect(throws: EncodingError.self) { try Self.text([1, 2], "e") }
    }

    @Test("whatever the values are, they come back")
    func roundTrip() throws {
        var generator = SystemRandomNumberGenerator()
        let pieces = ["a", "é", "<", "&", "]]>", "\"", "'", "\n", "\r", "\r\n", "\t", " ", "😀", "&amp;", "--", "0"]
        func word() -> String {
            (0..<Int.random(in: 0...6, using: &generator)).map { _ in pieces.randomElement() ?? "" }.joined()
        }
        for _ in 0..<500 {
            var thing = Thing(name: word(), id: word(), links: [])
            (thing.number, thing.share, thing.flag) = (.random(in: .min ... .max), .random(in: -1e9...1e9), .random())
            thing.links = (0..<Int.random(in: 0...3)).map { _ in Thing.Link(name: .random() ? word() : nil, id: word())
            }
            thing.link = .random() ? Thing.Link(id: word(), href: word()) : nil
            thing.words = [word(): word(), "id": word(), "item": word(), "plain": word()]
            thing.lists = ["two": [word(), word()], "a b": [word()]]
            let bytes = try XMLEncoder().encode(thing, root: "thing")
            #expect(try XMLDecoder().decode(Thing.self, from: bytes, root: "thing") == thing)
        }
    }

    @Test("what XML has no character for is replaced; no text of a host leaves its place")
    func hostile() throws {
        let text = try Self.text(["a": "\u{0}\u{1B}[2J</a><b/>\u{FFFF}"], "t")
        #expect(text == "<t><a>\u{FFFD}\u{FFFD}[2J&lt;/a&gt;&lt;b/&gt;\u{FFFD}</a></t>")
    }

    @Test("oVirt's bodies are read by the types that the JSON has")
    func orders() throws {
        let xml = """
            <network><name>red</name><mtu>1500</mtu><vlan id="10"/><usages><usage>vm</usage></usages><unknown><x/></unknown>
            <data_center><name>Default</name></data_center></network>
            """
        let order = try XMLDecoder().decode(NetworkOrder.self, from: Array(xml.utf8), root: "network")
        #expect(order.vlan?.id == "10" && order.usages?.usage == ["vm"] && order.mtu == "1500")
        #expect(order.data_center == WireReference(name: "Default"))
        let none = "<network><usages/><label></label><data_center id='5'/></network>"
        let empty = try XMLDecoder().decode(NetworkOrder.self, from: Array(none.utf8), root: "network")
        #expect(empty.usages?.usage == [] && empty.label == "" && empty.data_center == WireReference(id: "5"))
    }

    @Test("setupnetworks as oVirt's SDK writes it (ovirt.md 4.8)")
    func setupNetworks() throws {
        let xml = """
            <action><check_connectivity>true</check_connectivity><connectivity_timeout>60</connectivity_timeout>
            <modified_bonds><host_nic><bonding><options><option><name>mode</name><value>4</value></option></options>
            <slaves><host_nic><name>eth1</name></host_nic><host_nic id="eth2"/></slaves></bonding><name>bond0</name></host_nic>
            </modified_bonds><modified_labels><network_label id="lab1"><host_nic><name>eth3</name></host_nic></network_label>
            </modified_labels><removed_network_attachments><network_attachment id="7"/></removed_network_attachments></action>
            """
        let order = try XMLDecoder().decode(SetupNetworksResource.self, from: Array(xml.utf8), root: "action")
        #expect(order.check_connectivity?.value == true && order.connectivity_timeout?.value == 60)
        #expect(order.commit_on_success == nil && order.removed_bonds == nil)
        let bond = try #require(order.modified_bonds?.host_nic?.elements.first)
        #expect(bond.name == "bond0" && bond.bonding?.options?.option?.elements.map(\.value) == ["4"])
        let slaves = [WireReference(name: "eth1"), WireReference(id: "eth2")]
        #expect(bond.bonding?.slaves?.host_nic?.elements == slaves)
        #expect(
            order.modified_labels?.network_label?.elements
                == [NICLabelResource(id: "lab1", nic: nil)].map { label in
                    var label = label
                    label.host_nic = WireReference(name: "eth3")
                    return label
                }
        )
        #expect(order.removed_network_attachments?.network_attachment?.elements.map(\.reference) == ["7"])
    }

    @Test(
        "what says something else is refused, with its place",
        arguments: [
            ("<hosts/>", "expected <network>"), ("<network><name>a</name><name>b</name></network>", "2 times"),
            ("<network><required>maybe</required></network>", "true or false"),
            ("<network><vlan/></network>", "<id> is missing"), ("<network>text</network>", "expected elements"),
            ("<network><name><x/></name></network>", "expected a text"),
        ]
    )
    func mismatch(_ xml: String, _ sentence: String) throws {
        let error = #expect(throws: DecodingError.self) {
            try XMLDecoder().decode(NetworkOrder.self, from: Array(xml.utf8), root: "network")
        }
        #expect("\(String(describing: error))".contains(sentence), "\(String(describing: error))")
    }
}
