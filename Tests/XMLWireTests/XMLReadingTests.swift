import HostModel
import Testing

@testable import XMLWire

/// What is XML here, and what is not.
@Suite struct XMLReadingTests {
    struct Case: CustomTestStringConvertible {
        var text: String
        var reason: String
        var testDescription: String { text.debugDescription }
    }

    @Test(
        "what is no XML is refused, and the refusal says why",
        arguments: [
            Case(text: "", reason: "no element"),
            Case(text: "{}", reason: "outside of the element"),
            Case(text: "<a>", reason: "<a> does not end"),
            Case(text: "<a></b>", reason: "</b> ends <a>"),
            Case(text: "</a>", reason: "did not begin"),
            Case(text: "<a/><b/>", reason: "second element"),
            Case(text: "<a>x<b/></a>", reason: "beside elements"),
            Case(text: "x<a/>", reason: "outside of the element"),
            Case(text: "<!DOCTYPE a><a/>", reason: "document types"),
            Case(text: "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", reason: "document types"),
            Case(text: "<a>&e;</a>", reason: "& begins nothing"),
            Case(text: "<a>&amp</a>", reason: "& begins nothing"),
            Case(text: "<a>&#0;</a>", reason: "& begins nothing"),
            Case(text: "<a>&#xD800;</a>", reason: "& begins nothing"),
            Case(text: "<a>&#+65;</a>", reason: "& begins nothing"),
            Case(text: "<a>&#x110000;</a>", reason: "& begins nothing"),
            Case(text: "<?php a ?><a/>", reason: "processing instructions"),
            Case(text: "<?xml version='1.0' encoding='latin1'?><a/>", reason: "UTF-8"),
            Case(text: "<?xml version='1.1'?><a/>", reason: "XML 1.0"),
            Case(text: "<?xml version='1.0'", reason: "declaration does not end"),
            Case(text: "<a b=1/>", reason: "quotation marks"),
            Case(text: "<a b/>", reason: "no value"),
            Case(text: "<a b='1' b='2'/>", reason: "twice"),
            Case(text: "<a b='1'c='2'/>", reason: "tag does not end"),
            Case(text: "<a b='<'/>", reason: "< stands in an attribute"),
            Case(text: "<a>]]></a>", reason: "]]> stands in text"),
            Case(text: "<a><!-- -- --></a>", reason: "-- inside"),
            Case(text: "<a><![CDATA[x</a>", reason: "CDATA section does not end"),
            Case(text: "<ä/>", reason: "a name is expected"),
            Case(text: "<a>\u{1}</a>", reason: "character that XML has not"),
            Case(text: "<a>\u{FFFF}</a>", reason: "character that XML has not"),
        ]
    )
    func refused(_ sample: Case) throws {
        let refusal = #expect(throws: XMLRefusal.self) { _ = try XMLElement(document: Array(sample.text.utf8)) }
        #expect(refusal?.reason.contains(sample.reason) == true, "\(String(describing: refusal))")
    }

    @Test("references, CDATA, comments, a byte order mark and line ends of all kinds are read")
    func allowed() throws {
        let text =
            "\u{FEFF}<?xml version=\"1.0\" encoding='UTF-8' standalone=\"yes\"?>\r\n<!-- c -->"
            + "<a b = '&quot;&#x41;\t'>1\r\n2\r<![CDATA[<&>]]>&lt;&#233;<!-- x --></a>\n"
        let element = try XMLElement(document: Array(text.utf8))
        #expect(element["b"] == "\"A ")
        #expect(element.text == "1\n2\n<&><é")
    }

    @Test(
        "bytes that are no UTF-8 are refused",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]]
    )
    func noUTF8(_ bytes: [UInt8]) {
        #expect(throws: XMLRefusal.self) { try XMLElement(document: Array("<a>".utf8) + bytes + Array("</a>".utf8)) }
    }

    @Test("depth, elements, attributes, names and octets have limits")
    func limits() {
        var limits = XMLLimits()
        limits.bytes = 8 << 20
        func reason(_ text: String) -> String? {
            do throws(XMLRefusal) {
                _ = try XMLElement(document: Array(text.utf8), limits: limits)
                return nil
            } catch { return error.reason }
        }
        let deep = { (depth: Int) in String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth) }
        #expect(reason(deep(limits.depth)) == nil)
        #expect(reason(deep(limits.depth + 1))?.contains("nest deeper") == true)
        #expect(reason(deep(100_000))?.contains("nest deeper") == true, "and the stack holds")
        #expect(reason("<a>\(String(repeating: "<b/>", count: limits.elements))</a>")?.contains("more than") == true)
        let attributes = (0...limits.attributes).map { " a\($0)=''" }.joined()
        #expect(reason("<a\(attributes)/>")?.contains("attributes") == true)
        #expect(reason("<\(String(repeating: "a", count: limits.name + 1))/>")?.contains("name is longer") == true)
        limits.bytes = 10
        #expect(reason("<a>1234567</a>")?.contains("longer than 10 octets") == true)
    }

    private static let document = Array(
        """
        <?xml version="1.0"?><host id="1" href='/x'><name>a&amp;b</name><!-- c --><os><type>x</type></os><d><![CDATA[]]></d>\
        <spm><priority>3</priority></spm></host>
        """.utf8
    )

    @Test("every strict prefix is refused")
    func prefixes() {
        for length in 0..<Self.document.count {
            #expect(throws: XMLRefusal.self, "\(length)") {
                try XMLElement(document: Array(Self.document.prefix(length)))
            }
        }
    }

    @Test("every bit flipped: an element or a refusal, and what is read can be written")
    func flips() throws {
        for place in Self.document.indices {
            for bit in 0..<8 {
                var bytes = Self.document
                bytes[place] ^= 1 << UInt8(bit)
                guard let element = try? XMLElement(document: bytes) else { continue }
                _ = try? XMLDecoder().decode(HostOrder.self, from: bytes, root: element.name)
            }
        }
    }
}
