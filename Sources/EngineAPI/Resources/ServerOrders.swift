import Crypto
import Engine
import Foundation
import HostConversion
import HostModel
import Hummingbird

// What clients send about servers, read into types that cannot be wrong. Nothing of a password gets into a refusal.

/// How to sign in, out of `root_password` and `ssh`.
struct ServerSignIn {
    var user: String?
    var port: UInt16?
    var fingerprint: HostKeyFingerprint?
    /// `nil`: nothing was said about it.
    var credentials: ServerCredentials?

    init(_ rootPassword: String?, _ ssh: SSHResource?, _ choices: ServerChoices?) throws {
        user = ssh?.user?.user_name
        port = try ssh?.port.map { try Self.port($0, "ssh.port") }
        fingerprint = try Self.fingerprint(ssh)
        let password = ssh?.user?.password ?? rootPassword
        switch ssh?.authentication_method?.lowercased() {
        case "publickey": credentials = .engineKey
        case "password", nil:
            guard let password, !password.isEmpty else {
                guard ssh?.authentication_method == nil, password == nil else {
                    throw Fault(
                        .badRequest,
                        "The password is empty.",
                        remedy: "Send root_password, or ssh.user.password."
                    )
                }
                return
            }
            credentials = .password(password, sudo: choices?.sudo_password)
        case .some(let other):
            throw Fault(
                .badRequest,
                "\(other.prefix(32)) is no authentication_method.",
                remedy: "Send password or publickey."
            )
        }
    }

    /// RFC 4253, section 6.6: the name of its kind, behind its length, comes first.
    private static func isKey(_ bytes: Data) -> Bool {
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let name = bytes.dropFirst(4).prefix(length)
        return bytes.count >= 4 && (7...64).contains(length) && name.count == length
            && name.allSatisfy { (33...126).contains($0) }
    }

    static func port(_ number: WireNumber, _ name: String) throws -> UInt16 {
        guard let port = UInt16(exactly: number.value), port > 0 else {
            throw Fault(.badRequest, "\(name) is not a port.", remedy: "Send a number from 1 to 65535.")
        }
        return port
    }

    private static func fingerprint(_ ssh: SSHResource?) throws -> HostKeyFingerprint? {
        if let text = ssh?.fingerprint, !text.isEmpty {
            guard let print = HostKeyFingerprint(rawValue: text) else {
                throw Fault(
                    .badRequest,
                    "ssh.fingerprint is no SHA-256 fingerprint.",
                    remedy: "Send SHA256: and 43 characters, as ssh-keygen -lf prints it; MD5 is not taken."
                )
            }
            return print
        }
        guard let key = ssh?.public_key, !key.isEmpty else { return nil }
        let words = key.split(separator: " ")
        guard let blob = words.count == 1 ? words.first : words.dropFirst().first,
            let bytes = Data(base64Encoded: String(blob)), isKey(bytes),
            let print = HostKeyFingerprint(
                rawValue: Data(SHA256.hash(data: bytes)).base64EncodedString().filter { $0 != "=" }
            )
        else {
            throw Fault(
                .badRequest,
                "ssh.public_key is no key.",
                remedy: "Send it as in /etc/ssh/ssh_host_ed25519_key.pub."
            )
        }
        return print
    }
}

extension ServerOrder {
    /// `reboot` and `activate`: of the query.
    init(_ body: NewHostResource, reboot: Bool? = nil, activate: Bool? = nil) throws {
        guard let name = HostName(body.name) else {
            throw Fault(.badRequest, "The name is no host name.", remedy: "Use letters, digits, hyphens and dots.")
        }
        let signIn = try ServerSignIn(body.root_password, body.ssh, body.muster)
        guard let credentials = signIn.credentials else {
            throw Fault(
                .badRequest,
                "There is no way to sign in to the server.",
                remedy:
                    "Send root_password, or ssh with authentication_method publickey once the engine's key is there."
            )
        }
        var access = ServerAccess(
            address: body.address,
            port: signIn.port ?? SSHTarget.defaultPort,
            user: signIn.user ?? "root"
        )
        access.fingerprint = signIn.fingerprint
        access.jump = try body.muster?.jump.map { try ServerAccess.Jump($0) }
        let port = try body.port.map { try ServerSignIn.port($0, "port") }
        self.init(name: name, address: body.address, port: port ?? 54321, access: access, credentials: credentials)
        cluster = body.cluster.flatMap { $0.id ?? $0.name }
        options = try ConversionChoices(body.muster, reboot: reboot, activate: activate).applied(
            to: ConversionOptions()
        )
    }
}

extension ServerReorder {
    init(_ body: ServerActionResource?) throws {
        self.init()
        let signIn = try ServerSignIn(body?.root_password, body?.ssh, body?.muster)
        (user, port, fingerprint, credentials) = (signIn.user, signIn.port, signIn.fingerprint, signIn.credentials)
        jump = try body?.muster?.jump.map { try ServerAccess.Jump($0) }
        choices = try ConversionChoices(body?.muster, reboot: body?.reboot, activate: body?.activate)
    }
}

extension ServerAccess.Jump {
    fileprivate init(_ jump: ServerChoices.Jump) throws {
        self.init(
            address: jump.address,
            port: try jump.port.map { try ServerSignIn.port($0, "muster.jump.port") } ?? SSHTarget.defaultPort,
            user: jump.user_name ?? "root"
        )
        fingerprint = try jump.fingerprint.map { text in
            guard let print = HostKeyFingerprint(rawValue: text) else {
                throw Fault(
                    .badRequest,
                    "muster.jump.fingerprint is no SHA-256 fingerprint.",
                    remedy: "Send SHA256: and 43 characters, as ssh-keygen -lf prints it."
                )
            }
            return print
        }
    }
}

extension ConversionChoices {
    fileprivate init(_ choices: ServerChoices?, reboot: Bool?, activate: Bool?) throws {
        self.init()
        if let url = choices?.repository {
            // What comes from it is installed as root, and no key is asked for: nobody on the way may change it.
            guard url.hasPrefix("https://"), ConversionRequest.Repository(url: url) != nil else {
                throw Fault(
                    .badRequest,
                    "muster.repository is no https URL of a repository.",
                    remedy: "Send https://HOST/PATH: its packages are installed without a signature."
                )
            }
            repository = url
        }
        needsVirtualization = choices?.without_virtualization.map { !$0 }
        mayReboot = choices?.reboot ?? reboot
        activates = choices?.activate ?? activate
        undoesFailure = choices?.undo_on_failure
        takesOver = choices?.take_over
        wantsKdump = choices?.kdump
    }
}
