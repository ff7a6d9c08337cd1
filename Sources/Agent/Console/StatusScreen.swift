import HostModel

/// The console's main screen as lines of plain text, each at most `columns` wide where the text allows it.
///
/// It says what a person in front of the machine needs: who this is, where it stands, what to do next. Everything that
/// came from elsewhere is escaped. `Approval code:` and `State:` begin their own lines, for people and for programs.
package struct StatusScreen: Hashable, Sendable {
    package let lines: [String]

    package static let columns = 79
    /// The most interfaces shown.
    private static let linksMax = 8
    private static let warningsMax = 4

    package init(_ snapshot: NodeSnapshot) {
        var lines = ["", String(repeating: "=", count: Self.columns), " Muster node"]
        lines.append(String(repeating: "=", count: Self.columns))
        lines.append("Host name: \(snapshot.hostName?.rawValue ?? "not set yet")")
        lines += Self.addresses(snapshot)
        lines.append("Engine: \(snapshot.configuration.engine?.description ?? "not set; set it with 2")")
        lines += Self.state(snapshot)
        lines += Self.warnings(snapshot)
        lines += ["", "1 network settings   2 engine address   3 test the way to the engine"]
        lines += ["4 log                5 reboot           6 shell"]
        self.lines = lines
    }

    private static func addresses(_ snapshot: NodeSnapshot) -> [String] {
        let carrying = snapshot.links.filter { $0.kind != .other && (!$0.addresses.isEmpty || $0.kind == .ethernet) }
        var lines = carrying.prefix(linksMax).map { link in
            let addresses = link.addresses.map(\.description).joined(separator: ", ")
            let mac = link.mac.map { " (\($0))" } ?? ""
            let port = link.master.map { "port of \($0)" } ?? "no address"
            let carrier = link.kind == .ethernet && !link.hasCarrier ? ", no carrier" : ""
            return "Interface \(link.name): \(addresses.isEmpty ? port : addresses)\(carrier)\(mac)"
        }
        if carrying.count > linksMax { lines.append("and \(carrying.count - linksMax) more interfaces") }
        if carrying.isEmpty { lines.append("Interfaces: none found") }
        if let network = snapshot.network, network.stage != .done, let detail = network.detail {
            lines.append("Network: \(terminalEscaped(detail))")
        }
        return lines
    }

    private static func state(_ snapshot: NodeSnapshot) -> [String] {
        guard !snapshot.configuration.isRescue else {
            return ["State: rescue; the machine's disks and the engine are left alone"]
        }
        guard let report = snapshot.registration else { return ["State: starting"] }
        let engine = (report.engine ?? snapshot.configuration.engine)?.description ?? "its engine"
        var lines: [String]
        switch report.state {
        case .noEngine: lines = ["State: no engine is set"]
        case .noNetwork: lines = ["State: waiting for an address"]
        case .contacting: lines = ["State: asking \(engine) to take this node"]
        case .pending: lines = ["State: waiting for approval by \(engine)"] + approval(report)
        case .approved:
            lines = ["State: approved, managed by \(engine)"] + (snapshot.agent.map { ["Agent: \($0)"] } ?? [])
        case .rejected: lines = ["State: rejected by \(engine); the node asks again in a few minutes"]
        case .expired: lines = ["State: nobody approved the claim in time; the node asks again"]
        case .halted:
            lines = ["State: \(engine) is not the engine that was named; the node asks again in some minutes"]
        }
        lines += warning(report.warning)
        if let error = report.error { lines.append("Last error: \(terminalEscaped(error))") }
        if let remedy = report.remedy { lines.append("Remedy: \(terminalEscaped(remedy))") }
        return lines
    }

    private static func approval(_ report: RegisterReport) -> [String] {
        guard let code = report.code.map({ terminalEscaped($0) }) else { return [] }
        let name = report.name?.rawValue ?? "NAME"
        return ["Approval code: \(code)", "Approve with: muster host approve \(name) --code \(code)"]
    }

    private static func warning(_ warning: EnrolmentStatus.Warning?) -> [String] {
        switch warning {
        case .authorityChanged:
            ["Warning: the engine's CA is another one than before. Make sure that this is meant."]
        case .authorityRefused:
            ["Warning: somebody answered in the engine's place with a CA of another fingerprint."]
        case nil: []
        }
    }

    private static func warnings(_ snapshot: NodeSnapshot) -> [String] {
        let refused = snapshot.configuration.arguments.refused
        let more = refused.count > warningsMax ? ["and \(refused.count - warningsMax) more"] : []
        return refused.prefix(warningsMax).map { "Warning: \($0)" } + more
    }
}
