/// What names a disk of a node: a selector (`serial=…`, `wwn=…`, a name of `/dev/disk/by-id`, a rule such as
/// `rule:only` or `size>=100G,bus=nvme`), or the serial number of the disk that may be wiped.
///
/// Here only that it is one plain piece of text, which no command line and no boot script can take for something else;
/// what it means is the node's to say, which sees its disks.
package struct DiskWord: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    /// Bytes.
    package static let bytesMax = 128

    /// `nil` unless the text is 1 to `bytesMax` bytes of letters, digits and ` _-.:=<>,+/@%*`, begins with a letter or a
    /// digit, and has no blank at its end. Serial numbers may have blanks inside.
    package init?(rawValue: String) {
        let bytes = Array(rawValue.utf8)
        guard (1...Self.bytesMax).contains(bytes.count), let first = bytes.first, isInstallByte(first, or: ""),
            bytes.last != 32, bytes.allSatisfy({ isInstallByte($0, or: " _-.:=<>,+/@%*") })
        else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ text: some StringProtocol) { self.init(rawValue: String(text)) }

    /// True where it can stand on a kernel command line: without a blank.
    package var isKernelWord: Bool { !rawValue.utf8.contains(32) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let word = DiskWord(rawValue: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.rule)
        }
        self = word
    }

    /// What is expected, as the end of a sentence.
    package static let rule =
        "expected 1 to \(bytesMax) letters, digits and _-.:=<>,+/@%*, the first a letter or a digit"
}

extension DiskWord: CustomStringConvertible {
    package var description: String { rawValue }
}
