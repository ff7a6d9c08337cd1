import AgentWire
import HostModel

/// Whether the nics and bonds below a host's required networks have a link, and since when not. Knows no clock.
struct RequiredLinks: Hashable, Sendable {
    /// The nic or bond below each required network that has one.
    var devices: [String: String] = [:]
    /// Of every nic and bond that has no link: since when, in milliseconds since 1970.
    private var downSince: [String: Int64] = [:]

    /// A device of which the host says nothing is taken to be well.
    mutating func note(_ links: [HostFigures.Link], at now: Int64) {
        downSince = links.reduce(into: [:]) { since, link in
            if link.isUp == false { since[link.name] = downSince[link.name] ?? now }
        }
    }

    /// Whether one of them had no link when it was last heard of.
    var isAnyDown: Bool { devices.values.contains { downSince[$0] != nil } }

    /// `patience`: milliseconds that a link may be away.
    func unfitness(at now: Int64, after patience: Int64) -> Unfitness? {
        let lost = devices.filter { _, device in downSince[device].map { now - $0 >= patience } ?? false }
        guard !lost.isEmpty else { return nil }
        let nics = Set(lost.values).sorted().map { terminalEscaped($0) }.joined(separator: ", ")
        let names = lost.keys.sorted().joined(separator: ", ")
        let text =
            "Its required networks \(names) have no link: look at the cable and the switch port of \(nics)."
        return Unfitness(reason: .networkInterfaceIsDown, text: text)
    }
}
