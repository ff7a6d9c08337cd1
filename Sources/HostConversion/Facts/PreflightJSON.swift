import FoundationEssentials
package import HostModel

extension PreflightReport {
    /// `{"blocked": …, "findings": [{"id", "severity", "sentence", "remedy"}], "summary": …}`, keys sorted.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(blocked: isBlocked, findings: findings, summary: summary)
        guard let bytes = try? encoder.encode(document) else {
            preconditionFailure("strings and booleans always encode")
        }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }

    private struct Document: Encodable {
        var blocked: Bool
        var findings: [PreflightFinding]
        var summary: String
    }
}
