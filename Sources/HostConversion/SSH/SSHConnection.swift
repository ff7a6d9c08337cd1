import HostModel
import SystemPackage

/// A signed-in connection to a server, by the system's OpenSSH client: one TCP connection, on which every script is a
/// session of its own (ControlMaster).
///
/// A script goes in on standard input and its output comes back between marks; nothing of it is on a command line. What it
/// starts on the server goes on when the connection breaks: whoever needs more than an answer keeps it there.
package final class SSHConnection: Sendable {
    /// How the user is root.
    enum Privilege: Hashable, Sendable {
        case isRoot
        case sudo
        case sudoWithPassword(String)
    }

    /// How long signing in may take, the jump host included.
    static let openLimit: Duration = .seconds(60)
    /// How long ssh may take to pass on the master's answer.
    private static let controlLimit: Duration = .seconds(5)
    /// How long the questions about the user's shell and sudo may take.
    private static let probeLimit: Duration = .seconds(30)

    package let target: SSHTarget
    /// The key that the server showed; to be pinned by whoever had none.
    package let hostKey: HostKey
    package let jumpHostKey: HostKey?
    let privilege: Privilege
    private let configuration: SSHConfiguration

    private init(
        _ configuration: SSHConfiguration,
        _ hostKey: HostKey,
        _ jumpHostKey: HostKey?,
        _ privilege: Privilege
    ) {
        (self.configuration, self.hostKey, self.jumpHostKey) = (configuration, hostKey, jumpHostKey)
        (self.target, self.privilege) = (configuration.target, privilege)
    }

    /// Looks at the host key before any secret is sent, signs in, and finds out how to be root.
    package static func open(
        _ target: SSHTarget,
        through jump: SSHTarget? = nil
    ) async throws(ConversionError) -> SSHConnection {
        let configuration = SSHConfiguration(target: target, jump: jump, folder: try SSHFolder())
        do throws(ConversionError) {
            let keys = try await HostKeyScan(configuration: configuration).pinned()
            try await signIn(configuration)
            let bare = SSHConnection(configuration, keys.target, keys.jump, .isRoot)
            return SSHConnection(configuration, keys.target, keys.jump, try await bare.findPrivilege())
        } catch {
            configuration.forget()
            await leave(configuration)
            throw error
        }
    }

    /// The keys that are shown, without signing in to the target: for whoever has to confirm them first. Through a jump host it
    /// is signed in there.
    package static func hostKeys(
        of target: SSHTarget,
        through jump: SSHTarget? = nil
    ) async throws(ConversionError) -> (target: HostKey, jump: HostKey?) {
        let configuration = SSHConfiguration(target: target, jump: jump, folder: try SSHFolder())
        defer { configuration.forget() }
        return try await HostKeyScan(configuration: configuration).pinned()
    }

    /// Signs in with a command that does nothing, which leaves the connection in the background until it is told to go, or
    /// had no work for `persistSeconds`: so much stays behind after a kill -9.
    private static func signIn(_ configuration: SSHConfiguration) async throws(ConversionError) {
        try configuration.prepare()
        let ending = try await SSHProgram.ssh.run(
            ["-F", configuration.folder.file("config").string, "-M", "-T", SSHConfiguration.targetName, "exit"],
            environment: configuration.environment,
            outputLimit: 4096,
            timeLimit: openLimit
        )
        configuration.forget()
        guard !ending.isTimedOut else { throw SSHFailure.timeout(configuration.target, "") }
        // Any other code is the command's: a user whose shell runs none has signed in too.
        guard let code = ending.exitCode, code != 255 else {
            throw SSHFailure.beforeSession(ending.complaint, configuration.target)
        }
    }

    /// Ends the connection; what runs on the server goes on.
    package func close() async { await Self.leave(configuration) }

    private static func leave(_ configuration: SSHConfiguration) async {
        let arguments = ["-F", configuration.folder.file("config").string, "-O", "exit", SSHConfiguration.targetName]
        // Also where the task is cancelled: a connection must not stay behind.
        await Task { [arguments] in
            _ = try? await SSHProgram.ssh.run(arguments, outputLimit: 4096, timeLimit: controlLimit)
        }.value
    }

    /// Runs a script as root and gives what it printed.
    package func run(_ script: RemoteScript) async throws(ConversionError) -> RemoteAnswer {
        try await run(script, as: privilege)
    }

    private func run(_ script: RemoteScript, as privilege: Privilege) async throws(ConversionError) -> RemoteAnswer {
        let ending = try await SSHProgram.ssh.run(
            [
                "-F", configuration.folder.file("config").string, "-o", "ControlMaster=no", "-o", "BatchMode=yes", "-T",
                SSHConfiguration.targetName, RemoteScript.command(privilege),
            ],
            input: try script.input(privilege),
            environment: ["SSH_ASKPASS_REQUIRE": "never"],
            outputLimit: script.outputLimit,
            timeLimit: script.timeLimit,
            silenceLimit: script.silenceLimit
        )
        guard !ending.isSilent else {
            throw ConversionError(
                .silent,
                "\(target.shown) gave no sign of life for \(script.silenceLimit.components.seconds) s at: \(script.purpose)",
                remedy: "see what the server is busy with, and start it again: it goes on from the last finished step"
            )
        }
        guard !ending.isTimedOut else {
            throw ConversionError(
                .timeout,
                "\(target.shown) took longer than \(script.timeLimit.components.seconds) s for: \(script.purpose)",
                remedy: "see what the server is busy with, and start it again: it goes on from the last finished step"
            )
        }
        guard let answer = RemoteAnswer(ending) else { throw noAnswer(ending, script) }
        guard answer.exitCode != 255 else { throw SSHFailure.inSession(ending.complaint, target) }
        return answer
    }

    private func noAnswer(_ ending: SSHProgram.Ending, _ script: RemoteScript) -> ConversionError {
        if ending.complaint.contains("assword has expired") || ending.complaint.contains("assword change required") {
            return ConversionError(
                .authentication,
                "the password of \(target.user) on \(target.shown) has expired",
                remedy: "sign in by hand once and change it: ssh -p \(target.port) \(target.user)@\(target.address)",
                detail: SSHFailure.shown(ending.complaint)
            )
        }
        if ending.exitCode == 255 { return SSHFailure.inSession(ending.complaint, target) }
        return ConversionError(
            .shell,
            "the shell of \(target.user) on \(target.shown) runs no commands",
            remedy: "give this user /bin/sh or bash as login shell, or name another user",
            detail: SSHFailure.shown(String(decoding: ending.output.prefix(1024), as: UTF8.self) + ending.complaint)
        )
    }

    // MARK: - Becoming root

    private func findPrivilege() async throws(ConversionError) -> Privilege {
        let who = try await run(Self.probe, as: .isRoot)
        guard String(decoding: who.output, as: UTF8.self) != "0\n" else { return .isRoot }
        let ways: [Privilege] = [.sudo] + (sudoPassword.map { [.sudoWithPassword($0)] } ?? [])
        var said = ""
        for way in ways {
            do throws(ConversionError) {
                let root = try await run(Self.probe, as: way)
                if String(decoding: root.output, as: UTF8.self) == "0\n" { return way }
                said = root.complaint
            } catch {
                guard error.kind == .shell else { throw error }
                said = error.detail
            }
        }
        throw sudoFailure(said)
    }

    private static let probe = RemoteScript("id -u", purpose: "who the user is", timeLimit: probeLimit)

    private var sudoPassword: String? {
        if let given = target.sudoPassword { return given }
        if case .password(let password) = target.authentication { return password }
        return nil
    }

    private func sudoFailure(_ said: String) -> ConversionError {
        let user = target.user
        let remedy: String
        let message: String
        if said.contains("not found") {
            (message, remedy) = ("there is no sudo on \(target.shown)", "sign in as root, or install sudo there")
        } else if said.contains("not in the sudoers") || said.contains("not allowed") || said.contains("may not run") {
            message = "\(user) may not become root on \(target.shown)"
            remedy = "allow it in /etc/sudoers.d: \(user) ALL=(ALL) NOPASSWD: ALL"
        } else if said.contains("must have a tty") {
            message = "sudo on \(target.shown) wants a terminal"
            remedy = "remove requiretty for \(user) in its sudoers: Defaults:\(user) !requiretty"
        } else if sudoPassword == nil {
            message = "sudo on \(target.shown) asks \(user) for a password"
            remedy = "give it by --sudo-password-file, or allow NOPASSWD for \(user) in /etc/sudoers.d"
        } else {
            message = "sudo on \(target.shown) did not accept the password of \(user)"
            remedy = "correct the password; it is that of \(user), not root's"
        }
        return ConversionError(.privilege, message, remedy: remedy, detail: said)
    }
}
