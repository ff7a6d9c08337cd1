import Foundation
import Testing

/// What an event is must be told by its code alone, so no code is given out twice.
@Suite struct EventCodeTests {
    @Test func everyCodeIsGivenOutOnce() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/Engine")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        let pattern = try Regex(
            #"let (\w+) = EventCode\(rawValue: ([0-9_]+)\)"#,
            as: (Substring, Substring, Substring).self
        )
        var names: [Substring: [String]] = [:]
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: pattern) { names[match.output.2, default: []].append(String(match.output.1)) }
        }
        #expect(names.count > 100)
        #expect(names.filter { $0.value.count > 1 }.isEmpty)
    }
}
