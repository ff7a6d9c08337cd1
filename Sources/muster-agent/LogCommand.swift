import Agent
import ArgumentParser
import Glibc
import SystemPackage

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Append the standard input to the node's log, which stays within a size.",
        discussion: """
            Any number of these may append to one file. When it is full it is moved to FILE.1 and begun anew. What cannot be \
            written is left out; whoever writes into the pipe is never held up by a full disk. Ends at the end of the input.
            """
    )

    @Option(help: "The log; the one before it is FILE.1.")
    var file = "/var/log/muster-agent.log"

    @Option(help: ArgumentHelp("The size at which a new file is begun.", valueName: "bytes"))
    var limit = BoundedLog.limitDefault

    func validate() throws {
        guard (4096...1 << 30).contains(limit) else { throw ValidationError("--limit takes 4096 to 1073741824 bytes") }
    }

    func run() {
        // Its end is that of the pipe: at a shutdown the last words of whoever writes into it still belong in the log.
        signal(SIGTERM, SIG_IGN)
        BoundedLog(FilePath(file), limit: limit).copy(from: 0)
    }
}
