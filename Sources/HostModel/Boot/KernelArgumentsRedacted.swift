extension KernelArguments {
    /// The line with `…` in the place of every secret, for whoever may read what a host reports: passwords and their
    /// hashes, tokens, keys, and the user's part of an address. Names and all other values stay, for they explain a boot.
    package var redacted: String { words.map { $0.redacted }.joined(separator: " ") }
}

extension KernelArguments.Word {
    private static let mark = "…"

    /// Parts of a name behind which a secret stands: `adminpw`, `inst.rootpw`, `rd.iscsi.password`, `luks_passphrase`.
    private static let secretParts = ["passw", "passphrase", "secret", "token", "credential"]
    private static let secretEnds = ["pw", "pwd", "pass", ".key", "_key", "-key", "apikey"]

    fileprivate var redacted: String {
        guard let value else { return Self.quoted(Self.withoutUser(name)) }
        return "\(name)=" + (isSecret(value) ? Self.mark : Self.quoted(Self.withoutUser(value)))
    }

    private func isSecret(_ value: String) -> Bool {
        let name = name.lowercased()
        // A crypt(3) hash, whatever its name: `$6$salt$…`.
        let isHash = value.hasPrefix("$") && value.dropFirst().contains("$")
        return isHash || Self.secretParts.contains { name.contains($0) }
            || Self.secretEnds.contains { name.hasSuffix($0) }
    }

    /// `iscsi:user:password@host`, `https://user:password@host`: all before the last `@` but the scheme.
    private static func withoutUser(_ value: String) -> String {
        guard let at = value.lastIndex(of: "@"), value[..<at].contains(":") else { return value }
        let schemes = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return "\(schemes[0]):\(mark)\(value[at...])"
    }

    private static func quoted(_ text: String) -> String {
        text.utf8.contains { $0 == 32 || (9...13).contains($0) } ? "\"\(text)\"" : text
    }
}
