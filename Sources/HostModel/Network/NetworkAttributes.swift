/// A value of VDSM's network attributes. Numbers and booleans come as text: engines send both (`"100"`, `100`, `"true"`).
package indirect enum AttributeValue: Hashable, Sendable {
    case text(String)
    case list([AttributeValue])
    case map([String: AttributeValue])

    package var text: String? { if case .text(let text) = self { text } else { nil } }

    /// A decimal number without sign or leading blanks.
    package var integer: Int? {
        guard let text, !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    /// `true`, `yes`, `on`, `1` and their opposites, in any case.
    package var boolean: Bool? {
        switch text?.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    package var list: [AttributeValue]? { if case .list(let elements) = self { elements } else { nil } }
    package var map: [String: AttributeValue]? { if case .map(let members) = self { members } else { nil } }
}

extension AttributeValue: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
}

/// The attributes of one network or bond as VDSM's API names them, not yet judged (ovirt.md 6.1).
package struct NetworkAttributes: Hashable, Sendable {
    package var values: [String: AttributeValue]

    package init(_ values: [String: AttributeValue]) { self.values = values }

    /// The value; `nil` for an absent one and for empty text, which VDSM treats alike.
    package subscript(_ name: String) -> AttributeValue? {
        guard let value = values[name], value.text != "" else { return nil }
        return value
    }
}
