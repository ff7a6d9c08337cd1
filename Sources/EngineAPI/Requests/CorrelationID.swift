import HostModel

/// The `Correlation-Id` of a request: oVirt keeps `[0-9A-Za-z_-]` of what the client sent and cuts it to 36 characters.
struct CorrelationID: Hashable, Sendable {
    let rawValue: String

    static let lengthMax = 36

    /// `nil` when nothing is left of the text.
    init?(_ text: some StringProtocol) {
        let kept = text.unicodeScalars.lazy.filter(Self.isKept).prefix(Self.lengthMax)
        guard !kept.isEmpty else { return nil }
        rawValue = String(String.UnicodeScalarView(kept))
    }

    static func random() -> CorrelationID { CorrelationID(unchecked: UniqueID.random().rawValue) }

    private init(unchecked text: String) { rawValue = text }

    private static func isKept(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "_", "-": true
        default: false
        }
    }
}
