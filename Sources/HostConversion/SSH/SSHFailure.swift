import HostModel

/// What ssh's standard error means, in our words.
///
/// OpenSSH has no other way to say why it failed than English sentences and the status 255; the table below has those of
/// OpenSSH 8.0 to 9.9, the most telling first.
enum SSHFailure {
    private static let patterns: [(words: String, failure: @Sendable (SSHTarget, String) -> ConversionError)] = [
        ("No user exists for uid", account),
        ("Could not resolve hostname", name),
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", changed),
        ("Host key verification failed", changed),
        ("Connection refused", refused),
        ("No route to host", route),
        ("Network is unreachable", route),
        ("Connection timed out", timeout),
        ("Operation timed out", timeout),
        ("no matching", algorithm),
        ("Too many authentication failures", tooMany),
        ("incorrect passphrase", passphrase),
        ("UNPROTECTED PRIVATE KEY FILE", openKey),
        ("Permission denied (", denied),
        ("kex_exchange_identification", closed),
        ("Connection closed by", closed),
        ("Connection reset by", closed),
    ]

    /// The error for what ssh said before it had a session.
    static func beforeSession(_ said: String, _ target: SSHTarget) -> ConversionError {
        var error =
            patterns.first { said.contains($0.words) }?.failure(target, said)
            ?? ConversionError(
                .unreachable,
                "ssh could not sign in to \(target.shown)",
                remedy: "see what ssh said, and try it by hand: ssh -p \(target.port) \(target.user)@\(target.address)"
            )
        error.detail = shown(said)
        return error
    }

    /// The error for a session that ended without its answer.
    static func inSession(_ said: String, _ target: SSHTarget) -> ConversionError {
        ConversionError(
            .connectionLost,
            "the connection to \(target.shown) broke",
            remedy:
                "see whether the server is up and reachable, and start it again: it goes on from the last finished step",
            detail: shown(said)
        )
    }

    static func shown(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { terminalEscaped($0) }.joined(separator: "\n")
    }

    @Sendable private static func name(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .name,
            "the name \(target.address) does not resolve",
            remedy: "correct the name, add it to DNS or /etc/hosts of this machine, or give an IP address"
        )
    }

    @Sendable private static func account(_: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .missingTool,
            "ssh does not run as the user of this program, who has no account on this machine",
            remedy: "make one: useradd --system muster; or give the engine one that is there: --user NAME"
        )
    }

    @Sendable private static func refused(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .unreachable,
            "\(target.shown) refused the connection",
            remedy: "see whether sshd runs there, on this port, and whether a firewall rejects it"
        )
    }

    @Sendable private static func route(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .unreachable,
            "there is no way to \(target.shown)",
            remedy: "see whether the address is right, the server is on, and this machine has a route to its network"
        )
    }

    @Sendable static func timeout(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .timeout,
            "\(target.shown) did not answer in time",
            remedy: "see whether the server is on, and whether a firewall drops packets to this port"
        )
    }

    @Sendable private static func changed(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .hostKey,
            "\(target.shown) shows another host key than before",
            remedy:
                "compare it with the key on the server's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        )
    }

    @Sendable private static func algorithm(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .unreachable,
            "\(target.shown) offers no key exchange, cipher or host key type that this machine takes",
            remedy: "update the server's OpenSSH, or give it an ed25519, ECDSA or RSA host key: ssh-keygen -A"
        )
    }

    @Sendable private static func tooMany(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .authentication,
            "\(target.shown) gave up: too many keys were offered to it",
            remedy: "name one key by --key, or leave only the right one in the agent"
        )
    }

    @Sendable private static func passphrase(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .authentication,
            "the key file has another passphrase",
            remedy: "give its passphrase, or load the key into ssh-agent and use that"
        )
    }

    @Sendable private static func openKey(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .authentication,
            "ssh does not use the key file, because others than its owner may read it",
            remedy: "chmod 600 the key file"
        )
    }

    /// `Permission denied (publickey,password).`: the words in brackets are the ways that the server would take.
    @Sendable private static func denied(_ target: SSHTarget, _ said: String) -> ConversionError {
        let ways = said.split(separator: "Permission denied (").last?.prefix { $0 != ")" } ?? ""
        let taken = terminalEscaped(ways.prefix(100))
        let user = target.user
        switch target.authentication {
        case .password where !ways.contains("password") && !ways.contains("keyboard-interactive"):
            return ConversionError(
                .authentication,
                "\(target.shown) takes no password for \(user), only \(taken)",
                remedy: "use --key, or allow PasswordAuthentication (for root: PermitRootLogin yes) in its sshd_config"
            )
        case .password:
            return ConversionError(
                .authentication,
                "\(target.shown) did not accept the password of \(user)",
                remedy: "correct the password; for root see also PermitRootLogin in its sshd_config"
            )
        case .key(let file, _):
            return ConversionError(
                .authentication,
                "\(target.shown) did not accept the key \(file) for \(user)",
                remedy:
                    "add its public half to the authorized_keys of \(user): ssh-copy-id -i \(file) \(user)@\(target.address)"
            )
        case .agent:
            return ConversionError(
                .authentication,
                "\(target.shown) accepted no key of the ssh-agent for \(user)",
                remedy: "see ssh-add -l, and add the public half to the authorized_keys of \(user)"
            )
        }
    }

    @Sendable private static func closed(_ target: SSHTarget, _: String) -> ConversionError {
        ConversionError(
            .unreachable,
            "\(target.shown) closed the connection before anything was said",
            remedy: "see the server's sshd log: access rules, MaxStartups, or another service on this port"
        )
    }
}
