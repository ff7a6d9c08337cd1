/// Why a network request is refused: VDSM's code (ovirt.md 6.3) and a sentence with what to do.
package struct NetworkRefusal: Error, Hashable, Sendable, Codable {
    package enum Code: Int, Hashable, Sendable, Codable {
        case badParameters = 21
        case badAddress = 22
        case badNIC = 23
        case usedNIC = 24
        case badBonding = 25
        case badVLAN = 26
        case badBridge = 27
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
}

extension NetworkRefusal: CustomStringConvertible {
    package var description: String { message }
}
