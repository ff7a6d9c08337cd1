/// Options inside an option: code, length, payload, as in DHCP itself. PXE's option 43, iPXE's 175 and the relay's 82
/// are written so.
package struct EncapsulatedOptions: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package var code: UInt8
        /// At most 255 bytes.
        package var payload: [UInt8]

        package init(code: UInt8, payload: [UInt8]) { (self.code, self.payload) = (code, payload) }
    }

    package var items: [Item]
    /// True where 255 closes the list, as PXE asks in option 43.
    package var hasEnd: Bool

    package init(_ items: [Item], hasEnd: Bool = false) { (self.items, self.hasEnd) = (items, hasEnd) }

    /// `nil` when a length runs past the end. Pads (0) are skipped; what stands behind the end mark must be pads.
    package init?(parsing bytes: [UInt8]) {
        var rest = bytes[...]
        (items, hasEnd) = ([], false)
        while let code = rest.popFirst() {
            if code == 0 { continue }
            if code == 255 {
                hasEnd = true
                guard rest.allSatisfy({ $0 == 0 }) else { return nil }
                return
            }
            guard let length = rest.popFirst(), rest.count >= Int(length) else { return nil }
            items.append(Item(code: code, payload: Array(rest.prefix(Int(length)))))
            rest.removeFirst(Int(length))
        }
    }

    /// The payload of the first item of this code.
    package subscript(code: UInt8) -> [UInt8]? { items.first { $0.code == code }?.payload }

    package var encoded: [UInt8] {
        items.flatMap { [$0.code, UInt8(clamping: $0.payload.count)] + $0.payload.prefix(255) } + (hasEnd ? [255] : [])
    }
}
