package import HostConversion
import HostModel
import SystemPackage

/// How the engine reaches a server by SSH. What is secret is never in here: it lives in memory until the server knows the
/// engine's own key.
package struct ServerAccess: Hashable, Sendable, Codable {
    /// A host in front of the server.
    package struct Jump: Hashable, Sendable, Codable {
        package var address: String
        package var port: UInt16
        package var user: String
        /// Pinned at the first connection, if nobody gave one.
        package var fingerprint: HostKeyFingerprint?

        package init(address: String, port: UInt16 = SSHTarget.defaultPort, user: String = "root") {
            (self.address, self.port, self.user) = (address, port, user)
        }
    }

    package var address: String
    package var port: UInt16
    package var user: String
    /// Pinned at the first connection, if nobody gave one.
    package var fingerprint: HostKeyFingerprint?
    package var jump: Jump?
    /// The engine's key opens the account of `keyUser` there.
    package var hasEngineKey = false
    /// `nil`: that of `user`.
    package var keyUser: String?
    /// Which machine was converted.
    package var machine: ServerMachine?
    /// What was chosen when it was worked on last.
    package var options: ConversionOptions?

    package init(address: String, port: UInt16 = SSHTarget.defaultPort, user: String = "root") {
        (self.address, self.port, self.user) = (address, port, user)
    }
}

/// By what the engine signs in. Never stored, and shown as a word only.
package enum ServerCredentials: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The engine's own key is in the user's authorized_keys.
    case engineKey
    /// The user's password, and sudo's where it is another.
    case password(String, sudo: String? = nil)

    package var description: String {
        switch self {
        case .engineKey: "the engine's key"
        case .password: "a password"
        }
    }

    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension ServerAccess {
    /// The way in by the engine's key.
    package var byEngineKey: ServerAccess {
        var access = self
        access.user = keyUser ?? user
        return access
    }

    /// What was shown at a first connection is pinned.
    mutating func pin(_ server: HostKeyFingerprint, jump key: HostKeyFingerprint?) {
        fingerprint = fingerprint ?? server
        if jump?.fingerprint == nil { jump?.fingerprint = key }
    }

    /// Both ends of the way there. `keyFile`: the engine's private key.
    func targets(
        _ credentials: ServerCredentials,
        keyFile: String
    ) throws(ConversionError) -> (server: SSHTarget, jump: SSHTarget?) {
        let authentication: SSHTarget.Authentication
        var sudo: String?
        switch credentials {
        case .engineKey: authentication = .key(FilePath(keyFile))
        case .password(let password, let other): (authentication, sudo) = (.password(password), other)
        }
        let server = try SSHTarget(
            address: address,
            port: port,
            user: user,
            authentication: authentication,
            sudoPassword: sudo,
            fingerprint: fingerprint
        )
        guard let jump else { return (server, nil) }
        return (
            server,
            try SSHTarget(
                address: jump.address,
                port: jump.port,
                user: jump.user,
                authentication: authentication,
                fingerprint: jump.fingerprint
            )
        )
    }
}
