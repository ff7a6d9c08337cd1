/// The short authentication string that a person compares between the node's screen and the engine's.
///
/// Eight base32 symbols (40 bits) of a SHA-256 over the transcript, and a check symbol that catches a mistyped or a
/// swapped one: `K7QD-W3MA-T`. A man in the middle who relays the request with another CA or another key changes the
/// transcript, hence the code. The commitment to the node's nonce keeps him from searching for a collision.
package struct ApprovalCode: Hashable, Sendable {
    /// Nine symbols without separators.
    package let symbols: String

    /// Crockford's base32: no I, L, O, U, so that a code read aloud or off a bad screen survives.
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    /// The code for a SHA-256 digest of `transcript(…)`; `nil` for fewer than five bytes.
    package init?(digest: some Collection<UInt8>) {
        guard digest.count >= 5 else { return nil }
        let bits = digest.prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let values = (0..<8).map { Int(bits >> (35 - 5 * UInt64($0)) & 31) }
        symbols = String((values + [Self.check(values)]).map { Self.alphabet[$0] })
    }

    /// Reads what a person typed: case, spaces and hyphens do not matter, and `O`, `I`, `L` read as `0`, `1`, `1`.
    /// `nil` when there are not nine symbols, or the check symbol does not fit: a typing error, not a wrong code.
    package init?(_ typed: some StringProtocol) {
        let values = typed.uppercased().filter { !" -".contains($0) }.map { symbol -> Int? in
            let plain: Character = symbol == "O" ? "0" : symbol == "I" || symbol == "L" ? "1" : symbol
            return Self.alphabet.firstIndex(of: plain)
        }
        let known = values.compactMap(\.self)
        guard known.count == 9, values.count == 9, known[8] == Self.check(known.prefix(8)) else { return nil }
        symbols = String(known.map { Self.alphabet[$0] })
    }

    /// Sum of value times position, odd weights so that each single change shows; neighbours differ by two, so that a
    /// swap shows unless the two differ by exactly sixteen.
    private static func check(_ values: some Sequence<Int>) -> Int {
        values.enumerated().reduce(0) { $0 + $1.element * (2 * $1.offset + 1) } % 32
    }

    /// What is hashed: `"muster-code-1" ‖ node SPKI ‖ SPKI of the CA as the node saw it ‖ engine nonce ‖ node nonce`.
    ///
    /// Keys are SubjectPublicKeyInfo in DER, which carries its own length; nonces are 32 bytes.
    package static func transcript(
        nodeKey: some Sequence<UInt8>,
        authorityKey: some Sequence<UInt8>,
        engineNonce: Nonce,
        nodeNonce: Nonce
    ) -> [UInt8] {
        Array("muster-code-1".utf8) + Array(nodeKey) + Array(authorityKey) + engineNonce.bytes + nodeNonce.bytes
    }
}

extension ApprovalCode: CustomStringConvertible {
    /// As shown to a person: `K7QD-W3MA-T`.
    package var description: String {
        "\(symbols.prefix(4))-\(symbols.dropFirst(4).prefix(4))-\(symbols.suffix(1))"
    }
}
