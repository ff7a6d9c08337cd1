import ArgumentParser
import BootServer
import Glibc
import LogLines
import Logging

/// `muster-boot check`: the options of a start, and nothing is served.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-boot check",
        abstract:
            "Look for what would keep muster-boot with these options from serving, and its machines from booting.",
        discussion: """
            Looks at the interface, at the ports and who has them, at other DHCP servers on the segment (four seconds), at the \
            loaders, and with --engine-url whether the engine there answers this boot server. Serves nothing. Exit 1 when there is something to do.
            """
    )

    @OptionGroup var options: MusterBootOptions

    func run() async throws {
        let format = options.logFormat
        LoggingSystem.bootstrap { LineLogHandler(label: $0, format: format) }
        let logger = Logger(label: "muster-boot")
        let engine = try options.remoteEngine()
        let findings =
            await StartCheck(settings: try options.settings(), logger: logger).findings()
            + (engine?.findings(logger) ?? [])
        for finding in findings {
            print(
                "\(finding.remedy == nil ? "ok " : "BAD")  \(finding.what)"
                    + (finding.remedy.map { "; try: \($0)" } ?? "")
            )
        }
        if findings.contains(where: { $0.remedy != nil }) { throw ExitCode.failure }
    }
}
