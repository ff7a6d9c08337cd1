/// Encodable -> XML, for types that are described by their Codable form alone: `id`, `href` and `rel` are attributes, every
/// other key is a child element, an array repeats the element of its key, and nothing is nothing. An array inside an array, of
/// which oVirt has none, is written as one.
package struct XMLEncoder {
    package init() {}

    /// The document, with `root` as its element. Throws for an array that stands alone, and what the value itself throws.
    package func encode(_ value: some Encodable, root: String) throws -> [UInt8] {
        let output = XMLOutput()
        output.bytes.append(contentsOf: Self.head.utf8)
        try Self.write(value, root, to: output)
        return output.bytes
    }

    /// A part of a document: an element of this name for each value, one after the other.
    package func encode(_ values: [some Encodable], each name: String) throws -> [UInt8] {
        let output = XMLOutput()
        for value in values { try Self.write(value, name, to: output) }
        return output.bytes
    }

    private static func write(_ value: some Encodable, _ name: String, to output: XMLOutput) throws {
        let encoder = ElementEncoder(output, name)
        try value.encode(to: encoder)
        encoder.close()
    }

    /// What a document begins with.
    package static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
}

/// What is nothing but attributes in XML: as one of an array, of which there are many, it is written without a look at its
/// `Codable` form, which must say the same.
package protocol XMLAttributed: Encodable {
    /// In the order in which its `Codable` form has them.
    var attributes: [(name: String, text: String)] { get }
}

/// A key that is no name of XML: `<item key="…">`.
enum XMLEntry {
    static let element = "item"
    static let key = "key"
}

final class XMLOutput {
    var bytes: [UInt8] = []
}

/// One element on its way into the output; nothing is written before something is known of it.
final class ElementEncoder: Encoder {
    private let output: XMLOutput
    let name: String
    /// Whether the name is one of XML; else the element is an `XMLEntry`.
    private let isNamed: Bool
    private let key: (any CodingKey)?
    private let parent: ElementEncoder?
    /// Where the next attribute goes; `nil` before the element began.
    private var attributesEnd: Int?
    private var hasContent = false
    /// Containers that were taken out of turn: they are written at the end.
    private var late: [ElementEncoder] = []

    /// Three texts of one word each are compared faster than one is hashed.
    static func isAttribute(_ name: String) -> Bool { name == "href" || name == "id" || name == "rel" }

    init(_ output: XMLOutput, _ name: String, key: (any CodingKey)? = nil, parent: ElementEncoder? = nil) {
        (self.output, self.name, self.key, self.parent) = (output, name, key, parent)
        isNamed = XMLSyntax.isName(name)
    }

    var userInfo: [CodingUserInfoKey: Any] { [:] }
    var codingPath: [any CodingKey] { (parent?.codingPath ?? []) + (key.map { [$0] } ?? []) }

    private var tag: String { isNamed ? name : XMLEntry.element }

    private func begin() {
        guard attributesEnd == nil else { return }
        parent?.beginContent()
        output.bytes.append(UInt8(ascii: "<"))
        output.bytes.append(contentsOf: tag.utf8)
        attributesEnd = output.bytes.count
        if !isNamed { writeAttribute(XMLEntry.key, name) }
    }

    private func beginContent() {
        begin()
        guard !hasContent else { return }
        output.bytes.append(UInt8(ascii: ">"))
        hasContent = true
    }

    func close() {
        for element in late {
            element.close()
            beginContent()
            output.bytes.append(contentsOf: element.output.bytes)
        }
        guard attributesEnd != nil else { return }
        output.bytes.append(contentsOf: hasContent ? "</".utf8 : "/>".utf8)
        guard hasContent else { return }
        output.bytes.append(contentsOf: tag.utf8)
        output.bytes.append(UInt8(ascii: ">"))
    }

    private func writeAttribute(_ name: String, _ text: String) {
        begin()
        guard let place = attributesEnd else { return }
        // Almost always: types name their ids first.
        guard place != output.bytes.count else {
            output.bytes.appendXML(attribute: name, text)
            attributesEnd = output.bytes.count
            return
        }
        var attribute: [UInt8] = []
        attribute.appendXML(attribute: name, text)
        output.bytes.insert(contentsOf: attribute, at: place)
        attributesEnd = place + attribute.count
    }

    /// The element is this text, or its parent has it as an attribute.
    func write(_ text: String) {
        if let parent, Self.isAttribute(name) { return parent.writeAttribute(name, text) }
        beginContent()
        output.bytes.appendXML(text)
    }

    /// A key with a text.
    func write(_ text: String, _ key: String) {
        guard !Self.isAttribute(key) else { return writeAttribute(key, text) }
        guard XMLSyntax.isName(key) else {
            let element = ElementEncoder(output, key, parent: self)
            element.write(text)
            return element.close()
        }
        beginContent()
        output.bytes.append(UInt8(ascii: "<"))
        output.bytes.append(contentsOf: key.utf8)
        output.bytes.append(UInt8(ascii: ">"))
        output.bytes.appendXML(text)
        output.bytes.append(contentsOf: "</".utf8)
        output.bytes.append(contentsOf: key.utf8)
        output.bytes.append(UInt8(ascii: ">"))
    }

    func write(_ value: some Encodable, _ key: any CodingKey) throws {
        let element = ElementEncoder(output, key.stringValue, key: key, parent: self)
        try value.encode(to: element)
        element.close()
    }

    /// One of several elements of the same name.
    func writeOne(_ value: some Encodable, _ index: Int) throws {
        guard let parent else {
            throw EncodingError.invalidValue(
                value,
                .init(codingPath: codingPath, debugDescription: "an array has no element of its own in XML")
            )
        }
        if isNamed, let leaf = value as? any XMLAttributed { return parent.write(leaf, name) }
        let element = ElementEncoder(output, name, key: XMLKey(index), parent: parent)
        try value.encode(to: element)
        element.close()
    }

    private func write(_ leaf: some XMLAttributed, _ name: String) {
        beginContent()
        output.bytes.append(UInt8(ascii: "<"))
        output.bytes.append(contentsOf: name.utf8)
        for (name, text) in leaf.attributes { output.bytes.appendXML(attribute: name, text) }
        output.bytes.append(contentsOf: "/>".utf8)
    }

    func later(_ key: any CodingKey) -> ElementEncoder {
        let holder = ElementEncoder(XMLOutput(), "")
        holder.hasContent = true
        holder.attributesEnd = 0
        let element = ElementEncoder(holder.output, key.stringValue, key: key, parent: holder)
        late.append(element)
        return element
    }

    /// One more element beside those of an array.
    func laterSibling() -> ElementEncoder { (parent ?? self).later(XMLKey(stringValue: name)) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        begin()
        return KeyedEncodingContainer(KeyedElement(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { ElementSeries(encoder: self) }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleElement(encoder: self) }
}
