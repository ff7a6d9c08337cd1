import ArgumentParser

/// Parses and runs one command line, without the program's name. Results go to standard output, everything else to
/// standard error; what comes back is the exit status.
package func runMuster(_ arguments: [String]) async -> Int32 {
    do {
        var command = try await Muster.asyncParseAsRoot(arguments)
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            try command.run()
        }
        return ExitStatus.success.rawValue
    } catch let error as UserError {
        Terminal.complain("\(error)\n")
        return error.exit.rawValue
    } catch let answer as ExitCode {
        // The code is the answer to a question, as of `upgrade --check`; what there is to say was said.
        return answer.rawValue
    } catch {
        return report(error)
    }
}

/// What ArgumentParser threw: a request for help, or a mistake on the command line.
private func report(_ error: any Error) -> Int32 {
    let text = Muster.fullMessage(for: error)
    guard Muster.exitCode(for: error) != .success else {
        Terminal.show(text.hasSuffix("\n") ? text : text + "\n")
        return ExitStatus.success.rawValue
    }
    guard Muster.exitCode(for: error) == .validationFailure else {
        Terminal.complain("\(UserError(.failed, "\(error)", remedy: "muster --help"))\n")
        return ExitStatus.failed.rawValue
    }
    Terminal.complain(usageComplaint(message: Muster.message(for: error), full: text))
    return ExitStatus.usage.rawValue
}

/// ArgumentParser's words in our form: its last line names the help of the command that was meant.
private func usageComplaint(message: String, full: String) -> String {
    let lines = full.split(separator: "\n")
    let usage = lines.first { $0.hasPrefix("Usage:") }.map { "\($0)\n" } ?? ""
    let help = lines.last.flatMap { line -> Substring? in
        let quoted = line.split(separator: "'", omittingEmptySubsequences: false)
        return line.hasPrefix("  See '") && quoted.count == 3 ? quoted[1] : nil
    }
    let first = message.first.map { $0.lowercased() + message.dropFirst() } ?? "the command line is wrong"
    let sentence = first.hasSuffix(".") ? String(first.dropLast()) : first
    return "error: \(sentence)\n\(usage)  try: \(help ?? "muster --help")\n"
}
