import Agent
import ArgumentParser

struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Make this machine a host of its engine: key, claim, approval code, certificate.",
        discussion: """
            Makes a key that never leaves the node, asks the engine to be taken as a host, and shows an approval code through \
            register.json and the console. A person compares the code and types it to `muster host approve NAME --code CODE`. \
            Ends with 0 when the node has its certificate, at once when it has one already. Every failure of the network is \
            kept for the screen and tried again, without an end; so is an answer by a CA with another fingerprint than \
            management_server_fingerprint=, after some minutes. Killed while it waits, it goes on with the same code.
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(help: "Where the agent will listen.")
    var port: UInt16 = 54321

    @Option(help: ArgumentHelp("The group that may read the key: the one that `serve` runs as.", valueName: "gid"))
    var group: UInt32 = 36

    @Flag(help: "Go on after the registration, and register again when the certificate is given up or expires.")
    var stay = false

    func run() async throws {
        let settings = Registration.Settings(
            state: node.stateDirectory,
            run: node.runDirectory,
            commandLine: node.commandLineFile,
            port: port,
            group: group
        )
        try await Registration(settings, logger: NodeOptions.logger("register")).run(staying: stay)
    }
}
