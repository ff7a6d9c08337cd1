package import HostModel

/// Stops what a conversion, or the way back, does on a server: after the step at work, or, when that takes too long, in it.
/// Either is run again later as after a power cut.
package enum ConversionStop {
    /// How far it was.
    package struct Report: Hashable, Sendable {
        /// What the server's journal says last of a step.
        package enum Mark: String, Hashable, Sendable {
            case begun
            case done
            case undone
        }

        /// `nil`: no step was begun.
        package var step: ConversionStep.ID?
        package var mark: Mark?
        /// The step took longer than the grace, and its programs were ended.
        package var wasEnded = false

        /// The server's words; `nil` where they are none.
        init?(_ output: [UInt8]) {
            let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
            guard lines.last == "end" else { return nil }
            wasEnded = lines.contains("ended yes")
            let words = lines.first { $0.hasPrefix("last ") }?.split(separator: " ") ?? []
            guard words.count == 3, let mark = Mark(rawValue: String(words[1])) else { return }
            (self.mark, step) = (mark, ConversionStep.ID(rawValue: String(words[2])))
        }
    }

    /// What ending a step's programs may take beside the grace, in seconds.
    private static let overheadSeconds = ServerScript.stopSeconds + 60

    /// Returns when nothing of it is at work there any more. `graceSeconds`: at least one. Throws `.busy` where that could
    /// not be brought about.
    package static func run(
        over connection: SSHConnection,
        graceSeconds: Int
    ) async throws(ConversionError) -> Report {
        let answer = try await connection.run(
            RemoteScript(
                ServerScript.stop(graceSeconds: max(graceSeconds, 1)),
                purpose: "stopping the work there",
                timeLimit: .seconds(graceSeconds + overheadSeconds),
                outputLimit: 4096
            )
        )
        guard answer.exitCode != ServerScript.busyCode else {
            throw ConversionError(
                .busy,
                "what is at work on \(connection.target.shown) did not end",
                remedy: "see what it is: ps -ef | grep muster-conversion"
            )
        }
        guard answer.exitCode == 0, let report = Report(answer.output) else {
            throw ConversionError(
                .answer,
                "\(connection.target.shown) did not say whether anything is at work there",
                remedy: "see whether its disk is full or read-only",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        return report
    }
}
