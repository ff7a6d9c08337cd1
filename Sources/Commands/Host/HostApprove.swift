import ArgumentParser
import EngineClient
import HostModel

struct HostApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approve a machine's claim to be a host.",
        discussion: """
            The code stands on the machine's own screen. It proves that the engine talks to that machine and nobody in
            between, so read it there and nowhere else. Upper or lower case, with or without hyphens.

            A host whose installation failed is installed again without a code: its key was approved already.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Option(help: "The approval code, as the machine shows it; not needed for a host in install_failed.")
    var code: String?

    @Flag(help: "Wait until the host is up, or has failed.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = HostWait.secondsDefault

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("The time-out must be at least one second.") }
    }

    func run() async throws {
        let code = try code.map(Self.code)
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let request = UniqueID.random()
            // An engine that dies before its answer is out may have approved: it is asked again, as the same request.
            try await HostWait.enduring { try await session.approve(found.id, code: code, request: request) }
            guard wait else {
                let host = try await session.host(found.id)
                let done = code == nil ? "is installed again" : "is approved"
                return output.show(host, as: Sentence(words: "\(host.name) \(done)"))
            }
            // The approval left every failure behind: one that is seen from now on is new.
            var waiting = HostWait(session, for: found, seconds: timeout, endsInFailureBefore: true)
            let host = try await waiting.run()
            output.show(host, as: Sentence(words: "\(host.name) is \(host.status)"))
        }
    }

    /// A mistyped code is found by its check symbol, before anything is sent: it is no wrong code, which would be
    /// recorded as one.
    static func code(_ typed: String) throws(UserError) -> ApprovalCode {
        guard let code = ApprovalCode(typed) else {
            throw UserError(
                .badData,
                "the code \(terminalEscaped(typed)) has a typing error: it does not fit its own check symbol",
                remedy: "read it off the machine's screen again; nothing was sent"
            )
        }
        return code
    }
}
