/// Decides by the first bytes of a connection whether the peer speaks STOMP (ovirt.md 5.1).
package enum StompDetector {
    package enum Verdict: Hashable, Sendable {
        case stomp
        case unknown
        case needsMore
    }

    /// Heart-beats (line ends) may come first; then a whole command and its line end must.
    package static func verdict(on bytes: some Collection<UInt8>) -> Verdict {
        let text = bytes.drop { $0 == .lineFeed || $0 == .return }
        for command in StompCommand.known {
            let name = Array(command.rawValue.utf8)
            if text.count <= name.count {
                if name.starts(with: text) { return .needsMore }
            } else if text.starts(with: name), let next = text.dropFirst(name.count).first {
                if next == .lineFeed || next == .return { return .stomp }
            }
        }
        return .unknown
    }
}
