import Foundation
import NIOCore
import Testing

@testable import EngineAPI

/// What the console is made of: the files that are checked in, all of them, and nothing that could turn a machine's words
/// into markup.
@Suite struct ConsoleFileTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Sources/EngineAPI/Console/Files").standardizedFileURL

    private static let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    @Test("each file is in the program as it is in the folder, and is served under its own name")
    func table() throws {
        #expect(Self.names.count > 15)
        let served = Dictionary(ConsoleFile.all.map { ($0.path, $0) }) { first, _ in first }
        #expect(served.count == ConsoleFile.all.count && served.count == Self.names.count)
        for name in Self.names {
            let file = try #require(served[name == "index.html" ? "" : name], "\(name) is not in the table")
            #expect(
                String(buffer: file.content) == (try Self.text(name)),
                "\(name) is another in the program: build anew"
            )
        }
        #expect(Set(ConsoleFile.all.map(\.tag)).count == ConsoleFile.all.count)
    }

    @Test(
        "no script makes markup or code of text, no page has code or style of its own, and nothing comes from elsewhere"
    )
    func nothingDangerous() throws {
        let forbidden = [
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "DOMParser",
            "srcdoc",
            "setHTML", "eval(", "new Function", "javascript:", "localStorage", "sessionStorage", "document.cookie",
        ]
        for name in Self.names {
            let text = try Self.text(name)
            for word in forbidden { #expect(!text.contains(word), "\(name): \(word)") }
            #expect(text.ranges(of: try Regex("(?i)<[^>]+ (style|on[a-z]+)=")).isEmpty, "\(name)")
            let places = text.matches(of: try Regex("https?://[a-z0-9.]+")).map { String(text[$0.range]) }
            #expect(places.allSatisfy { $0 == "http://www.w3.org" }, "\(name): \(places)")
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 400, "\(name)")
        }
    }

    @Test("each file that a script or the page names is there")
    func references() throws {
        for name in Self.names {
            let text = try Self.text(name)
            let named = try Regex(#"(?:from '\./|src="|src: '|href=")([a-z0-9-]+\.[a-z]+)["']"#)
            for match in text.matches(of: named) {
                let other = String(try #require(match.output[1].substring))
                #expect(Self.names.contains(other), "\(name) names \(other)")
            }
        }
    }
}
