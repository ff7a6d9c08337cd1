import ArgumentParser
import Foundation
import Testing

@testable import Commands

/// docs/cli.md against the program.
@Suite struct DocumentationTests {
    private let page: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        page = try String(contentsOf: root.deletingLastPathComponent().appending(path: "docs/cli.md"), encoding: .utf8)
    }

    @Test("every exit code is there with the words of --help", arguments: Commands.ExitStatus.allCases)
    func exitCodes(status: Commands.ExitStatus) throws {
        let row = try #require(page.split(separator: "\n").first { $0.hasPrefix("| \(status.rawValue) |") })
        #expect(row.contains(status.meaning.prefix { $0 != "," && $0 != ":" && $0 != ";" }))
    }

    @Test func everyCommandHasAnExample() {
        for words in Self.leaves(Muster.self, []) {
            #expect(page.contains("$ \(words.joined(separator: " "))"), "\(words) has no example in docs/cli.md")
        }
    }

    /// The words of each command that has no subcommands.
    private static func leaves(_ command: any ParsableCommand.Type, _ path: [String]) -> [[String]] {
        let name = command.configuration.commandName ?? ""
        // `muster host network HOST show`: the host stands between, or a cluster.
        let isOfOne = path.count == 3 && ["network", "bond", "label", "nic", "power"].contains(path.last)
        let words = path + (isOfOne ? [path[1] == "cluster" ? "east-1" : "node-5a31", name] : [name])
        let subcommands = command.configuration.subcommands
        return subcommands.isEmpty ? [words] : subcommands.flatMap { leaves($0, words) }
    }
}
