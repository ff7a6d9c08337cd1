/// The few kinds of ASN.1 values that an Authenticode signature is made of, written by the distinguished encoding rules
/// (ITU-T X.690). Nothing is read here: a signature is checked by writing what it must be.
enum DistinguishedEncoding {
    static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] { [tag] + length(contents.count) + contents }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(0x30, parts.flatMap(\.self)) }

    static func set(_ parts: [UInt8]...) -> [UInt8] { element(0x31, parts.flatMap(\.self)) }

    static func octets(_ bytes: [UInt8]) -> [UInt8] { element(0x04, bytes) }

    /// `[number]`, of a constructed value.
    static func tagged(_ number: UInt8, _ contents: [UInt8]) -> [UInt8] { element(0xA0 | number, contents) }

    /// 0 to 127.
    static func small(_ number: UInt8) -> [UInt8] { element(0x02, [number]) }

    static let null: [UInt8] = [0x05, 0x00]

    static func object(_ parts: UInt32...) -> [UInt8] {
        var contents = [UInt8(truncatingIfNeeded: parts[0] * 40 + parts[1])]
        for part in parts.dropFirst(2) {
            var digits = [UInt8(part & 0x7F)]
            var rest = part >> 7
            while rest > 0 {
                digits.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            contents += digits.reversed()
        }
        return element(0x06, contents)
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count > 127 else { return [UInt8(count)] }
        var digits: [UInt8] = []
        var rest = count
        while rest > 0 {
            digits.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(digits.count)] + digits
    }
}
