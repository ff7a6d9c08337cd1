// How a header line is written (STOMP 1.2, "Value Encoding"): `\n`, `\r`, `\c` and `\\` stand for LF, CR, colon and
// backslash, in names and in values.

extension StompHeader {
    init(line: some Collection<UInt8>, escaped: Bool) throws(StompError) {
        guard let colon = line.firstIndex(of: .colon), colon > line.startIndex else { throw .malformedHeader }
        let (name, value) = (line[..<colon], line[line.index(after: colon)...])
        self.name = try Self.text(escaped ? Self.unescape(name) : Array(name))
        self.value = try Self.text(escaped ? Self.unescape(value) : Array(value))
    }

    private static func text(_ bytes: [UInt8]) throws(StompError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        return text
    }

    private static func unescape(_ bytes: some Collection<UInt8>) throws(StompError) -> [UInt8] {
        var plain: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            guard byte == .backslash else {
                plain.append(byte)
                continue
            }
            switch iterator.next() {
            case UInt8(ascii: "n"): plain.append(.lineFeed)
            case UInt8(ascii: "r"): plain.append(.return)
            case UInt8(ascii: "c"): plain.append(.colon)
            case .backslash: plain.append(.backslash)
            default: throw .undefinedEscape
            }
        }
        return plain
    }

    static func escape(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case .lineFeed: Array(#"\n"#.utf8)
            case .return: Array(#"\r"#.utf8)
            case .colon: Array(#"\c"#.utf8)
            case .backslash: Array(#"\\"#.utf8)
            default: [byte]
            }
        }
    }
}
