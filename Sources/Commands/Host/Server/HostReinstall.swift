import ArgumentParser
import EngineClient
import HostConversion
import HostModel

struct HostReinstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reinstall",
        abstract: "Convert a host once more: what is missing or broken on its server is mended.",
        discussion: """
            Every step is looked at, and done again only where it is not as it should be. Also the way on after a failure, and \
            for a server whose password changed or whose host key is a new one (--fingerprint). What was chosen when it was converted \
            holds on unless it is said anew, but for --undo-on-failure and --take-over. Guests go on; the server is not rebooted while some run.

            The engine signs in by its own key. Where the server does not know it (the conversion broke off before), give \
            --root-password-file or --key.

              muster host reinstall kvm-8
              muster host reinstall kvm-8 --root-password-file pw --fingerprint SHA256:x4v3…
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var server: ServerOptions
    @OptionGroup var choices: ServerChoiceOptions
    @OptionGroup var waiting: ConversionWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            let body = try await server.action(on: found, session, options, choices)
            let action = try await session.workOnServer(found.id, "install", body)
            guard !waiting.noWait, let job = action.job?.id else {
                return output.show(action, as: Sentence(words: "\(found.name) is being converted once more"))
            }
            let up = try await session.followConversion(job, of: found, seconds: waiting.timeout)
            output.show(up, as: Sentence(words: "\(up.name) is \(up.status)"))
        }
    }
}

extension ServerOptions {
    /// How the engine is to sign in to a host that is there; empty where nothing was said: by its own key.
    func action(
        on host: HostResource,
        _ session: EngineSession,
        _ options: EngineOptions,
        _ choices: ServerChoiceOptions
    ) async throws -> ServerActionResource {
        var body = ServerActionResource()
        guard key != nil || passwordFile != nil else {
            body.muster = choices.resource(nil, try jumpHost, user: user)
            guard !isSilent || sshPort != nil else { return body }
            var ssh = SSHResource()
            (ssh.fingerprint, ssh.port) = (fingerprint, sshPort.map { WireNumber(Int($0)) })
            ssh.authentication_method = "publickey"
            ssh.user = .init(user_name: user ?? "root")
            body.ssh = ssh
            return body
        }
        var signIn = try ServerSignIn(self, address: host.address)
        if !signIn.isPassword {
            // The host is there, and so are the keys that the engine pinned.
            signIn.pin(host)
            var check = try await ServerCheck(options, session, choices, vlan: nil)
            check.former = host.muster.choices
            let engineKey = try await session.sshKey()
            do throws(ConversionError) {
                let keys = try await check.letEngineIn(signIn, name: host.name, key: engineKey)
                signIn.fingerprint = keys.server
                signIn.jump?.fingerprint = keys.jump
            } catch {
                throw UserError(error)
            }
        }
        body.ssh = signIn.resource(letIn: true)
        if sshPort == nil { body.ssh?.port = nil }
        body.muster = choices.resource(signIn)
        return body
    }
}
