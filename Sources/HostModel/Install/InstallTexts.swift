// What people write into an installation's settings. Each type holds only what is safe as one word of a kickstart line;
// reading anything else from JSON is an error that names the key.

/// An `http://` or `https://` address without user, query and fragment: `http://mirror.example/9-stream/BaseOS/x86_64/os`.
package struct WebLocation: RawRepresentable, Hashable, Sendable, Codable {
    /// Without a slash at its end.
    package let rawValue: String

    /// Bytes.
    package static let bytesMax = 512

    /// `nil` unless the text is scheme, host, an optional port from 1 to 65535, and a path of letters, digits and
    /// `-._~%+=:/` without `.` and `..` as components.
    package init?(rawValue: String) {
        let text = rawValue.hasSuffix("/") ? String(rawValue.dropLast()) : rawValue
        guard text.utf8.count <= Self.bytesMax, let scheme = ["http://", "https://"].first(where: text.hasPrefix) else {
            return nil
        }
        let parts = text.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let authority = parts.first, EngineAddress(authority) != nil else { return nil }
        let isPath = parts.dropFirst().allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { isInstallByte($0, or: "-._~%+=:") }
        }
        guard isPath else { return nil }
        self.rawValue = text
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }

    /// The address of something below it. The components must be plain names.
    package func appending(_ components: String...) -> String { ([rawValue] + components).joined(separator: "/") }
}

/// A whole disk by a name that udev gives it under `/dev/disk/by-id`: `wwn-0x5000c500a1b2c3d4`,
/// `ata-WDC_WD10EZEX_WD-WCC3F0123456`, `nvme-eui.0025388b010203ff`, `virtio-DISK0001`. The name carries the WWN or the
/// serial number, so that it is the same disk after every reboot; `sda` is not.
package struct DiskLink: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    private static let families = ["wwn-0x", "nvme-", "ata-", "scsi-", "virtio-", "dm-uuid-mpath-"]

    /// `nil` for a name of another kind, for a partition (`…-part1`), and for one with other characters than letters,
    /// digits and `-._:+`.
    package init?(rawValue: String) {
        let isKnown = Self.families.contains { rawValue.hasPrefix($0) && rawValue.utf8.count > $0.utf8.count }
        guard isKnown, rawValue.utf8.count <= 200, rawValue.utf8.allSatisfy({ isInstallByte($0, or: "-._:+") }) else {
            return nil
        }
        if let part = rawValue.firstRange(of: "-part"), rawValue[part.upperBound...].allSatisfy(\.isNumber) {
            return nil
        }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }

    /// `/dev/disk/by-id/…`
    package var path: String { "/dev/disk/by-id/\(rawValue)" }
}

/// A package, a group (`@core`), or one to leave out (`-firewalld`).
package struct PackageSelection: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    package init?(rawValue: String) {
        let name = rawValue.drop { $0 == "-" || $0 == "@" }
        let isPrefix = ["", "-", "@", "-@", "@^"].contains { $0 == rawValue.dropLast(name.count) }
        guard isPrefix, let first = name.utf8.first, isInstallByte(first, or: "^"), rawValue.utf8.count <= 128,
            name.utf8.allSatisfy({ isInstallByte($0, or: "-._+^") })
        else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }
}

/// A name of the time zone database: `Europe/Prague`, `UTC`.
package struct TimeZoneName: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    package init?(rawValue: String) {
        let parts = rawValue.split(separator: "/", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            part.utf8.first.map { isInstallByte($0, or: "") } == true
                && part.utf8.allSatisfy { isInstallByte($0, or: "_+-") }
        }
        guard isName, (1...3).contains(parts.count), rawValue.utf8.count <= 64 else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }

    package static let utc = TimeZoneName(unchecked: "UTC")

    private init(unchecked text: String) { rawValue = text }
}

/// A crypt(3) hash of a password that EL9 takes: `$6$…` (SHA-512), `$5$…` (SHA-256), `$y$…` (yescrypt).
/// `openssl passwd -6` makes one. There is no way to give a password in clear text.
package struct PasswordDigest: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    package init?(rawValue: String) {
        let parts = rawValue.split(separator: "$", omittingEmptySubsequences: false)
        guard ["$6$", "$5$", "$y$"].contains(where: rawValue.hasPrefix), (4...5).contains(parts.count),
            rawValue.utf8.count <= 256, parts.dropFirst().allSatisfy({ !$0.isEmpty }),
            rawValue.utf8.allSatisfy({ isInstallByte($0, or: "$./=,") })
        else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }
}

/// A public key as in `authorized_keys`: type, key in base64, and a comment that is kept only where it is one plain word.
/// Options in front of the type are refused.
package struct SSHPublicKey: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    private static let types: Set<Substring> = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    package init?(rawValue: String) {
        let words = rawValue.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, Self.types.contains(words[0]), (16...4096).contains(words[1].utf8.count),
            words[1].utf8.allSatisfy({ isInstallByte($0, or: "+/=") })
        else { return nil }
        let comment = words.dropFirst(2).filter { word in
            word.utf8.count <= 128 && word.utf8.allSatisfy { isInstallByte($0, or: "@._+-") }
        }
        self.rawValue = (words.prefix(2) + comment).joined(separator: " ")
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }
}

/// A letter or digit of ASCII, or one of `others`.
func isInstallByte(_ byte: UInt8, or others: StaticString) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: others.withUTF8Buffer { $0.contains(byte) }
    }
}
