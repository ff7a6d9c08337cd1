import HostModel

/// Takes a conversion back, every step in reverse.
package struct ConversionUndo: Sendable {
    /// All steps' own limits together, and room for comparing.
    private static let limit: Duration = .seconds(7200)
    private static let reportBytesMax = 8 << 20
    private static let farewellLimit: Duration = .seconds(300)

    /// What is not as it was before the conversion, and why. Empty: /etc is equal by hash, and the packages are the same.
    package struct Report: Hashable, Sendable, Codable {
        /// The server knows of no conversion: nobody converted it, or somebody took it back and removed what told of it.
        package var foundNothing = false
        /// Steps that could not be taken back, with the last line of what they said, escaped for a terminal. The server
        /// keeps what is needed to try again.
        package var failed: [String] = []
        /// Files that somebody else changed since the conversion; they stay as he made them.
        package var foreign: [String] = []
        /// Files of ours that could not be put back.
        package var kept: [String] = []
        /// Packages that are another version than before, or stayed because others need them.
        package var packages: [String] = []
        /// Things beyond `thingsMax` of their kind, which are not listed.
        package var more = 0

        /// What is kept of each kind, and of one name in bytes: they are the server's word.
        package static let thingsMax = 1000
        static let nameBytesMax = 500

        package var isComplete: Bool { failed.isEmpty && kept.isEmpty }
        package var isExact: Bool { isComplete && !foundNothing && foreign.isEmpty && packages.isEmpty }

        /// The lines of `text`; none where all is as it was.
        package var lines: [String] { isExact ? [] : text.split(separator: "\n").map(String.init) }

        /// One line for each thing, safe on a terminal; a sentence when there is none.
        package var text: String {
            let nothing =
                "there was nothing to take back: the server knows of no conversion (\(ConversionLibrary.folder))"
            let lines =
                (foundNothing ? [nothing] : [])
                + failed.map { "could not take back the step \($0)" }
                + kept.map { "\($0) differs: it could not be put back" }
                + foreign.map { "\($0) differs: it was changed since the conversion, not by it, and stays" }
                + packages.map { "the package \($0) differs: another version, or others need it" }
                + (more > 0 ? ["and \(more) more"] : [])
            return lines.isEmpty ? "the server is as it was before\n" : lines.joined(separator: "\n") + "\n"
        }
    }

    private let connection: SSHConnection
    private let patience: ConversionPatience

    package init(_ connection: SSHConnection, patience: ConversionPatience = ConversionPatience()) {
        (self.connection, self.patience) = (connection, patience)
    }

    /// Takes it back and leaves, over as many connections as it needs: the network itself changes on the way, and what had
    /// begun on the server goes on there.
    ///
    /// `keep` is called with a complete report before the engine's key goes. `undone`: that report of an earlier run which
    /// was cut off behind it; a server that does not take the key any more was left then.
    package static func run(
        _ patience: ConversionPatience,
        isResumed: Bool = false,
        undone: Report? = nil,
        connect: Conversion.Connect,
        tell: (ConversionError) async throws(ConversionError) -> Void = { _ in },
        keep: (Report) async throws(ConversionError) -> Void = { _ in }
    ) async throws(ConversionError) -> Report {
        var known = undone
        var begins = true
        return try await SSHConnection.enduring(patience, isResumed: isResumed, connect: connect, tell: tell) {
            connection async throws(ConversionError) in
            let undo = ConversionUndo(connection, patience: patience)
            if let known {
                try await undo.leave()
                return known
            }
            let isFirst = begins
            begins = false
            let report = try await undo.takeBack(begins: isFirst)
            guard report.isComplete else { return report }
            try await keep(report)
            known = report
            try await undo.leave()
            return report
        }
    }

    /// Every step in reverse, but for the way in. `begins`: goes on after an earlier run was stopped.
    package func takeBack(begins: Bool = true) async throws(ConversionError) -> Report {
        let script = ServerScript.undo(lockSeconds: patience.lockSeconds, begins: begins)
        let answer = try await connection.run(
            RemoteScript(
                script,
                purpose: "taking the conversion back",
                timeLimit: Self.limit,
                outputLimit: Self.reportBytesMax
            )
        )
        guard answer.exitCode != ServerScript.busyCode else { throw busy }
        guard answer.exitCode != ServerScript.stoppedCode else {
            throw ConversionError(
                .interrupted,
                "the way back of \(connection.target.shown) was stopped between two steps",
                remedy: "start it again: it goes on from there"
            )
        }
        var lines = String(decoding: answer.output, as: UTF8.self).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        guard answer.exitCode == 0, !answer.isCut, lines.popLast()?.isEmpty == true, lines.popLast() == "end" else {
            throw ConversionError(
                .step,
                "the conversion of \(connection.target.shown) was not taken back to its end",
                remedy: "run it again, or by hand on the server: sh \(ConversionLibrary.folder)/undo",
                detail: SSHFailure.shown(answer.complaint)
            )
        }
        return Self.report(lines)
    }

    /// Now the engine's key goes too, and what the conversion kept. Again on a server that was left it does nothing.
    package func leave() async throws(ConversionError) {
        let script = RemoteScript(
            ServerScript.farewell(lockSeconds: patience.lockSeconds),
            purpose: "leaving the server",
            timeLimit: Self.farewellLimit
        )
        let answer = try await connection.run(script)
        guard answer.exitCode != ServerScript.busyCode else { throw busy }
        guard answer.exitCode != 0 else { return }
        throw ConversionError(
            .step,
            "the conversion was taken back, but the engine's key may still be on \(connection.target.shown)",
            remedy: "remove its line (\(Self.keyComment)) from /root/.ssh/authorized_keys there",
            detail: SSHFailure.shown(answer.complaint)
        )
    }

    private var busy: ConversionError {
        ConversionError(
            .busy,
            "another run is still at work on \(connection.target.shown)",
            remedy: "wait for its end, and start this one again"
        )
    }

    /// As the engine's line ends.
    private static let keyComment = "ovirt-engine"

    static func report(_ lines: [Substring]) -> Report {
        var report = Report()
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "nothing": report.foundNothing = true
            case "step": report.note(words[1], in: \.failed)
            case "foreign": report.note(words[1], in: \.foreign)
            case "kept": report.note(words[1], in: \.kept)
            case "package": report.note(words[1], in: \.packages)
            default: break
            }
        }
        // A folder of ours stays where somebody put something into it.
        let held = report.kept.filter { folder in report.foreign.contains { $0.hasPrefix(folder + "/") } }
        report.kept.removeAll { held.contains($0) }
        report.foreign += held
        return report
    }
}

extension ConversionUndo.Report {
    fileprivate mutating func note(_ thing: Substring, in list: WritableKeyPath<Self, [String]>) {
        guard self[keyPath: list].count < Self.thingsMax else { return more += 1 }
        self[keyPath: list].append(String(terminalEscaped(thing).prefix(bytes: Self.nameBytesMax)))
    }
}
