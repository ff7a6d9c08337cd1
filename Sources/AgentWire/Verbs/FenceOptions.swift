/// The options of a fence order: those of fence agents that name no program, no file and no command line. Agents know dozens
/// that do (`ssh_path`, `snmp_priv_passwd_script`, `ssh_options`, `logfile` …) and get new ones, so only those are taken
/// that are known to be harmless.
struct FenceOptions: Hashable, Sendable {
    /// In the agent's own form, in the order of the call.
    private(set) var lines: [String] = []
    /// What was given as values, for `FenceOrder.redacted`.
    private(set) var values: [String] = []

    /// One without a value is `1`.
    var byName: [String: String] {
        lines.reduce(into: [:]) { options, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            options[parts[0]] = parts.count == 2 ? parts[1] : "1"
        }
    }

    private static let optionsMax = 64
    /// Of words that agents put on a command line as they are.
    private static let words: Set<String> = [
        "auth", "delay", "hexadecimal_kg", "inet4_only", "inet6_only", "lanplus", "login_timeout", "method",
        "notls", "plug", "port", "power_timeout", "power_wait", "privlvl", "quiet", "retry_on", "secure",
        "shell_timeout", "slot", "snmp_auth_prot", "snmp_priv_prot", "snmp_sec_level", "snmp_version", "ssh", "ssl",
        "ssl_insecure", "ssl_secure", "target", "verbose",
    ]
    private static let numbers: Set<String> = ["cipher", "ipport"]
    /// Agents put these behind the address: another host in them would get the password.
    private static let paths: Set<String> = ["redfish_uri", "systems_uri"]
    /// Agents quote these, as they do the password.
    private static let secrets: Set<String> = ["community", "snmp_priv_passwd"]

    /// Reads `key=value` or `key`, one a line or separated by commas. Throws `invalidParams` for every option that is not
    /// known to be harmless.
    init(_ text: String) throws(RPCError) {
        // By bytes: a carriage return and a line feed are one Character.
        let words = text.utf8.split { $0 == 10 || $0 == 13 || $0 == 44 }
        guard words.count <= Self.optionsMax else {
            throw RPCError(.invalidParams, "more than \(Self.optionsMax) options")
        }
        for word in words { try add(String(decoding: word, as: UTF8.self)) }
    }

    private mutating func add(_ word: String) throws(RPCError) {
        guard FenceOrder.isText(word) else { throw RPCError(.invalidParams, "an option is not key=value") }
        let parts = word.utf8.split(separator: 61, maxSplits: 1, omittingEmptySubsequences: false)
        let key = Self.name(parts[0])
        guard parts.count == 2 else {
            try Self.check(key, "")
            lines.append(key)
            return
        }
        let value = String(decoding: parts[1], as: UTF8.self)
        try Self.check(key, value)
        lines.append("\(key)=\(value)")
        values.append(value)
    }

    /// As agents read a name: `-` is `_`, and white space around it is none of it.
    private static func name(_ bytes: Substring.UTF8View) -> String {
        String(decoding: bytes.filter { $0 != 32 }.map { $0 == 45 ? 95 : $0 }, as: UTF8.self)
    }

    private static func isPath(_ value: String) -> Bool {
        value.hasPrefix("/") && !value.hasPrefix("//")
            && value.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                    || "/._-".unicodeScalars.contains($0)
            }
    }

    private static func check(_ key: String, _ value: String) throws(RPCError) {
        guard words.contains(key) || numbers.contains(key) || secrets.contains(key) || paths.contains(key) else {
            let known = words.union(numbers).union(secrets).union(paths).sorted().joined(separator: ", ")
            throw RPCError(.invalidParams, "\(key.prefix(64)) is no option that a host takes; it takes \(known)")
        }
        let isFit =
            secrets.contains(key) || (words.contains(key) && FenceOrder.isWord(value))
            || (paths.contains(key) && isPath(value))
            || (!paths.contains(key) && value.utf8.allSatisfy { (48...57).contains($0) })
        guard isFit else { throw RPCError(.invalidParams, "The value of \(key) has characters that it can not have") }
    }
}
