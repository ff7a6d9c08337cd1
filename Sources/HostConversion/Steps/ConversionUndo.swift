import HostModel

/// Takes a conversion back, every step in reverse.
package struct ConversionUndo: Sendable {
    /// All steps' own limits together, and room for comparing.
    private static let limit: Duration = .seconds(7200)

    /// What is not as it was before the conversion, and why. Empty: /etc is equal by hash, and the packages are the same.
    package struct Report: Hashable, Sendable {
        /// Steps that could not be taken back, with the last line of what they said, escaped for a terminal. The server
        /// keeps what is needed to try again.
        package var failed: [String] = []
        /// Files that somebody else changed since the conversion; they stay as he made them.
        package var foreign: [String] = []
        /// Files of ours that could not be put back.
        package var kept: [String] = []
        /// Packages that are another version than before, or stayed because others need them.
        package var packages: [String] = []

        package var isComplete: Bool { failed.isEmpty && kept.isEmpty }
        package var isExact: Bool { isComplete && foreign.isEmpty && packages.isEmpty }

        /// One line for each thing, safe on a terminal; a sentence when there is none.
        package var text: String {
            let lines =
                failed.map { "could not take back the step \($0)" }
                + kept.map { "\($0) differs: it could not be put back" }
                + foreign.map { "\($0) differs: it was changed since the conversion, not by it, and stays" }
                + packages.map { "the package \($0) differs: another version, or others need it" }
            return lines.isEmpty ? "the server is as it was before\n" : lines.joined(separator: "\n") + "\n"
        }
    }

    private let connection: SSHConnection

    package init(_ connection: SSHConnection) { self.connection = connection }

    /// Takes it back over as many connections as it needs: the network itself changes on the way, and what had begun on the
    /// server goes on there.
    package static func run(
        pause: Duration = .seconds(5),
        connect: Conversion.Connect
    ) async throws(ConversionError) -> Report {
        var broken = 0
        while true {
            var connection: SSHConnection?
            do throws(ConversionError) {
                let fresh = try await connect()
                connection = fresh
                let report = try await ConversionUndo(fresh).run()
                await fresh.close()
                return report
            } catch {
                await connection?.close()
                broken += 1
                let passes = error.kind == .connectionLost || (broken > 1 && Conversion.passing.contains(error.kind))
                guard passes, broken <= Conversion.reconnectsMax else { throw error }
                do { try await Task.sleep(for: pause) } catch { throw .interrupted }
            }
        }
    }

    package func run() async throws(ConversionError) -> Report {
        let answer = try await connection.run(
            RemoteScript(ServerScript.undo, purpose: "taking the conversion back", timeLimit: Self.limit)
        )
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
        let report = Self.report(lines)
        guard report.failed.isEmpty else { return report }
        return await sayFarewell(report)
    }

    /// Now the engine's key goes too. A connection that breaks here leaves behind what the script had not reached.
    private func sayFarewell(_ known: Report) async -> Report {
        var report = known
        let script = RemoteScript(ServerScript.farewell, purpose: "leaving the server", timeLimit: Self.limit)
        let answer = try? await connection.run(script)
        // Nobody saw that the key is gone: it is not said that all is as it was.
        if answer?.exitCode != 0 { report.kept.append("/root/.ssh/authorized_keys") }
        return report
    }

    private static func report(_ lines: [Substring]) -> Report {
        var report = Report()
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 1).map { terminalEscaped($0) }
            guard words.count == 2 else { continue }
            switch words[0] {
            case "step": report.failed.append(words[1])
            case "foreign": report.foreign.append(words[1])
            case "kept": report.kept.append(words[1])
            case "package": report.packages.append(words[1])
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
