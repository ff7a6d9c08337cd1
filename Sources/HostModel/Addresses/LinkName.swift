/// A network interface's name as the kernel takes it (`dev_valid_name`): 1 to 15 printable ASCII bytes without white
/// space, `/` and `:`, and neither `.` nor `..`. Safe as a path component under `/sys/class/net`.
package struct LinkName: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    /// IFNAMSIZ without its final zero.
    package static let bytesMax = 15

    package init?(rawValue: String) {
        let bytes = Array(rawValue.utf8)
        guard (1...Self.bytesMax).contains(bytes.count), rawValue != ".", rawValue != ".." else { return nil }
        guard bytes.allSatisfy({ (33...126).contains($0) && $0 != 47 && $0 != 58 }) else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }
}

extension LinkName: Comparable, CustomStringConvertible, Codable {
    package static func < (left: LinkName, right: LinkName) -> Bool { left.rawValue < right.rawValue }

    package var description: String { rawValue }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = LinkName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an interface name")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
