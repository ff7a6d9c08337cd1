/// What a person may do when the live root did not come up. A machine without a person tries again by itself, later and
/// later.
package enum LiveRootChoice: Hashable, Sendable {
    case tryAgain
    /// Goes on with the initramfs: its screen, its network settings, its shell.
    case nodeScreen
    case reboot

    /// `nil` for a line that says none of them: then the menu is shown again.
    package init?(line: some StringProtocol) {
        switch line.lowercased().filter({ !$0.isWhitespace }) {
        case "", "r": self = .tryAgain
        case "n": self = .nodeScreen
        case "b": self = .reboot
        default: return nil
        }
    }

    package static func menu(seconds: Int) -> String {
        "Enter: try again now; n and Enter: the node's screen; b and Enter: reboot. It tries again in \(seconds) s."
    }

    /// Seconds before the attempt after the `failures`-th failure in a row.
    package static func pause(after failures: Int) -> Int {
        let pauses = [15, 30, 60, 120]
        return failures <= pauses.count ? pauses[max(failures, 1) - 1] : 300
    }
}
