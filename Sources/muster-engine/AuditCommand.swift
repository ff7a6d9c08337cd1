import ArgumentParser
import Engine
import Foundation
import HostModel

/// `muster-engine audit`: whether the recorded events are the ones that were recorded.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check that no recorded event was changed, taken out or put in.",
        discussion: """
            Every event carries the SHA-256 of all that was recorded before it, so a change in between shows. Whoever can write \
            the database can also write every event anew; that shows against heads that were noted in another place: this \
            command prints them, and the engine writes them into its log at its start and once an hour. Events that had their \
            time (--event-days of serve) are not missed.

              muster-engine audit
              muster-engine audit --head site:5120:9f3a…

            Exits with 1 when something does not fit. The engine may run meanwhile.
            """
    )

    @Option(
        help: ArgumentHelp(
            "A head that was noted earlier; may be given several times.",
            valueName: "class:index:sha256"
        )
    )
    var head: [String] = []

    @OptionGroup var options: SettingOptions

    func validate() throws {
        for text in head where EventAudit.Head(text) == nil {
            throw ValidationError("\(terminalEscaped(text.prefix(100))) is no head; write CLASS:INDEX:SHA256.")
        }
    }

    func run() throws {
        let known = head.compactMap { EventAudit.Head($0) }
        do {
            let serve = try ServeConfiguration(options.resolved())
            let settings = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            let audit = try EventAudit.check(settings, known: known)
            for head in audit.heads { print(head) }
            for finding in audit.findings { FileHandle.standardError.write(Data("error: \(finding)\n".utf8)) }
            guard audit.findings.isEmpty else { throw ExitCode(1) }
            print("\(audit.events) events are as they were recorded.")
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        }
    }
}
