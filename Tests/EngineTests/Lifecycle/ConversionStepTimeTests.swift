import HostModel
import Testing

@testable import Engine

/// When the steps of a conversion began and ended.
@Suite struct ConversionStepTimeTests {
    private func row(_ steps: [ConversionRow.Step]) throws -> ConversionRow {
        ConversionRow(
            id: UniqueID.random(),
            kind: .convert,
            host: UniqueID.random(),
            hostName: try #require(HostName("kvm-8")),
            state: .started,
            stage: .server,
            steps: try ColumnJSON.encode(steps),
            details: "{}",
            started: 0
        )
    }

    @Test("a step has its begin once and its end at each end; one that nothing happened to has neither")
    func times() throws {
        var row = try row(["a", "b", "c"].map { ConversionRow.Step($0, $0) })
        func change(at now: Int64, _ body: (inout ConversionRow) -> Void) -> [[Int64?]] {
            let before = row.stepList
            body(&row)
            row.time(since: before, at: now)
            return row.stepList.map { [$0.began, $0.ended] }
        }
        #expect(change(at: 10) { $0.mark("a", .started) } == [[10, nil], [nil, nil], [nil, nil]])
        #expect(change(at: 15) { $0.remark("a", "it waits") } == [[10, nil], [nil, nil], [nil, nil]])
        #expect(change(at: 20) { $0.mark("b", .started) } == [[10, 20], [20, nil], [nil, nil]])
        #expect(change(at: 30) { $0.mark("b", .failed) } == [[10, 20], [20, 30], [nil, nil]])
        // Gone on with.
        #expect(change(at: 40) { $0.mark("b", .started) } == [[10, 20], [20, nil], [nil, nil]])
        #expect(change(at: 50) { $0.mark("c", .finished) } == [[10, 20], [20, 50], [50, 50]])
    }

    @Test("steps that an older engine stored are read")
    func older() throws {
        let stored = #"[{"name":"a","title":"A","status":"finished"}]"#
        let steps: [ConversionRow.Step] = try #require(ColumnJSON.decode(stored))
        #expect(steps.count == 1 && steps[0].began == nil && steps[0].ended == nil)
    }
}
