/// The characters of XML 1.0, and how what is not among them is written.
enum XMLSyntax {
    static let replacement = Array("\u{FFFD}".utf8)

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D }

    /// oVirt's names are ASCII; others are refused.
    static func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        default: false
        }
    }

    static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: isNameStart(byte)
        }
    }

    static func isName(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in bytes.first.map(isNameStart) ?? false && bytes.allSatisfy(isNamePart) }
    }

    /// `Char` of the specification.
    static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// What a reference such as `&amp;` or `&#38;` stands for; nobody else's entities are known.
    static func referenced(_ name: Substring.UTF8View) -> Unicode.Scalar? {
        switch String(Substring(name)) {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        guard name.first == UInt8(ascii: "#"), (2...8).contains(name.count) else { return nil }
        let isHexadecimal = name.dropFirst().first == UInt8(ascii: "x")
        let digits = Substring(name.dropFirst(isHexadecimal ? 2 : 1))
        guard digits.utf8.first != UInt8(ascii: "+"), digits.utf8.first != UInt8(ascii: "-"),
            let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), let scalar = Unicode.Scalar(value)
        else { return nil }
        return isCharacter(scalar) ? scalar : nil
    }
}

extension [UInt8] {
    /// ` name="text"`.
    mutating func appendXML(attribute name: String, _ text: String) {
        append(UInt8(ascii: " "))
        append(contentsOf: name.utf8)
        append(contentsOf: "=\"".utf8)
        appendXML(text, quoted: true)
        append(UInt8(ascii: "\""))
    }

    /// Text between tags, or, with `quoted`, in an attribute. What XML has no character for is a replacement character.
    mutating func appendXML(_ text: String, quoted: Bool = false) {
        var text = text
        let isPlain = text.withUTF8 { bytes in
            guard bytes.allSatisfy(Self.isPlain) else { return false }
            append(contentsOf: bytes)
            return true
        }
        guard !isPlain else { return }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": append(contentsOf: "&amp;".utf8)
            case "<": append(contentsOf: "&lt;".utf8)
            case ">": append(contentsOf: "&gt;".utf8)
            case "\"" where quoted: append(contentsOf: "&quot;".utf8)
            // A reader makes other white space of them.
            case "\r": append(contentsOf: "&#13;".utf8)
            case "\n" where quoted: append(contentsOf: "&#10;".utf8)
            case "\t" where quoted: append(contentsOf: "&#9;".utf8)
            case _ where !XMLSyntax.isCharacter(scalar): append(contentsOf: XMLSyntax.replacement)
            default: append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? XMLSyntax.replacement)
            }
        }
    }

    /// Needs no look at what it is part of.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), 0xEF...: false
        default: true
        }
    }
}
