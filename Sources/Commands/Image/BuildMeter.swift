import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import Synchronization

/// How a build's progress is shown.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// A bar on a terminal, a line for each stage elsewhere.
    case auto
    /// A line for each stage.
    case lines
    /// One JSON object a line, for programs.
    case json
    case none
}

/// Shows how far a build is: a bar that changes on a terminal, one line a finished stage elsewhere, JSON for programs.
final class BuildMeter: Sendable {
    /// The bar is not drawn, and JSON not written, more often.
    private static let pause: Duration = .milliseconds(100)
    private static let barWidth = 24

    private struct State {
        var stage: BuildProgress.Stage?
        /// When the stage began to count, and what it had then.
        var began: ContinuousClock.Instant?
        var first: Int64 = 0
        var shown: ContinuousClock.Instant?
        var isDrawn = false
    }

    private let style: ProgressStyle
    private let isTerminal: Bool
    private let width: Int
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// `width` is the terminal's, in columns.
    init(_ style: ProgressStyle, isTerminal: Bool, width: Int = 80, write: @escaping @Sendable (String) -> Void) {
        (self.style, self.isTerminal, self.width, self.write) = (style, isTerminal, width, write)
    }

    func report(_ progress: BuildProgress, at now: ContinuousClock.Instant = .now) {
        let shown = state.withLock { state in
            Self.count(progress, now, &state)
            return text(of: progress, now, &state)
        }
        if let shown { write(shown) }
    }

    /// Takes the bar away, before an error is printed.
    func end() {
        let wasDrawn = state.withLock { state in
            defer { state.isDrawn = false }
            return state.isDrawn
        }
        if wasDrawn { write("\r\u{1B}[K") }
    }

    private static func count(_ progress: BuildProgress, _ now: ContinuousClock.Instant, _ state: inout State) {
        if state.stage != progress.stage { state = State(stage: progress.stage, isDrawn: state.isDrawn) }
        if state.began == nil, let amount = progress.amount { (state.began, state.first) = (now, amount.done) }
    }

    private func text(of progress: BuildProgress, _ now: ContinuousClock.Instant, _ state: inout State) -> String? {
        let isDue = state.shown.map { now - $0 >= Self.pause } ?? true
        switch style {
        case .none: return nil
        case .json:
            guard progress.isFinished || progress.amount == nil || isDue else { return nil }
            state.shown = now
            return Self.json(progress)
        case .auto where isTerminal:
            if progress.isFinished {
                state.isDrawn = false
                return "\r\u{1B}[K\(terminalEscaped(progress.description))\n"
            }
            guard isDue || progress.amount == nil else { return nil }
            (state.shown, state.isDrawn) = (now, true)
            return "\r\u{1B}[K" + bar(progress, now, state)
        case .auto, .lines:
            return progress.isFinished ? terminalEscaped(progress.description) + "\n" : nil
        }
    }

    private func bar(_ progress: BuildProgress, _ now: ContinuousClock.Instant, _ state: State) -> String {
        var line = terminalEscaped(progress.description)
        if let amount = progress.amount, amount.total > 0 {
            let share = min(1, Double(amount.done) / Double(amount.total))
            let full = Int(share * Double(Self.barWidth))
            let bar = String(repeating: "#", count: full) + String(repeating: ".", count: Self.barWidth - full)
            let rate = state.began.flatMap { Self.rate(amount, from: state.first, in: now - $0) }
            line =
                "\(progress.stage.rawValue) [\(bar)] \(Int(share * 100))%\(Self.words(rate, amount))  \(progress.detail)"
            line = terminalEscaped(line)
        }
        return String(line.prefix(max(20, width - 1)))
    }

    /// Units a second; `nil` as long as there is nothing to tell from.
    private static func rate(_ amount: BuildProgress.Amount, from first: Int64, in time: Duration) -> Double? {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        guard seconds >= 0.5, amount.done > first else { return nil }
        return Double(amount.done - first) / seconds
    }

    private static func words(_ rate: Double?, _ amount: BuildProgress.Amount) -> String {
        guard let rate, rate > 0 else { return "" }
        let left = Int((Double(amount.total - amount.done) / rate).rounded(.up))
        let minutes = "\(left / 60):\(left % 60 < 10 ? "0" : "")\(left % 60) left"
        let tenths = Int(rate / Double(1 << 20) * 10)
        let speed = amount.unit == .bytes ? "\(tenths / 10).\(tenths % 10) MiB/s" : "\(Int(rate))/s"
        return "  \(speed)  \(minutes)"
    }

    private struct Line: Encodable {
        var stage: String
        var detail: String
        var cached: Bool
        var finished: Bool
        var done: Int64?
        var total: Int64?
        var unit: String?
    }

    private static func json(_ progress: BuildProgress) -> String {
        let line = Line(
            stage: progress.stage.rawValue,
            detail: progress.detail,
            cached: progress.cached,
            finished: progress.isFinished,
            done: progress.amount?.done,
            total: progress.amount?.total,
            unit: progress.amount?.unit.rawValue
        )
        return OutputFormat.json.renderNext(line) { "" }
    }
}
