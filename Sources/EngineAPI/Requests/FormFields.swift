import Foundation

/// `application/x-www-form-urlencoded` text (WHATWG URL, section 5): a query or the body of the sign-in call.
/// The first of several fields with one name counts.
struct FormFields: Sendable {
    private let values: [String: String]

    /// More fields than this are not read.
    static let countMax = 100

    init(_ text: some StringProtocol) {
        let pairs = text.split(separator: "&", maxSplits: Self.countMax).prefix(Self.countMax).map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(parts[0]), parts.count == 2 ? Self.decoded(parts[1]) : "")
        }
        values = Dictionary(pairs) { first, _ in first }
    }

    subscript(_ name: String) -> String? { values[name] }

    private static func decoded(_ text: some StringProtocol) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        return spaced.removingPercentEncoding ?? spaced
    }
}
