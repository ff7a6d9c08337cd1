/// What libvirt refused, in its own words.
package struct LibvirtError: Error, Hashable, Sendable, CustomStringConvertible {
    package var operation: String
    package var detail: String

    init(_ operation: String, _ detail: String) { (self.operation, self.detail) = (operation, detail) }

    package var description: String { "cannot \(operation): \(detail)" }
}
