import Agent
import ArgumentParser
import Logging
import SystemPackage

/// Where a node keeps what it knows: the same for all sub-commands.
struct NodeOptions: ParsableArguments {
    @Option(help: "Where key, certificate and settings are kept.")
    var state = "/var/lib/muster-agent"

    @Option(help: "Where the files of this boot are.")
    var run = "/run/muster-agent"

    @Option(
        help: "A file with the kernel arguments; those of a site (/etc/muster/site/arguments) stand in front of them."
    )
    var commandLine = "/proc/cmdline"

    var stateDirectory: NodeDirectory { NodeDirectory(FilePath(state)) }
    var runDirectory: NodeDirectory { NodeDirectory(FilePath(run)) }
    var commandLineFile: FilePath { FilePath(commandLine) }

    /// To standard error, where init appends it to the log that the console shows.
    static func logger(_ label: String) -> Logger {
        Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    }
}

/// sysexits.h, so that init and scripts can tell a typing error from an outage.
extension ExitCode {
    static let unavailable = ExitCode(69)
    static let software = ExitCode(70)
    static let systemError = ExitCode(71)
    static let temporaryFailure = ExitCode(75)
    /// None of sysexits.h.
    static let rebootWanted = ExitCode(76)
}
