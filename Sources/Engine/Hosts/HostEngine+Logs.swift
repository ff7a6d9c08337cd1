import AgentWire
package import HostModel

extension HostEngine {
    /// The ends of a host's logs, asked of it now; `lines` of each, 1 to `HostLog.linesMax`.
    package func logs(of id: UniqueID, lines: Int) async throws(EngineError) -> [HostLog] {
        try await asking(id) { link throws(AgentFailure) in
            let answer = try await link.call(.getLogs, .object(["lines": .integer(Int64(lines))]))
            do { return try NodeLogs(result: answer).logs } catch {
                throw .malformed("The host's logs cannot be read.")
            }
        }
    }
}
