import Foundation
import SystemPackage
import Testing

@testable import Commands

/// What goes into a support bundle, and what does not.
@Suite struct SupportBundleFileTests {
    @Test(
        "A29: whatever looks like a secret is taken out of a text, and what stands around it stays",
        arguments: [
            ("password=hunter2 end", "password=[removed] end"),
            ("ipmi_password: \"hunter2\", port 3", "ipmi_password: \"[removed]\", port 3"),
            ("Authorization: Bearer abcdefghijkl end", "Bearer [removed] end"),
            ("hash $6$salt$abc./def end", "hash [removed] end"),
            ("scrypt$16384$8$1$aa$bb end", "[removed] end"),
            ("https://user:hunter2@host/x", "https://user:[removed]@host/x"),
            ("-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQ==\n-----END EC PRIVATE KEY-----\nend", "[removed]\nend"),
            ("-----BEGIN PRIVATE KEY-----\nMHcC\ncut off", "[removed]"),
            (String(repeating: "MHcC", count: 12) + "\nMHcC\n-----END RSA PRIVATE KEY-----\nend", "end"),
            ("Cookie seen: JSESSIONID=hunter2; x", "JSESSIONID=[removed]; x"),
            ("Cookie seen: __Host-muster-console=hunter2; x", "__Host-muster-console=[removed]; x"),
            ("ran ipmitool -H 192.0.2.1 -P hunter2 power", "-P [removed] power"),
            ("ran x --password hunter2 y", "--password [removed] y"),
            ("MUSTER_TOKEN=abc&x=1", "MUSTER_TOKEN=[removed]&x=1"),
            ("rootpw --iscrypted $6$a$b", "rootpw --iscrypted [removed]"),
        ]
    )
    func removes(text: String, wanted: String) {
        var redaction = Redaction()
        let clean = redaction.text(text)
        #expect(clean.contains(wanted), "\(clean)")
        #expect(!clean.contains("hunter2") && !clean.contains("MHcC") && redaction.count > 0)
    }

    @Test(
        "what is no secret stays as it is",
        arguments: ["host web is up", "8 tokens of 9", "$HOME/x costs $5", "key SHA256:abc"]
    )
    func keeps(text: String) {
        var redaction = Redaction()
        let clean = redaction.text(text)
        #expect(clean == text && redaction.count == 0)
    }

    @Test("A29: fields of JSON go by their names, however deep, and texts in it by what they say")
    func json() throws {
        var redaction = Redaction()
        let text = """
            {"a":[{"Password":"hunter2","n":1},{"deep":{"ssh_private_key":["hunter2"],"metrics-token-file":"/etc/t"}}],
             "note":"password=hunter2","tokens":{"max":3,"of":[{"x":"hunter2"}]}, "passwords": 7}
            """
        let cleaned = redaction.json(Data(text.utf8))
        let clean = String(decoding: try #require(cleaned), as: UTF8.self)
        #expect(!clean.contains("hunter2") && clean.contains("/etc/t") && clean.contains("\"n\" : 1"), "\(clean)")
        #expect(clean.contains("\"max\" : 3") && redaction.count == 5, "\(clean)")
        let lines = #"{"lines":["a","-----BEGIN EC PRIVATE KEY-----","MHcC","-----END EC PRIVATE KEY-----","b"]}"#
        let log = String(decoding: redaction.json(Data(lines.utf8)) ?? Data(), as: UTF8.self)
        #expect(
            !log.contains("MHcC") && log.contains("\"a\"") && log.contains("\"b\""),
            "a key in lines of a log: \(log)"
        )
        let none = redaction.json(Data("{".utf8))
        #expect(none == nil)
    }

    @Test("the file has its limit: what goes over is cut where it is least missed, and said")
    func limit() throws {
        let folder = FilePath(NSTemporaryDirectory()).appending("muster-bundle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        var file = try SupportBundleFile.create(at: folder.appending("b.tar"), folder: "f", bytesMax: 100)
        let first = try file.add("a.txt", .text, Data(String(repeating: "a", count: 60).utf8))
        #expect(first.bytes == 60 && first.note == nil)
        let log = String(repeating: "o", count: 60) + String(repeating: "n", count: 40)
        let cut = try file.add("log.txt", .text, Data(log.utf8))
        #expect(cut.bytes == 40 && cut.note?.contains("cut from 100 bytes") == true)
        let more = try file.add("more.json", .json, Data("[1]".utf8))
        #expect(more.bytes == 0)
        try file.finish()
        let bytes = try Data(contentsOf: URL(filePath: folder.appending("b.tar").string))
        #expect(bytes.firstRange(of: Data(String(repeating: "n", count: 40).utf8)) != nil, "a log's end is what counts")
        #expect(bytes.firstRange(of: Data("oooo".utf8)) == nil && bytes.count < 20_000)
    }

    @Test(
        "a host's name is one harmless component",
        arguments: ["../../etc/passwd", "", "...", "a b\u{1B}[2J", "nöde"]
    )
    func names(name: String) {
        let file = SupportSource.fileName(name)
        #expect(!file.isEmpty && !file.hasPrefix(".") && !file.contains("/"))
        #expect(file.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 32 })
    }
}
