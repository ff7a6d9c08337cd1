import ArgumentParser
import Foundation
import HostConversion
import SystemPackage

/// How to sign in to a server that is no node yet.
struct ServerOptions: ParsableArguments {
    @Option(help: "Name or IP address of the server.")
    var address: String

    @Option(help: "The user to sign in as; one who is not root becomes root by sudo.")
    var user = "root"

    @Option(help: ArgumentHelp("The port of its SSH server.", valueName: "port"))
    var sshPort = SSHTarget.defaultPort

    @Option(
        help: ArgumentHelp(
            "A private key file. Without it, the ssh-agent; without one, a password.",
            valueName: "file"
        ),
        completion: .file()
    )
    var key: String?

    @Option(
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

    /// `--root-password-file` and a key at once would leave open which is meant.
    func validate() throws {
        guard key == nil || passwordFile == nil else {
            throw ValidationError("Give --key or --password-file, not both.")
        }
    }

    func target() throws -> SSHTarget {
        try target(user: user, address: address, port: sshPort, fingerprint: pinned())
    }

    func jumpTarget() throws -> SSHTarget? {
        guard let jump else { return nil }
        let parts = jump.split(separator: "@", maxSplits: 1)
        let place = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard place.count <= 2, let host = place.first,
            let port = place.count == 2 ? UInt16(place[1]) : SSHTarget.defaultPort
        else { throw ValidationError("--jump takes [user@]host[:port].") }
        let user = parts.count == 2 ? String(parts[0]) : user
        return try target(user: user, address: String(host), port: port, fingerprint: nil)
    }

    private func target(user: String, address: String, port: UInt16, fingerprint: HostKeyFingerprint?) throws
        -> SSHTarget
    {
        do {
            return try SSHTarget(
                address: address,
                port: port,
                user: user,
                authentication: try authentication(),
                sudoPassword: try sudoPasswordFile.map { try PasswordSource(file: $0).password(for: user) },
                fingerprint: fingerprint
            )
        } catch let error as ConversionError { throw UserError(error) }
    }

    private func authentication() throws -> SSHTarget.Authentication {
        if let key { return .key(FilePath(URL(filePath: key).standardizedFileURL.path)) }
        if passwordFile == nil, let socket = ProcessInfo.processInfo.environment["SSH_AUTH_SOCK"], !socket.isEmpty {
            return .agent(FilePath(socket))
        }
        return .password(try PasswordSource(file: passwordFile).password(for: "\(user) on \(address)"))
    }

    private func pinned() throws -> HostKeyFingerprint? {
        guard let fingerprint else { return nil }
        guard let print = HostKeyFingerprint(rawValue: fingerprint) else {
            throw ValidationError("--fingerprint takes SHA256: and 43 characters, as ssh-keygen -lf prints it.")
        }
        return print
    }
}

extension UserError {
    /// A server that could not be looked at.
    init(_ error: ConversionError) {
        let exit: ExitStatus =
            switch error.kind {
            case .argument: .usage
            case .missingTool, .name, .unreachable: .unavailable
            case .timeout, .connectionLost, .interrupted: .tryAgain
            case .authentication, .hostKey, .privilege: .noPermission
            case .shell, .answer, .blocked, .step, .files: .failed
            }
        self.init(exit, error.message, remedy: error.remedy)
    }
}
