/// A label of networks and of hosts' nics: a nic with it carries every network that has it.
package struct NetworkLabel: Hashable, Sendable {
    package let rawValue: String

    /// oVirt's, in characters.
    package static let lengthMax = 50

    /// Letters, digits, `_` and `-`.
    package init?(_ text: some StringProtocol) {
        let isLegal = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "_-".utf8.contains(byte)
        }
        guard isLegal, (1...Self.lengthMax).contains(text.utf8.count) else { return nil }
        rawValue = String(text)
    }
}
