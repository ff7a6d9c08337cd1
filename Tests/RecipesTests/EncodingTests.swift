import HostModel
import Recipes
import Testing

@Suite struct PercentEncodingTests {
    @Test("every byte survives a round trip, and only unreserved ones stay as they are")
    func roundTrip() {
        for scalar in (0...0x2FF).compactMap(Unicode.Scalar.init) {
            let text = String(Character(scalar))
            let encoded = PercentEncoding.encode(text)
            #expect(PercentEncoding.decode(encoded) == text)
            #expect(PercentEncoding.decodeLossily(encoded) == text)
            let isPlain = scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
            #expect((encoded == text) == (isPlain || "-._~".unicodeScalars.contains(scalar)))
        }
    }

    @Test(
        "an escape that is none is refused, or kept where a machine must boot all the same",
        arguments: [
            ("%", "%"), ("%2", "%2"), ("%zz", "%zz"), ("a%2", "a%2"), ("%%41", "%A"), ("%FFx", "\u{FFFD}x"),
            ("%C3", "\u{FFFD}"), ("%c0%ae", "\u{FFFD}\u{FFFD}"),
        ]
    )
    func malformed(text: String, kept: String) {
        #expect(PercentEncoding.decode(text) == nil)
        #expect(PercentEncoding.decodeLossily(text) == kept)
    }

    @Test func decodesOnce() {
        #expect(PercentEncoding.decode("%252e") == "%2e")
    }
}

@Suite struct ScriptValueTests {
    @Test(
        "a text for the screen cannot end its line, begin a command or a comment, or name a setting",
        arguments: [
            ("node-5a31, set for the next boot", "node-5a31, set for the next boot"),
            ("a\nshell", "a%0Ashell"), ("a\r\nb", "a%0D%0Ab"), ("x || shell", "x %7C%7C shell"),
            ("x && y", "x %26%26 y"),
            ("x ; y", "x %3B y"), ("# x", "%23 x"), ("${net0/mac}", "%24%7Bnet0/mac%7D"), ("end\\", "end%5C"),
            ("{{mac}}", "%7B%7Bmac%7D%7D"), ("\u{1B}[2J", "%1B[2J"), ("ü", "%C3%BC"), ("100%", "100%25"), ("", "-"),
        ]
    )
    func escapesForTheScreen(text: String, escaped: String) {
        #expect(ScriptValue.screenText(text).text == escaped)
    }

    @Test func cutsLongText() {
        let text = ScriptValue.screenText(String(repeating: "a", count: 10_000)).text
        #expect(text.utf8.count == ScriptValue.screenTextMax)
    }

    @Test func encodesEveryPartOfAURL() throws {
        let address = try #require(IPv4Address("10.77.0.1"))
        let url = ScriptValue.url(
            ServerLocation(address: address, port: 8080),
            path: ["images", "a/../b", "${x}"],
            query: [("mac", "a&b=c"), ("d", " # || ")]
        )
        #expect(url.text == "http://10.77.0.1:8080/images/a%2F..%2Fb/%24%7Bx%7D?mac=a%26b%3Dc&d=%20%23%20%7C%7C%20")
        #expect(ScriptValue.url(ServerLocation(address: address), path: ["x"]).text == "http://10.77.0.1/x")
    }
}

@Suite struct ScriptTemplateTests {
    @Test(arguments: [
        ("no first line", "echo {{a}}\n", RecipeError.notAScript(template: "t")),
        ("carriage return", "#!ipxe\r\n", .notAScript(template: "t")),
        ("unknown", "#!ipxe\n{{b}}", .unknownPlaceholder(template: "t", name: "b")),
        ("open", "#!ipxe\n\n{{a", .malformedPlaceholder(template: "t", line: 3)),
        ("empty", "#!ipxe\n{{}}", .malformedPlaceholder(template: "t", line: 2)),
        ("blank", "#!ipxe\n{{ a }}", .malformedPlaceholder(template: "t", line: 2)),
        ("capital", "#!ipxe\n{{A}}", .malformedPlaceholder(template: "t", line: 2)),
        ("nested", "#!ipxe\n{{{{a}}}}", .malformedPlaceholder(template: "t", line: 2)),
    ])
    func refuses(_ what: String, text: String, error: RecipeError) {
        #expect(throws: error) { try ScriptTemplate(name: "t", text: text, allowed: ["a"]) }
    }

    @Test func rendersEveryPlaceholderOnce() throws {
        let text = "#!ipxe\n{{a}}{{b}} {{a}}\n${x}"
        let template = try ScriptTemplate(name: "t", text: text, allowed: ["a", "b", "c"])
        let values: [String: ScriptValue] = ["a": .screenText("{{b}}"), "b": .screenText("2"), "d": .screenText("3")]
        #expect(try template.render(values) == "#!ipxe\n%7B%7Bb%7D%7D2 %7B%7Bb%7D%7D\n${x}")
        #expect(throws: RecipeError.unknownPlaceholder(template: "t", name: "b")) {
            try template.render(["a": .screenText("1")])
        }
    }
}
