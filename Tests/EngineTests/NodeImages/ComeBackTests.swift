import HostModel
import Testing

@testable import Engine

/// What a node that comes back is, by what it runs.
@Suite struct ComeBackTests {
    enum Outcome {
        case stillThere, onTrial, arrived
        case failed(String)
    }

    private static let table: [(ImageJobRow.Kind, String, NodeImageReport, Outcome)] = [
        (.upgrade, "before", TestNodeDisks.running("v2"), .stillThere),
        (.upgrade, "after", TestNodeDisks.running("v2", slot: "b", isTrial: true), .onTrial),
        (.upgrade, "after", TestNodeDisks.running("v2", slot: "b"), .arrived),
        (
            .upgrade, "after", TestNodeDisks.running("v1"),
            .failed("Version v2 did not come up on host node-1: it fell back and runs v1.")
        ),
        (.upgrade, "after", TestNodeDisks.running("v1", isTrial: true), .failed("it fell back and runs v1")),
        (
            .upgrade, "after", TestNodeDisks.running("v2", slot: nil),
            .failed("from somewhere else than its disk and runs v2")
        ),
        (.upgrade, "after", NodeImageReport(), .failed("from somewhere else than its disk.")),
        (.rollback, "after", TestNodeDisks.running("v2"), .arrived),
        (.rollback, "after", TestNodeDisks.running("v1"), .failed("did not come up")),
        (.installDisk, "after", TestNodeDisks.running("v2"), .arrived),
        (.installDisk, "after", TestNodeDisks.running("v2", isTrial: true), .onTrial),
        (.installDisk, "after", TestNodeDisks.running("v2", slot: nil), .failed("from somewhere else than its disk")),
        (
            .installDisk, "after", TestNodeDisks.running("v0"),
            .failed("Version v2 was installed, and the host runs v0.")
        ),
        (.installDisk, "before", NodeImageReport(), .stillThere),
    ]

    @Test(arguments: table.indices)
    func isAsTheTableSays(_ index: Int) throws {
        let (kind, boot, image, outcome) = Self.table[index]
        var plan = ImageJobRow.Plan(name: "node-debian", version: "v2")
        plan.bootID = "before"
        let found = ComeBack(kind, plan, of: try #require(HostName("node-1")), boot: boot, image: image)
        switch (found, outcome) {
        case (.stillThere, .stillThere), (.onTrial, .onTrial), (.arrived, .arrived): break
        case (.failed(let failure), .failed(let words)):
            #expect(failure.reason.contains(words), "\(failure.reason)")
            #expect(failure.remedy.count > 10)
        default: Issue.record("\(found)")
        }
    }

    @Test func whatTheNodeSaysOfItsFallBackIsEscaped() throws {
        var image = TestNodeDisks.running("v1")
        image.fallBack = .init(version: HostileText("v2"), slot: "b", reason: HostileText("kernel \u{1B}[2Jpanic"))
        let plan = ImageJobRow.Plan(name: "n", version: "v2\u{1B}", bootID: "before")
        let found = ComeBack(.upgrade, plan, of: try #require(HostName("node-1")), boot: "after", image: image)
        guard case .failed(let failure) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(failure.reason.contains("The node says: kernel"))
        #expect(!failure.reason.contains("\u{1B}"))
    }
}
