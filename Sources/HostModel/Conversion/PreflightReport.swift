/// One thing that was found on a server before it is converted.
package struct PreflightFinding: Hashable, Sendable, Codable {
    package enum Severity: String, Hashable, Sendable, Codable, Comparable {
        /// The conversion does not begin.
        case blocking
        /// It would work, but something will not be as it should.
        case warning
        /// Good to know.
        case info

        package static func < (left: Severity, right: Severity) -> Bool { left.order < right.order }

        private var order: Int {
            switch self {
            case .blocking: 0
            case .warning: 1
            case .info: 2
            }
        }
    }

    /// `cpu.virtualization.firmware`: stable, for scripts.
    package var id: String
    package var severity: Severity
    /// One sentence, safe on a terminal.
    package var sentence: String
    /// What to do; empty where nothing needs to be done.
    package var remedy: String

    package init(_ id: String, _ severity: Severity, _ sentence: String, remedy: String = "") {
        (self.id, self.severity, self.remedy) = (id, severity, terminalEscaped(remedy))
        self.sentence = terminalEscaped(sentence)
    }
}

/// Everything that was found, the worst first.
package struct PreflightReport: Hashable, Sendable, Codable {
    package let findings: [PreflightFinding]

    package init(_ findings: [PreflightFinding]) {
        // Within a severity they stay in the order in which they were looked for.
        self.findings = findings.enumerated()
            .sorted { ($0.element.severity, $0.offset) < ($1.element.severity, $1.offset) }.map(\.element)
    }

    package var blocking: [PreflightFinding] { findings.filter { $0.severity == .blocking } }
    package var isBlocked: Bool { !blocking.isEmpty }

    /// `2 findings forbid the conversion, 1 warning, 4 notes`.
    package var summary: String {
        let warnings = findings.count { $0.severity == .warning }
        let notes = findings.count { $0.severity == .info }
        let begin =
            switch blocking.count {
            case 0: "nothing forbids the conversion"
            case 1: "1 finding forbids the conversion"
            default: "\(blocking.count) findings forbid the conversion"
            }
        return "\(begin), \(warnings) warning\(warnings == 1 ? "" : "s"), \(notes) note\(notes == 1 ? "" : "s")"
    }

    /// Rows `SEVERITY  FINDING  WHAT`, each remedy in a line under its finding, and the summary.
    package var table: String {
        let width = findings.map(\.id.utf8.count).max() ?? 0
        let rows = findings.map { finding in
            let gap = String(repeating: " ", count: 10 - finding.severity.rawValue.utf8.count)
            let idGap = String(repeating: " ", count: max(width, 7) + 2 - finding.id.utf8.count)
            let indent = String(repeating: " ", count: 10 + max(width, 7) + 2)
            let remedy = finding.remedy.isEmpty ? "" : "\n\(indent)try: \(finding.remedy)"
            return "\(finding.severity.rawValue)\(gap)\(finding.id)\(idGap)\(finding.sentence)\(remedy)\n"
        }
        let header = "SEVERITY  FINDING" + String(repeating: " ", count: max(width, 7) - 5) + "WHAT\n"
        return (findings.isEmpty ? "" : header) + rows.joined() + summary + "\n"
    }
}
