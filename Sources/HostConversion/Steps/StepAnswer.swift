import HostModel

/// What the server says of one step.
struct StepAnswer: Hashable, Sendable {
    enum Result: String, Hashable, Sendable {
        case done
        /// Done before, and still so.
        case already
        /// Not done yet; nothing was tried.
        case needed
        case failed
        /// What was there could not be saved, so nothing was changed.
        case unsaved
        /// Another run is at work there.
        case busy
        /// Somebody stopped this run (`ConversionStop`); nothing was tried.
        case stopped
    }

    var result: Result
    var code: Int
    /// What the step gives: a machine id, a certificate request.
    var output: String
    /// Escaped for a terminal.
    var log: String
    /// KiB free where the conversion keeps its files; `nil` when that is not known.
    var free: Int?

    init(_ transcript: ServerTranscript) throws(ConversionError) {
        guard let result = transcript.word("result").flatMap({ Result(rawValue: $0) }) else {
            throw ConversionError(.answer, "the server's answer is none", remedy: "start the conversion again")
        }
        (self.result, output) = (result, transcript.text("output"))
        code = transcript.word("code").flatMap { Int($0) } ?? 0
        log = SSHFailure.shown(transcript.text("log"))
        free = transcript.word("free").flatMap { Int($0) }
    }

    /// Room below which it is the disk that failed, whatever the programs said, in KiB.
    private static let freeMin = 64
    /// What `timeout` ends with when it had to end the step, or to kill it.
    private static let timeoutCodes = [124, 137]

    func failure(_ step: ConversionStep, on server: String) -> ConversionError {
        let name = step.id.rawValue
        if result == .stopped {
            return ConversionError(
                .interrupted,
                "the work on \(server) was stopped before the step \(name)",
                remedy: "start it again: it goes on from there"
            )
        }
        if result == .busy {
            // The last line of the journal, `begun STEP`, comes first.
            let last = log.split(separator: "\n").first?.split(separator: " ") ?? []
            let holder = last.count == 2 && last[0] == "begun" ? " (step \(last[1].prefix(40)))" : ""
            return ConversionError(
                .busy,
                "another run is still at work on \(server)\(holder)",
                remedy: "wait for its end, and start this one again",
                detail: log
            )
        }
        if log.contains("No space left on device") || free.map({ $0 < Self.freeMin }) ?? false {
            let remedy =
                "free space under /var, /etc and /usr, and start the conversion again: it goes on from this step"
            return ConversionError(.step, "the disk of \(server) is full (step \(name))", remedy: remedy, detail: log)
        }
        if Self.timeoutCodes.contains(code) {
            let sentence = "the step \(name) took longer than \(step.limit) s on \(server)"
            return ConversionError(.step, sentence, remedy: step.remedy, detail: log)
        }
        let last = log.split(separator: "\n").last.map { ": \($0.prefix(bytes: 300))" } ?? " (code \(code))"
        let what = result == .unsaved ? "what was there could not be saved before the step" : "the step"
        return ConversionError(
            .step,
            "\(what) \(name) (\(step.event)) failed on \(server)\(last)",
            remedy: step.remedy,
            detail: log
        )
    }
}
