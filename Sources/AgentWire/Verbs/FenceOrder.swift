/// What `Host.fenceNode` asks: to switch another machine by a fence agent of this host's (vdsm-api.yml; fence agents take
/// `key=value` lines on their standard input).
package struct FenceOrder: Hashable, Sendable {
    package enum Action: String, CaseIterable, Hashable, Sendable {
        case on
        case off
        case reboot
        case status
    }

    /// `ipmilan` for the program `fence_ipmilan`.
    package var agent: String
    package var action: Action
    /// Address, port, login and options, in the agent's own form. Has the password in it.
    package var input: String
    /// Where the board is, and who signs in there; for programs that take these otherwise than fence agents do.
    package let address: String
    package let login: String
    package let password: String
    /// By name; of a name that stands twice the last.
    package let options: [String: String]
    /// Without the password, for a log.
    package var title: String { "fence_\(agent) \(action.rawValue)" }
    /// What `redacted` takes out, the longest first.
    private var hidden: [[UInt8]]

    private static let agentMax = 32
    private static let valueMax = 1024
    /// Shorter values of options (`1`, `yes`) tell nothing, and are part of many a word.
    private static let hiddenBytesMin = 4

    /// Reads the `params` of the call. No value becomes a second line. Agents put the address, the login and options on
    /// command lines of theirs, some without quotes, so these are words; a password they quote.
    package init(params: JSONValue) throws(RPCError) {
        agent = try Self.text("agent", params)
        guard agent.utf8.count <= Self.agentMax, agent.utf8.allSatisfy(Self.isNameByte), !agent.isEmpty else {
            throw RPCError(.unsupportedFenceAgent, "There is no fence agent of that name")
        }
        guard let action = Action(rawValue: try Self.text("action", params)) else {
            throw RPCError(.invalidParams, "action is on, off, reboot or status")
        }
        self.action = action
        (address, login) = (try Self.text("addr", params), try Self.text("username", params))
        password = try Self.text("password", params)
        guard Self.isWord(address) else { throw RPCError(.invalidParams, "addr is no address") }
        guard Self.isLogin(login) else {
            throw RPCError(.invalidParams, "username has characters that a login can not have")
        }
        var lines = [
            "agent=fence_\(agent)", "ipaddr=\(address)", "login=\(login)", "action=\(action.rawValue)",
            "passwd=\(password)",
        ]
        if let port = try Self.port(params) { lines.append("port=\(port)") }
        if let secure = params["secure"], secure.boolean ?? (secure.string?.lowercased() == "true") {
            lines.append("secure=yes")
        }
        let given = try FenceOptions(params["options"]?.string ?? "")
        options = given.byName
        input = (lines + given.lines).joined(separator: "\n") + "\n"
        hidden = Self.hidden(password, given.values)
    }

    /// What the agent said, without the password and without values of options: agents repeat what they were given.
    package func redacted(_ text: String) -> String {
        let bytes = hidden.reduce(Array(text.utf8)) { $0.replacing($1, with: Array("…".utf8)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hidden(_ password: String, _ values: [String]) -> [[UInt8]] {
        let passwords = password.isEmpty ? [] : [password]
        let plain = passwords + values.filter { $0.utf8.count >= hiddenBytesMin }
        // Agents show command lines as a shell would take them, and Python's strings.
        let quoted = plain.flatMap { [$0, $0.replacing("'", with: #"'"'"'"#), $0.replacing("\\", with: "\\\\")] }
        return Set(quoted).map { Array($0.utf8) }.sorted { $0.count > $1.count }
    }

    // MARK: Characters

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == 95
    }

    /// One line of at most `valueMax` bytes.
    static func isText(_ text: String) -> Bool {
        text.utf8.count <= valueMax && text.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
    }

    /// Neither the end of a word in any shell, nor an option of a program.
    package static func isWord(_ text: String) -> Bool { isWord(text, ".:_-[]/@%") }

    /// A directory's logins too: `DOMAIN\user`, `user+role`.
    private static func isLogin(_ text: String) -> Bool { isWord(text, ".:_-/@%\\+=,") }

    private static func isWord(_ text: String, _ others: StaticString) -> Bool {
        let others = others.withUTF8Buffer { Array($0) }
        return text.utf8.first != 45
            && text.utf8.allSatisfy { isNameByte($0) || (65...90).contains($0) || others.contains($0) }
    }

    // MARK: Fields

    private static func text(_ name: String, _ params: JSONValue) throws(RPCError) -> String {
        guard let text = params[name]?.string else { throw RPCError(.missingParameter, "\(name) is missing") }
        guard isText(text) else {
            throw RPCError(.invalidParams, "\(name) is not one line of at most \(valueMax) bytes")
        }
        return text
    }

    /// Engines send numbers, numbers as text, and nothing or `0` for the agent's own.
    private static func port(_ params: JSONValue) throws(RPCError) -> Int? {
        guard let value = params["port"], value != .null, value != .string("") else { return nil }
        guard let port = value.integer.map({ Int($0) }) ?? value.string.flatMap({ Int($0) }), (0...65535).contains(port)
        else { throw RPCError(.invalidParams, "port is not a number from 0 to 65535") }
        return port == 0 ? nil : port
    }
}
