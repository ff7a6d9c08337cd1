package import SystemPackage

/// A server, or a jump host in front of it, and how to sign in there.
package struct SSHTarget: Hashable, Sendable {
    /// How the user shows who he is.
    package enum Authentication: Hashable, Sendable {
        /// Asked for by ssh through SSH_ASKPASS, so that neither arguments nor environment show it.
        case password(String)
        /// A private key file, with its passphrase where it has one.
        case key(FilePath, passphrase: String? = nil)
        /// The ssh-agent behind this socket.
        case agent(FilePath)
    }

    /// A name, an IPv4 or an IPv6 address.
    package let address: String
    package let port: UInt16
    package let user: String
    package var authentication: Authentication
    /// For a user who is not root and whom sudo asks; his own password unless set.
    package var sudoPassword: String?
    /// As ssh shows it (`SHA256:…`); `nil`: whatever the server shows is taken and pinned from then on.
    package var fingerprint: HostKeyFingerprint?

    package static let defaultPort: UInt16 = 22
    private static let addressBytesMax = 255
    private static let userBytesMax = 32

    /// Throws where address or user are none: they go into ssh's configuration.
    package init(
        address: String,
        port: UInt16 = Self.defaultPort,
        user: String = "root",
        authentication: Authentication,
        sudoPassword: String? = nil,
        fingerprint: HostKeyFingerprint? = nil
    ) throws(ConversionError) {
        guard Self.isAddress(address) else {
            throw ConversionError(
                .argument,
                "this is no host name and no IP address: \(String(address.prefix(80)).debugDescription)",
                remedy: "give the server's name or address, for example 192.0.2.10"
            )
        }
        guard Self.isUser(user), port > 0 else {
            throw ConversionError(
                .argument,
                "this is no user name: \(String(user.prefix(80)).debugDescription)",
                remedy: "give a user of the server, for example root"
            )
        }
        (self.address, self.port, self.user, self.authentication) = (address, port, user, authentication)
        (self.sudoPassword, self.fingerprint) = (sudoPassword, fingerprint)
    }

    private static func isAddress(_ text: String) -> Bool {
        guard (1...addressBytesMax).contains(text.utf8.count), let first = text.utf8.first, isWord(first) || first == 58
        else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 || $0 == 58 }
    }

    private static func isUser(_ text: String) -> Bool {
        guard (1...userBytesMax).contains(text.utf8.count), let first = text.utf8.first, isWord(first) || first == 95
        else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 || $0 == 95 }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    /// `ADDRESS` or, where the port is not 22, `ADDRESS port N`.
    var shown: String { port == Self.defaultPort ? address : "\(address) port \(port)" }
}
