/// The end of one log of a host, as the host tells it: hostile text, to be escaped for where it is shown.
package struct HostLog: Hashable, Sendable, Codable {
    /// `agent`, `journal`, `kernel`. One that is not known here survives.
    package let name: String
    /// The newest last; each cut at `lineBytesMax`.
    package let lines: [String]

    /// Lines of one log.
    package static let linesMax = 2000
    package static let linesUsual = 200
    package static let lineBytesMax = 1000
    /// Logs of one host.
    package static let countMax = 8
    private static let nameBytesMax = 64

    /// Takes the last `linesMax` lines.
    package init(_ name: some StringProtocol, lines: some BidirectionalCollection<some StringProtocol>) {
        self.name = Self.cut(name, Self.nameBytesMax)
        self.lines = lines.suffix(Self.linesMax).map { Self.cut($0, Self.lineBytesMax) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        self.init(name, lines: try container.decode([String].self, forKey: .lines))
    }

    private static func cut(_ text: some StringProtocol, _ bytes: Int) -> String {
        let kept = text.prefix(bytes: bytes)
        return kept.endIndex == text.endIndex ? String(text) : kept + "…"
    }
}

/// `GET hosts/ID/logs`: `{"log": […]}`, asked of the host now.
package struct HostLogCollection: Sendable, Codable {
    package var log: [HostLog]?
    package init(_ log: [HostLog]) { self.log = log }
}
