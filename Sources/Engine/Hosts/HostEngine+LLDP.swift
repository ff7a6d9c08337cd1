import AgentWire
package import HostModel

extension HostEngine {
    /// What the switches say at the other ends of a host's NICs, asked of it now.
    package func neighbours(of id: UniqueID) async throws(EngineError) -> [String: LLDPReport] {
        try await asking(id) { link throws(AgentFailure) in
            let answer = try await link.call(.getLldp)
            do { return try LLDPReports(result: answer).nics } catch {
                throw .malformed("The host's neighbours cannot be read.")
            }
        }
    }
}
