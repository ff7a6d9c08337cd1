/// The volume id of a boot medium (ECMA-119, 8.4.11): 1 to 32 of `A-Z 0-9 _`. The node finds its medium by it.
package struct VolumeID: Hashable, Sendable {
    package static let longest = 32
    /// Digits of the image's version that the id ends with.
    private static let versionDigits = 8

    package let text: String

    /// `nil` for anything that a strict reader of ISO 9660 would not take.
    package init?(_ text: some StringProtocol) {
        let allowed = text.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 95 }
        guard allowed, (1...Self.longest).contains(text.utf8.count) else { return nil }
        self.text = String(text)
    }

    /// `NODE_MINIMAL_E4ED3B9A` for `node-minimal` at `e4ed3b9a…`: upper case, what is not allowed becomes `_`, and the name
    /// is cut so that the version's digits always fit.
    package init(image name: String, version: String) {
        let digits = version.utf8.prefix(Self.versionDigits)
        let kept = name.utf8.prefix(Self.longest - digits.count - 1)
        text = Self.mapped(kept) + "_" + Self.mapped(digits)
    }

    private static func mapped(_ bytes: some Sequence<UInt8>) -> String {
        let mapped = bytes.map { byte -> UInt8 in
            switch byte {
            case 97...122: byte - 32
            case 65...90, 48...57: byte
            default: 95
            }
        }
        return String(decoding: mapped, as: UTF8.self)
    }
}

extension VolumeID: CustomStringConvertible {
    package var description: String { text }
}
