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
    /// Without the password, for a log.
    package var title: String { "fence_\(agent) \(action.rawValue)" }

    private static let agentMax = 32
    private static let valueMax = 1024
    private static let optionsMax = 64
    /// Set from the call's own fields, or make the agent run a program that the caller names.
    private static let reservedOptions: Set<String> = [
        "agent", "action", "option", "ipaddr", "ip", "login", "username", "passwd", "password", "passwd_script",
        "password_script",
    ]

    /// Reads the `params` of the call. Nothing of it reaches a command line, and no value a second line.
    package init(params: JSONValue) throws(RPCError) {
        agent = try Self.text("agent", params)
        guard agent.utf8.count <= Self.agentMax, agent.utf8.allSatisfy(Self.isNameByte), !agent.isEmpty else {
            throw RPCError(.unsupportedFenceAgent, "There is no fence agent of that name")
        }
        guard let action = Action(rawValue: try Self.text("action", params)) else {
            throw RPCError(.invalidParams, "action is on, off, reboot or status")
        }
        self.action = action
        var lines = [
            "agent=fence_\(agent)", "ipaddr=\(try Self.text("addr", params))",
            "login=\(try Self.text("username", params))", "action=\(action.rawValue)",
            "passwd=\(try Self.text("password", params))",
        ]
        if let port = try Self.port(params) { lines.append("port=\(port)") }
        if let secure = params["secure"], secure.boolean ?? (secure.string?.lowercased() == "true") {
            lines.append("secure=yes")
        }
        lines += try Self.options(params["options"]?.string ?? "")
        input = lines.joined(separator: "\n") + "\n"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == 95
    }

    private static func text(_ name: String, _ params: JSONValue) throws(RPCError) -> String {
        guard let text = params[name]?.string else { throw RPCError(.missingParameter, "\(name) is missing") }
        guard text.utf8.count <= valueMax, text.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
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

    /// `key=value`, one a line or separated by commas.
    private static func options(_ text: String) throws(RPCError) -> [String] {
        let words = text.split { $0 == "\n" || $0 == "," || $0 == "\r" }
        guard words.count <= optionsMax else { throw RPCError(.invalidParams, "more than \(optionsMax) options") }
        var lines: [String] = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = parts[0].filter { $0 != " " }
            guard !key.isEmpty, key.utf8.allSatisfy({ isNameByte($0) || $0 == 45 }), word.utf8.count <= valueMax,
                word.utf8.allSatisfy({ $0 >= 32 && $0 != 127 })
            else { throw RPCError(.invalidParams, "an option is not key=value") }
            guard !reservedOptions.contains(key) else {
                throw RPCError(.invalidParams, "\(key) is no option: it is set by the call itself, or runs a program")
            }
            lines.append(parts.count == 2 ? "\(key)=\(parts[1])" : key)
        }
        return lines
    }
}
