import ArgumentParser
import EngineClient
import HostConversion
import HostModel

/// `muster host add`: an existing server becomes a host; or a machine without a system, which its board switches on.
struct HostAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Turn an existing server into a managed node over SSH, or a bare machine by its board.",
        discussion: """
            A running CentOS Stream, AlmaLinux, Rocky or RHEL 8 to 10 server, or a Debian 12 server. The engine signs in, looks \
            at the server, and refuses before anything is changed where something forbids it (--check only looks, from this \
            machine). Then it installs packages and agent, step by step, sets up ovirtmgmt with a connectivity check, and the \
            host is up. Every step is told on standard error. Whatever is cut off goes on by itself from the last finished step; \
            muster host reinstall repairs, muster host uninstall gives the server back as it was. See docs/convert.md.

            The engine needs the password of root (or of a user with sudo) only until the server knows the engine's own key; it \
            is never stored. With --key or an ssh-agent this program lays the engine's key there itself, and your key stays here.

            With --file many servers are converted, --parallel at once. The file is YAML: a list of entries with name, address \
            and, where they differ from the options, user, ssh-port, password-file, key, sudo-password-file, fingerprint, jump, \
            jump-fingerprint, cluster, repository.

            With --mac a machine without a system becomes a host: its board (--bmc) switches it on, it boots from the network, \
            registers by a token that its boot script has once, and is up with nobody at its keyboard. See docs/power.md.

            A host key that nobody gave (--fingerprint, --jump-fingerprint) is shown and pinned at the first connection.

              muster host add kvm-8 --address 10.20.0.8 --check
              muster host add kvm-8 --address 10.20.0.8 --root-password-file pw --fingerprint SHA256:x4v3…
              muster host add kvm-9 --address kvm-9.example.org --user admin --key ~/.ssh/id_ed25519
              muster host add kvm-10 --mac 52:54:00:12:34:56 --bmc 10.9.0.8 --bmc-user admin --bmc-password-file pw
              muster host add --file hosts.yaml --root-password-file pw --parallel 5 --stop-after 2
            """,
        aliases: ["install"]
    )

    @Argument(help: "The name that the host is to have.")
    var name: String?

    @Option(help: "Name or IP address of the server.")
    var address: String?

    @OptionGroup var server: ServerOptions

    @Option(help: "Name or id of its cluster.")
    var cluster: String?

    @Flag(help: "Look only.")
    var check = false

    @Option(help: ArgumentHelp("With --check: another tag than the management network has.", valueName: "1-4094"))
    var vlan: Int?

    @OptionGroup var choices: ServerChoiceOptions

    @OptionGroup var machine: BareMachineOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("Many servers at once.", valueName: "file"), completion: .file())
    var file: String?

    @Option(help: ArgumentHelp("With --file: how many at once.", valueName: "n"))
    var parallel = 4

    @Option(help: ArgumentHelp("With --file: begin no more after so many failures.", valueName: "n"))
    var stopAfter: Int?

    @OptionGroup var waiting: ConversionWaitOptions
    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard vlan.map({ (1...4094).contains($0) }) ?? true else { throw ValidationError("--vlan takes 1 to 4094.") }
        guard parallel > 0, stopAfter.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--parallel and --stop-after take a number from 1 on.")
        }
        if file != nil {
            guard name == nil, address == nil, machine.mac == nil, !check else {
                throw ValidationError("With --file there is neither NAME nor --address nor --mac nor --check.")
            }
            return
        }
        guard name.map({ HostName($0) != nil }) ?? false else { throw ValidationError("NAME must be a host name.") }
        guard (address == nil) != (machine.mac == nil) else {
            throw ValidationError("--address says where the server is, or --mac which machine comes by itself.")
        }
        guard machine.mac == nil || !check else { throw ValidationError("--check looks at a server by its --address.") }
    }

    func run() async throws {
        var limits = TransportLimits()
        limits.readSeconds = AddedServer.answerSeconds
        try await options.withSession(limits: limits) { session in
            if let file {
                let entries = try HostsFile.read(file)
                let many = ManyServers(session, entries, self)
                return try await many.run()
            }
            if let arrival = try machine.arrival() { return try await announce(arrival, session) }
            let signIn = try ServerSignIn(server, address: address ?? "")
            if check { return try await look(session, signIn) }
            let added = AddedServer(name: name ?? "", signIn: signIn, cluster: cluster, choices: choices)
            let host = try await added.run(session, options)
            guard !waiting.noWait, let job = try await session.conversion(of: host.id) else {
                return output.show(host, as: Sentence(words: "\(host.name) is being converted"))
            }
            let up = try await session.followConversion(job.id, of: host, seconds: waiting.timeout)
            output.show(up, as: Sentence(words: "\(up.name) is \(up.status)"))
        }
    }

    private func announce(_ arrival: ServerChoices.Arrival, _ session: EngineSession) async throws {
        var body = NewHostResource(name: name ?? "", address: "")
        body.cluster = cluster.map { NewHostResource.Reference(name: $0) }
        body.muster = ServerChoices()
        body.muster?.arrival = arrival
        let host = try await session.addServer(body)
        guard !waiting.noWait else {
            return output.show(host, as: Sentence(words: "\(host.name) is switched on and is to come by itself"))
        }
        var wait = HostWait(session, for: host, seconds: waiting.timeout)
        let up = try await wait.run()
        output.show(up, as: Sentence(words: "\(up.name) is \(up.status)"))
    }

    private func look(_ session: EngineSession, _ signIn: ServerSignIn) async throws {
        let name = name ?? ""
        let check = try await ServerCheck(options, session, choices, vlan: vlan)
        let checked: CheckedServer
        do throws(ConversionError) { checked = try await check.look(signIn, name: name) } catch {
            throw UserError(error)
        }
        output.show(checked, as: checked)
        guard checked.blocked else { return }
        throw UserError(
            .failed,
            "\(name) can not become a node: \(checked.summary)",
            remedy: "do what stands behind `try:`, and check again"
        )
    }
}

/// One server on its way to the engine.
struct AddedServer: Sendable {
    var name: String
    var signIn: ServerSignIn
    var cluster: String?
    var choices: ServerChoiceOptions

    /// How long the engine may look at a server before it answers.
    static let answerSeconds = 300

    /// `prefix`: in front of what is said meanwhile.
    func run(
        _ session: EngineSession,
        _ options: EngineOptions,
        prefix: String = ""
    ) async throws -> HostResource {
        var signIn = signIn
        if !signIn.isPassword {
            // Nothing is laid on a server that the engine would refuse unseen.
            try await session.checkServer(body(signIn))
            let check = try await ServerCheck(options, session, choices, vlan: nil)
            let key = try await session.sshKey()
            do throws(ConversionError) {
                let keys = try await check.letEngineIn(signIn, name: name, key: key)
                signIn.fingerprint = keys.server
                signIn.jump?.fingerprint = keys.jump
            } catch {
                throw UserError(error)
            }
        }
        let host = try await session.addServer(body(signIn))
        for line in newKeys(of: host) { Terminal.complain("\(prefix)\(line)\n") }
        return host
    }

    private func body(_ signIn: ServerSignIn) -> NewHostResource {
        var body = NewHostResource(name: name, address: signIn.address)
        body.ssh = signIn.resource(letIn: true)
        body.cluster = cluster.map { NewHostResource.Reference(name: $0) }
        body.muster = choices.resource(signIn)
        return body
    }

    /// The host keys that nobody gave, to be compared by whoever can: they are pinned now.
    private func newKeys(of host: HostResource) -> [String] {
        let server = signIn.fingerprint == nil ? host.ssh?.fingerprint : nil
        let jump = signIn.jump?.fingerprint == nil ? host.muster.jump?.fingerprint : nil
        return [(signIn.address, server, "--fingerprint"), (signIn.jump?.host ?? "", jump, "--jump-fingerprint")]
            .compactMap { place, key, option in
                key.map {
                    "host key of \(terminalEscaped(place)): \(terminalEscaped($0)), pinned at this first connection; "
                        + "compare it on the server (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), or give it by \(option)"
                }
            }
    }
}
