import Agent
import ArgumentParser
import Logging
import SystemPackage

struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Show the node's screen on a terminal: who it is, where it stands, the approval code, and a menu.",
        discussion: """
            On a serial line (ttyS…) it writes plain lines only and prints the whole screen again whenever something changes, so \
            that a log of the line can be read; on other terminals it clears the screen first. Ends with 69 where there is no such \
            terminal.

            The shell of the menu asks for the password of adminpw= (kernel argument) or root's of /etc/shadow, as a SHA-crypt \
            hash; without one there is no shell.
            """
    )

    @OptionGroup var node: NodeOptions
    @OptionGroup var options: NetworkOptions

    @Option(help: ArgumentHelp("The terminal; the standard input unless set.", valueName: "file"))
    var tty: String?

    @Option(help: "The log whose end the menu shows.")
    var log = "/var/log/muster-agent.log"

    func run() async throws {
        let terminal: ConsoleTerminal
        do throws(FileFailure) { terminal = try ConsoleTerminal(tty.map { FilePath($0) }) } catch {
            NodeOptions.logger("console").error("\(error)")
            throw ExitCode.unavailable
        }
        let settings = ConsoleSession.Settings(
            state: node.stateDirectory,
            run: node.runDirectory,
            commandLine: node.commandLineFile,
            log: FilePath(log),
            busybox: FilePath(options.busybox)
        )
        let network = options.network(node, waitSeconds: 15, label: "console")
        try await ConsoleSession(settings, terminal: terminal, network: network).run()
    }
}
