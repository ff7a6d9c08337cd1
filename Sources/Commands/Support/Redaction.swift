import Foundation

/// Takes out of a text what nobody but its owner should read: the second line of defence of a support bundle, whose first is
/// that no secret is asked for. It errs on the side of taking too much.
struct Redaction {
    /// What was taken out, for the bundle's own list.
    private(set) var count = 0

    static let mark = "[removed]"

    /// Names of fields and settings whose values are secrets, wherever they stand in the name.
    private static let words = [
        "password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "credential", "private_key",
        "privatekey", "api_key", "apikey", "rootpw", "community",
    ]
    /// Such names that say where a secret lies, or how many there are, and not what it is.
    private static let harmless = ["_file", "-file", "file", "count", "max", "seconds", "row"]

    static func isSecret(name: String) -> Bool {
        let name = name.lowercased()
        return words.contains { name.contains($0) } && !harmless.contains { name.hasSuffix($0) }
    }

    /// JSON with the values of secret fields taken out, sorted and indented; `nil` for what is none.
    mutating func json(_ bytes: Data) -> Data? {
        guard let value = try? JSONSerialization.jsonObject(with: bytes, options: .fragmentsAllowed) else { return nil }
        let clean = clean(value)
        let options: JSONSerialization.WritingOptions = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
        ]
        return try? JSONSerialization.data(withJSONObject: clean, options: options)
    }

    private mutating func clean(_ value: Any) -> Any {
        switch value {
        case let object as [String: Any]:
            var result: [String: Any] = [:]
            for (name, value) in object {
                if Self.isSecret(name: name), let object = value as? [String: Any] {
                    result[name] = withoutTexts(object)
                } else if Self.isSecret(name: name), !(value is NSNull) {
                    count += 1
                    result[name] = Self.mark
                } else {
                    result[name] = clean(value)
                }
            }
            return result
        // Lines of a log: a key stands in many of them.
        case let lines as [String]:
            return text(lines.joined(separator: "\n")).split(separator: "\n", omittingEmptySubsequences: false).map(
                String.init
            )
        case let array as [Any]: return array.map { clean($0) }
        case let text as String: return self.text(text)
        default: return value
        }
    }

    /// What a secret's name stands over: its numbers may be limits, its texts are nobody's.
    private mutating func withoutTexts(_ value: Any) -> Any {
        switch value {
        case let object as [String: Any]:
            var result: [String: Any] = [:]
            for (name, value) in object { result[name] = withoutTexts(value) }
            return result
        case let array as [Any]: return array.map { withoutTexts($0) }
        case is String:
            count += 1
            return Self.mark
        default: return value
        }
    }

    /// Any text: private keys, hashes of passwords, bearer tokens, and what follows a secret's name.
    mutating func text(_ text: String) -> String {
        guard Self.triggers.contains(where: { text.range(of: $0, options: .caseInsensitive) != nil }) else {
            return text
        }
        var text = text
        for pattern in Self.patterns {
            var taken = 0
            text.replace(pattern) { match in
                taken += 1
                return "\(match.output.1)\(Self.mark)"
            }
            count += taken
        }
        return text
    }

    /// Without one of these there is nothing to look for.
    private static let triggers =
        words + ["PRIVATE KEY", "Bearer", "Basic ", "$", "://", "JSESSIONID", "muster-console=", " -P "]

    // What is kept stands in the first group. A regular expression is no value of the standard library that may be shared.
    private static var patterns: [Regex<(Substring, Substring)>] {
        [
            /()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/,
            // The rest of a key whose first line was cut off.
            /()(?:[A-Za-z0-9+\/=]{4,}\s+)+-----END [A-Z ]*PRIVATE KEY-----/,
            /((?:JSESSIONID|muster-console)=)[^\s;,"']+/,
            // Options of programs: --password X, ipmitool -P X.
            /((?:--?[A-Za-z-]*(?:password|passwd|passphrase|secret|token)|\s-P)\s+)[^\s"',;&-][^\s"',;&]*/,
            /((?:[Bb]earer|[Bb]asic)\s+)[A-Za-z0-9._~+\/=-]{8,}/,
            // crypt(3) and scrypt: $6$salt$hash, scrypt$16384$8$1$salt$hash.
            /()\$(?:1|2[abxy]?|5|6|7|y|gy|argon2[a-z]*)\$[^\s"',;]+/,
            /()scrypt\$[^\s"',;]+/,
            // A name and a password in a URL.
            /(:\/\/[^\/\s:@"]*:)[^\/\s@"]+(?=@)/,
            /((?i:[A-Za-z0-9_.-]*(?:password|passwd|passphrase|secret|token|rootpw|api_?key|private_?key|community|credential)[A-Za-z0-9_]*)["']?\s*[=:]\s*["']?)[^\s"',;&]+/,
        ]
    }
}
