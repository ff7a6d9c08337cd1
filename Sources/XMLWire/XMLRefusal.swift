/// Why bytes are not XML as this room reads it: a half sentence ("an end tag does not fit its start tag"), and the octet.
package struct XMLRefusal: Error, Hashable, Sendable {
    package var reason: String
    package var offset: Int
}

/// How much one document may have. What is over is refused where it begins: nothing is kept of it.
package struct XMLLimits: Hashable, Sendable {
    /// Octets of the document.
    package var bytes = 256 << 10
    /// Elements inside each other.
    package var depth = 32
    package var elements = 20_000
    /// Attributes of one element.
    package var attributes = 16
    /// Octets of one name.
    package var name = 128

    package init() {}

    package static let usual = XMLLimits()
}
