/// Why a network request is refused: VDSM's code (ovirt.md 6.3), the field at fault, and a sentence with what to do.
package struct NetworkRefusal: Error, Hashable, Sendable, Codable {
    package enum Code: Int, Hashable, Sendable, Codable {
        case badParameters = 21
        case badAddress = 22
        case badNIC = 23
        case usedNIC = 24
        case badBonding = 25
        case badVLAN = 26
        case badBridge = 27
        case usedBond = 31
        case ovsConnection = 32
    }

    package var code: Code
    /// As in the request: `networks.storage.vlan`, `bondings.bond0.options`, `networks`.
    package var field: String
    package var message: String

    package init(_ code: Code, _ field: String, _ message: String) {
        (self.code, self.field, self.message) = (code, field, message)
    }

    /// A network's field; `nil` for the network itself. Names are hostile text.
    package static func network(_ name: String, _ key: String? = nil) -> String {
        "networks.\(terminalEscaped(name))" + (key.map { ".\($0)" } ?? "")
    }

    package static func bond(_ name: String, _ key: String? = nil) -> String {
        "bondings.\(terminalEscaped(name))" + (key.map { ".\($0)" } ?? "")
    }
}

extension NetworkRefusal: CustomStringConvertible {
    package var description: String { "\(field): \(message)" }
}
