/// What a waiting node says with a poll when its lease changed: its address now, signed with the key of its claim.
package struct AddressNotice: Hashable, Sendable {
    package var address: IPv4Address
    /// ECDSA P-256 over SHA-256 of `transcript`, in DER.
    package var signature: [UInt8]

    /// Bytes of a signature in DER.
    package static let signatureBytesMax = 72

    package init(address: IPv4Address, signature: [UInt8]) { (self.address, self.signature) = (address, signature) }

    /// What is signed: the address counts for this claim only.
    package static func transcript(claim: UniqueID, address: IPv4Address) -> [UInt8] {
        Array("muster-address-1\n\(claim)\n\(address)\n".utf8)
    }

    /// `address=A.B.C.D&signature=HEX`, the query of the poll.
    package var query: String {
        let digits = signature.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return "address=\(address)&signature=\(digits)"
    }

    /// Reads the two fields of the query; `nil` when either makes no sense.
    package init?(address: some StringProtocol, signature: some StringProtocol) {
        guard let address = IPv4Address(address), signature.utf8.count <= 2 * Self.signatureBytesMax,
            !signature.isEmpty, signature.utf8.count.isMultiple(of: 2)
        else { return nil }
        let digits = signature.compactMap(\.hexDigitValue)
        guard digits.count == signature.utf8.count else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        self.init(address: address, signature: bytes)
    }
}
