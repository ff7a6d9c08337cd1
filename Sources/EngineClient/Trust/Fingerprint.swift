import Crypto

/// SHA-256 of a certificate's DER: what a person compares, and what a client pins.
package struct Fingerprint: Hashable, Sendable {
    /// Always 32 bytes.
    package let bytes: [UInt8]

    package init(der: some Sequence<UInt8>) { bytes = Array(SHA256.hash(data: Array(der))) }

    /// Reads 64 hex digits in either case, with or without colons, with or without `SHA256:` in front, as `openssl x509
    /// -fingerprint -sha256` and oVirt's `management_server_fingerprint=` write it. `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let text = text.uppercased()
        let digits = (text.hasPrefix("SHA256:") ? text.dropFirst(7) : text[...]).filter { $0 != ":" }
        guard digits.utf8.count == 64, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).compactMap { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }

    /// 64 lower-case digits without separators.
    package var hex: String { bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}

extension Fingerprint: CustomStringConvertible {
    /// Upper-case pairs with colons, as browsers and `openssl` show it.
    package var description: String {
        bytes.map { (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)).uppercased() }.joined(separator: ":")
    }
}
