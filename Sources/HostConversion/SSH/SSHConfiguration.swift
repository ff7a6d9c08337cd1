import SystemPackage

/// The file that ssh reads instead of the user's and the machine's: what is not in it is OpenSSH's default.
struct SSHConfiguration {
    /// How long a TCP connection and the key exchange may take, in seconds (oVirt: 20).
    static let connectSeconds = 20
    /// A server that answers nothing for `aliveSeconds * aliveCount` is lost.
    static let aliveSeconds = 10
    static let aliveCount = 3
    /// How long the connection outlives its last command, in seconds: so much stays behind after a kill -9.
    static let persistSeconds = 120

    static let targetName = "muster-target"
    static let jumpName = "muster-jump"

    var target: SSHTarget
    var jump: SSHTarget?
    var folder: SSHFolder

    var text: String {
        var lines = host(target, Self.targetName, "target")
        lines += [
            "  ControlPath \(folder.file("control"))", "  ControlPersist \(Self.persistSeconds)",
        ]
        if let jump {
            lines.append("  ProxyJump \(Self.jumpName)")
            lines += host(jump, Self.jumpName, "jump")
        }
        lines += [
            "Host *", "  UserKnownHostsFile \(folder.file("known_hosts"))", "  GlobalKnownHostsFile /dev/null",
            "  StrictHostKeyChecking yes", "  HashKnownHosts no", "  UpdateHostKeys no", "  CheckHostIP no",
            "  VerifyHostKeyDNS no", "  ConnectTimeout \(Self.connectSeconds)", "  ConnectionAttempts 1",
            "  ServerAliveInterval \(Self.aliveSeconds)", "  ServerAliveCountMax \(Self.aliveCount)",
            "  TCPKeepAlive yes",
            "  NumberOfPasswordPrompts 1", "  ForwardAgent no", "  ForwardX11 no", "  ClearAllForwardings no",
            "  RequestTTY no", "  EscapeChar none", "  PermitLocalCommand no", "  LogLevel ERROR",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private func host(_ target: SSHTarget, _ name: String, _ role: String) -> [String] {
        [
            "Host \(name)", "  HostName \(target.address)", "  HostKeyAlias \(name)", "  Port \(target.port)",
            "  User \(target.user)",
        ] + authentication(target.authentication, role)
    }

    private func authentication(_ authentication: SSHTarget.Authentication, _ role: String) -> [String] {
        switch authentication {
        case .password:
            [
                "  PreferredAuthentications password,keyboard-interactive", "  PubkeyAuthentication no",
                "  BatchMode no", "  IdentityAgent none",
            ]
        case .key(_, let passphrase):
            [
                "  PreferredAuthentications publickey", "  IdentityFile \(folder.file("\(role).identity"))",
                "  IdentitiesOnly yes", "  IdentityAgent none", "  BatchMode \(passphrase == nil ? "yes" : "no")",
            ]
        case .agent:
            ["  PreferredAuthentications publickey", "  IdentityFile none", "  BatchMode yes"]
        }
    }

    /// Lays the links to key files, and the secrets for the one authentication that comes.
    func prepare() throws(ConversionError) {
        try folder.write(text, to: "config")
        for (role, target) in [("target", target)] + (jump.map { [("jump", $0)] } ?? []) {
            switch target.authentication {
            case .password(let password): try folder.offer(password, as: "\(role).password")
            case .key(let file, let passphrase):
                try folder.link("\(role).identity", to: file)
                if let passphrase { try folder.offer(passphrase, as: "\(role).passphrase") }
            case .agent: break
            }
        }
        try folder.write(Self.askpass, to: "askpass", permissions: [.ownerReadWriteExecute])
    }

    /// The secrets were used, or never will be.
    func forget() { folder.withdraw() }

    var environment: [String: String] {
        var values = ["SSH_ASKPASS": folder.file("askpass").string, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":"]
        if case .agent(let socket) = target.authentication { values["SSH_AUTH_SOCK"] = socket.string }
        if case .agent(let socket) = jump?.authentication { values["SSH_AUTH_SOCK"] = socket.string }
        return values
    }

    /// Answers ssh's question from a pipe that it removes: each secret is given once, to the one question that it is for.
    /// A pipe whose writer is gone is not waited for.
    private static let askpass = """
        #!/bin/sh
        role=target
        case $1 in *\(jumpName)* | *jump.identity*) role=jump ;; esac
        case $1 in
        *assphrase*) file=${0%/*}/$role.passphrase ;;
        *assword*) file=${0%/*}/$role.password ;;
        *) exit 1 ;;
        esac
        [ -p "$file" ] || exit 1
        timeout 10 head -n 1 "$file" || exit 1
        rm -f "$file"

        """
}
