import ArgumentParser
import Foundation
import HostConversion
import HostModel
import SystemPackage

/// How to sign in to a server, and with it the engine's way there.
struct ServerOptions: ParsableArguments {
    @Option(help: "The user to sign in as; one who is not root becomes root by sudo.")
    var user: String?

    @Option(help: ArgumentHelp("The port of its SSH server.", valueName: "port"))
    var sshPort: UInt16?

    @Option(
        help: ArgumentHelp(
            "A private key file. Without it, the ssh-agent; without one, a password.",
            valueName: "file"
        ),
        completion: .file()
    )
    var key: String?

    @Option(
        name: [.customLong("root-password-file"), .customLong("password-file")],
        help: ArgumentHelp(
            "The user's password is the first line of this file; - is standard input.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passwordFile: String?

    @Option(
        help: ArgumentHelp("The same for sudo, where it is not the user's own that signs in.", valueName: "file"),
        completion: .file()
    )
    var sudoPasswordFile: String?

    @Option(help: ArgumentHelp("The fingerprint that its host key must have.", valueName: "SHA256:…"))
    var fingerprint: String?

    @Option(help: ArgumentHelp("A host to go through, with the same key or password.", valueName: "[user@]host[:port]"))
    var jump: String?

    @Option(help: ArgumentHelp("The fingerprint that the jump host's key must have.", valueName: "SHA256:…"))
    var jumpFingerprint: String?

    /// `--root-password-file` and a key at once would leave open which is meant.
    func validate() throws {
        guard key == nil || passwordFile == nil else {
            throw ValidationError("Give --key or --root-password-file, not both.")
        }
        for (option, text) in [("--fingerprint", fingerprint), ("--jump-fingerprint", jumpFingerprint)] {
            guard text.map({ HostKeyFingerprint(rawValue: $0) != nil }) ?? true else {
                throw ValidationError("\(option) takes SHA256: and 43 characters, as ssh-keygen -lf prints it.")
            }
        }
        guard jump != nil || jumpFingerprint == nil else {
            throw ValidationError("--jump-fingerprint goes with --jump.")
        }
        _ = try jump.map(JumpHost.init)
    }

    var jumpHost: JumpHost? {
        get throws {
            var host = try jump.map(JumpHost.init)
            host?.fingerprint = jumpFingerprint.flatMap { HostKeyFingerprint(rawValue: $0) }
            return host
        }
    }

    /// Whether anything was said about how to sign in.
    var isSilent: Bool { key == nil && passwordFile == nil && user == nil && fingerprint == nil && jump == nil }
}

/// `[user@]host[:port]`.
struct JumpHost: Hashable, Sendable {
    var user: String?
    var host: String
    var port = SSHTarget.defaultPort
    var fingerprint: HostKeyFingerprint?

    init(_ text: String) throws {
        let parts = text.split(separator: "@", maxSplits: 1)
        let place = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard place.count <= 2, let name = place.first, !name.isEmpty,
            let port = place.count == 2 ? UInt16(place[1]) : SSHTarget.defaultPort
        else { throw ValidationError("--jump takes [user@]host[:port].") }
        (user, host, self.port) = (parts.count == 2 ? String(parts[0]) : nil, String(name), port)
    }
}

/// One server, with everything that is needed to sign in there.
struct ServerSignIn: Sendable {
    var address: String
    var user = "root"
    var port = SSHTarget.defaultPort
    var authentication: SSHTarget.Authentication
    var sudoPassword: String?
    var fingerprint: HostKeyFingerprint?
    var jump: JumpHost?

    /// Reads the files that the options name, or asks.
    init(_ options: ServerOptions, address: String) throws {
        self.address = address
        (user, port) = (options.user ?? "root", options.sshPort ?? SSHTarget.defaultPort)
        fingerprint = options.fingerprint.flatMap { HostKeyFingerprint(rawValue: $0) }
        jump = try options.jumpHost
        if let key = options.key {
            authentication = .key(FilePath(URL(filePath: key).standardizedFileURL.path))
        } else if options.passwordFile == nil,
            let socket = ProcessInfo.processInfo.environment["SSH_AUTH_SOCK"], !socket.isEmpty
        {
            authentication = .agent(FilePath(socket))
        } else {
            let source = PasswordSource(file: options.passwordFile)
            authentication = .password(try source.password(for: "\(user) on \(address)"))
        }
        let user = user
        sudoPassword = try options.sudoPasswordFile.map { try PasswordSource(file: $0).password(for: user) }
    }

    /// A host that is there has shown its keys to the engine; what is given by hand goes before.
    mutating func pin(_ host: HostResource) {
        fingerprint = fingerprint ?? host.ssh?.fingerprint.flatMap { HostKeyFingerprint(rawValue: $0) }
        guard let known = host.muster.jump, let there = jump, known.address == there.host,
            known.port?.value ?? Int(SSHTarget.defaultPort) == Int(there.port)
        else { return }
        jump?.fingerprint = there.fingerprint ?? known.fingerprint.flatMap { HostKeyFingerprint(rawValue: $0) }
    }

    /// From this machine.
    func connect() async throws(ConversionError) -> SSHConnection {
        let target = try SSHTarget(
            address: address,
            port: port,
            user: user,
            authentication: authentication,
            sudoPassword: sudoPassword,
            fingerprint: fingerprint
        )
        var through: SSHTarget?
        if let jump {
            through = try SSHTarget(
                address: jump.host,
                port: jump.port,
                user: jump.user ?? user,
                authentication: authentication,
                fingerprint: jump.fingerprint
            )
        }
        return try await SSHConnection.open(target, through: through)
    }

    /// For the engine: the password, or, once it was let in, its own key.
    func resource(letIn: Bool) -> SSHResource {
        var ssh = SSHResource()
        ssh.port = WireNumber(Int(port))
        ssh.fingerprint = fingerprint?.rawValue
        if case .password(let password) = authentication {
            ssh.authentication_method = "password"
            ssh.user = .init(user_name: user, password: password)
        } else {
            ssh.authentication_method = "publickey"
            ssh.user = .init(user_name: letIn ? "root" : user)
        }
        return ssh
    }

    var isPassword: Bool {
        if case .password = authentication { true } else { false }
    }
}

extension UserError {
    /// A server that could not be looked at.
    init(_ error: ConversionError) {
        let exit: ExitStatus =
            switch error.kind {
            case .argument: .usage
            case .missingTool, .name, .unreachable: .unavailable
            case .timeout, .connectionLost, .silent, .busy, .interrupted: .tryAgain
            case .authentication, .hostKey, .privilege: .noPermission
            case .shell, .answer, .blocked, .machine, .step, .files: .failed
            }
        self.init(exit, error.message, remedy: error.remedy)
    }
}
