/// The fingerprint of a host key as ssh prints it: `SHA256:` and 43 characters of base64.
package struct HostKeyFingerprint: Hashable, Sendable, Codable, RawRepresentable, CustomStringConvertible {
    package let rawValue: String

    private static let prefix = "SHA256:"
    private static let digits = 43

    /// Takes it with or without `SHA256:` in front; `nil` for anything else.
    package init?(rawValue: String) {
        let text = rawValue.hasPrefix(Self.prefix) ? String(rawValue.dropFirst(Self.prefix.count)) : rawValue
        let isBase64 = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 43 || $0 == 47
        }
        guard text.utf8.count == Self.digits, isBase64 else { return nil }
        self.rawValue = Self.prefix + text
    }

    package var description: String { rawValue }
}

/// A host key: what `known_hosts` keeps of it, and its fingerprint.
package struct HostKey: Hashable, Sendable, Codable {
    /// `ssh-ed25519 AAAA…`, as behind the host's name in known_hosts.
    package let publicKey: String
    package let fingerprint: HostKeyFingerprint

    /// The longest line taken, in bytes.
    private static let lineBytesMax = 16 << 10

    /// From a line of known_hosts and what `ssh-keygen -l` prints for it; `nil` when one of them is malformed.
    init?(knownHostsLine: String, listing: String) {
        guard knownHostsLine.utf8.count <= Self.lineBytesMax else { return nil }
        let words = knownHostsLine.split(separator: " ")
        let listed = listing.split(separator: " ")
        guard words.count >= 3, listed.count >= 2, let print = HostKeyFingerprint(rawValue: String(listed[1])),
            words[1...2].allSatisfy({ $0.utf8.allSatisfy { (33...126).contains($0) } })
        else { return nil }
        (publicKey, fingerprint) = ("\(words[1]) \(words[2])", print)
    }

    /// `ssh-ed25519`, `rsa-sha2-512` …
    package var type: String { String(publicKey.prefix { $0 != " " }) }
}
