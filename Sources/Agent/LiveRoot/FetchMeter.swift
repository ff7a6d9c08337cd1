import HostModel
import Synchronization

/// Says how far a download is: each tenth of it, but at most every few seconds, so that a serial line's log stays short.
final class FetchMeter: Sendable {
    private let console: BootConsole
    private let state: Mutex<State>

    private struct State {
        var tenth: Int64 = 0
        var started = ContinuousClock.now
        var base: Int64 = 0
    }

    init(_ console: BootConsole) {
        self.console = console
        state = Mutex(State())
    }

    func tell(_ progress: ImageFetch.Progress) {
        switch progress {
        case .waiting(let seconds, let reason):
            console.say("\(reason); trying again in \(seconds) s")
        case .received(let bytes, let size):
            guard let line = state.withLock({ Self.line(&$0, bytes, size) }) else { return }
            console.say(line)
        }
    }

    private static func line(_ state: inout State, _ bytes: Int64, _ size: Int64) -> String? {
        let tenth = bytes * 10 / max(size, 1)
        guard tenth != state.tenth || bytes == size else { return nil }
        state.tenth = tenth
        let seconds = state.started.duration(to: .now)
        let rate = Double(bytes) / 1_048_576 / max(Double(seconds.components.seconds), 1)
        return "\(tenth * 10) % of \(size >> 20) MiB, \(Int(rate * 10) / 10) MiB/s"
    }
}
