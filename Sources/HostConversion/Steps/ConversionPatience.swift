/// How long is waited for what passes by itself.
package struct ConversionPatience: Hashable, Sendable {
    /// Before a broken connection is made anew.
    package var pause: Duration
    /// How often a connection that breaks is made anew without an answer between.
    package var reconnectsMax = 20
    /// How often in a row a server may give no sign of life (`RemoteScript.silenceLimit` each time).
    package var silencesMax = 3
    /// How long one question waits on the server for another run of ours, in seconds; then it is asked anew.
    package var lockSeconds = 60
    /// How long another run is waited for in all: longer than any step and the way back may take. Its lock ends with its
    /// process, so that nobody waits for a dead one.
    package var otherRun: Duration = .seconds(4 * 3600)
    /// How long all steps of one run may take, or the way back, or looking at the server: after it nothing is begun anew, so
    /// that no server keeps a place by breaking connections and coming back.
    package var total: Duration = .seconds(8 * 3600)

    package init(pause: Duration = .seconds(5)) { self.pause = pause }

    func rest() async throws(ConversionError) {
        do { try await Task.sleep(for: pause) } catch { throw .interrupted }
    }
}

/// Tells what passes by itself from what does not, and counts how often it did.
struct Endurance {
    private let patience: ConversionPatience
    private let begin: ContinuousClock.Instant
    /// Whether the server was reached before: only then not reaching it is something that passes (a server that boots, a
    /// switch that learns).
    private var hasStood: Bool
    private var broken = 0
    private var silences = 0

    init(_ patience: ConversionPatience, hasStood: Bool, begin: ContinuousClock.Instant = .now) {
        (self.patience, self.hasStood, self.begin) = (patience, hasStood, begin)
    }

    mutating func stood() { hasStood = true }

    /// Whether to try again after this failure. `inSession`: the connection stood when it came.
    mutating func endures(
        _ error: ConversionError,
        inSession: Bool,
        at now: ContinuousClock.Instant = .now
    ) -> Bool {
        switch error.kind {
        case .busy: return begin.duration(to: now) < patience.otherRun
        case .silent: silences += 1
        // A script that took longer than it may has had its time.
        case .timeout where inSession: return false
        case .unreachable, .timeout:
            guard hasStood else { return false }
            broken += 1
        case .connectionLost: broken += 1
        default: return false
        }
        return broken <= patience.reconnectsMax && silences <= patience.silencesMax
    }
}

extension SSHConnection {
    /// Runs `body` over as many connections as it takes, and closes each. What it had begun on the server goes on there, so
    /// it must be one that can be run again. `isResumed`: the server was reached before, so a first connection that fails
    /// is tried again too. `tell`: what passes by itself, before it is tried again. Throws `.timeout` where the patience's
    /// `total` is over.
    package static func enduring<Value>(
        _ patience: ConversionPatience,
        isResumed: Bool,
        connect: Conversion.Connect,
        tell: (ConversionError) async throws(ConversionError) -> Void = { _ in },
        _ body: (SSHConnection) async throws(ConversionError) -> Value
    ) async throws(ConversionError) -> Value {
        var endurance = Endurance(patience, hasStood: isResumed)
        let end = ContinuousClock.now + patience.total
        while true {
            var connection: SSHConnection?
            do throws(ConversionError) {
                let fresh = try await connect()
                connection = fresh
                endurance.stood()
                let value = try await body(fresh)
                await fresh.close()
                return value
            } catch {
                await connection?.close()
                guard endurance.endures(error, inSession: connection != nil) else { throw error }
                guard ContinuousClock.now < end else { throw tooLong(patience, error) }
                try await tell(error)
                try await patience.rest()
            }
        }
    }

    private static func tooLong(_ patience: ConversionPatience, _ last: ConversionError) -> ConversionError {
        ConversionError(
            .timeout,
            "the work on the server took longer than \(patience.total.components.seconds) s; at last \(last.message)",
            remedy: "see why it does not answer to the end, and start it again: what is done stays done",
            detail: last.detail
        )
    }
}
