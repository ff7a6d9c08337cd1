package import HostModel

/// The answer of `Host.getLogs`.
package struct NodeLogs: Hashable, Sendable, VerbPayload {
    package var logs: [HostLog] = []

    package init() {}
    package init(_ logs: [HostLog]) { self.logs = Array(logs.prefix(HostLog.countMax)) }

    /// How many lines of each log `params` ask for: `lines`, 1 to `HostLog.linesMax`.
    package static func lines(_ params: JSONValue) throws(RPCError) -> Int {
        guard let value = params["lines"], value != .null else { return HostLog.linesUsual }
        guard let lines = value.integer, (1...Int64(HostLog.linesMax)).contains(lines) else {
            throw RPCError(.invalidParams, "lines is not a number from 1 to \(HostLog.linesMax)")
        }
        return Int(lines)
    }
}
