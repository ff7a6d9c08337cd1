import ImageBuilder
import Synchronization
import Testing

@testable import Commands

@Suite struct BuildMeterTests {
    /// What a meter writes for some progress, each so many seconds after the first.
    private func written(
        _ style: ProgressStyle,
        isTerminal: Bool,
        width: Int = 80,
        _ steps: [(seconds: Int, progress: BuildProgress)]
    ) -> String {
        let text = Mutex("")
        let meter = BuildMeter(style, isTerminal: isTerminal, width: width) { part in text.withLock { $0 += part } }
        let start = ContinuousClock.now
        for (seconds, progress) in steps { meter.report(progress, at: start + .seconds(seconds)) }
        meter.end()
        return text.withLock { $0 }
    }

    private func packing(_ done: Int64) -> BuildProgress {
        BuildProgress(
            stage: .root,
            detail: "packing",
            amount: .init(done: done << 20, total: 100 << 20, unit: .bytes)
        )
    }
    private let finished = BuildProgress(stage: .root, detail: "168 MiB", cached: true, isFinished: true)

    @Test func aTerminalShowsABarRateAndTimeLeft() {
        let text = written(.auto, isTerminal: true, [(0, packing(0)), (10, packing(50)), (20, finished)])
        let lines = text.split(separator: "\r\u{1B}[K")
        #expect(lines.first == "root [........................] 0%  packing")
        #expect(lines.dropFirst().first == "root [############............] 50%  5.0 MiB/s  0:10 left  packing")
        #expect(lines.last == "root      168 MiB (cached)\n")
    }

    @Test func aBarIsNotWiderThanTheTerminal() {
        let text = written(.auto, isTerminal: true, width: 30, [(0, packing(10)), (5, packing(20))])
        #expect(text.split(separator: "\r\u{1B}[K").allSatisfy { $0.count < 30 })
    }

    @Test func aBarIsNotDrawnForEveryByte() {
        let text = written(.auto, isTerminal: true, (0..<1000).map { (0, packing(Int64($0 / 10))) })
        #expect(text.split(separator: "\r\u{1B}[K").count == 1)
    }

    @Test(arguments: [(ProgressStyle.auto, false), (.lines, true)])
    func oneLineForEachStageElsewhere(style: ProgressStyle, isTerminal: Bool) {
        let text = written(style, isTerminal: isTerminal, [(0, packing(0)), (10, packing(50)), (20, finished)])
        #expect(text == "root      168 MiB (cached)\n")
    }

    @Test func programsGetObjects() {
        let text = written(.json, isTerminal: true, [(0, packing(1)), (0, packing(2)), (1, finished)])
        let first =
            #"{"cached":false,"detail":"packing","done":1048576,"finished":false,"stage":"root","total":104857600,"unit":"bytes"}"#
        let last = #"{"cached":true,"detail":"168 MiB","finished":true,"stage":"root"}"#
        #expect(text == first + "\n" + last + "\n")
    }

    @Test func noneIsSilent() { #expect(written(.none, isTerminal: true, [(0, packing(0)), (1, finished)]) == "") }

    @Test func hostileNamesAreEscaped() {
        let progress = BuildProgress(stage: .base, detail: "installing \u{1B}[2J", isFinished: true)
        #expect(!written(.lines, isTerminal: false, [(0, progress)]).contains("\u{1B}"))
    }
}
