/// One element with what is in it: text, or elements, never both.
package struct XMLElement: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    package var name: String
    package var attributes: [Attribute] = []
    package var children: [XMLElement] = []
    package var text = ""

    package init(_ name: String) { self.name = name }

    package subscript(_ name: String) -> String? { attributes.first { $0.name == name }?.value }

    /// The one element of a document.
    package init(document bytes: [UInt8], limits: XMLLimits = .usual) throws(XMLRefusal) {
        var scanner = try XMLScanner(bytes, limits: limits)
        var (open, count) = ([XMLElement](), 0)
        var root: XMLElement?
        while let token = try scanner.next() {
            switch token {
            case .start(let name, let attributes, let isEmpty):
                count += 1
                guard root == nil else { throw scanner.refusal("there is a second element after the first one") }
                guard count <= limits.elements else {
                    throw scanner.refusal("it has more than \(limits.elements) elements")
                }
                guard open.count < limits.depth else {
                    throw scanner.refusal("elements nest deeper than \(limits.depth)")
                }
                var element = XMLElement(name)
                element.attributes = attributes
                open.append(element)
                if isEmpty { root = Self.close(&open) }
            case .end(let name):
                guard let element = open.last else { throw scanner.refusal("an element ends that did not begin") }
                guard element.name == name else { throw scanner.refusal("</\(name)> ends <\(element.name)>") }
                guard element.children.isEmpty || element.text.utf8.allSatisfy(XMLSyntax.isSpace) else {
                    throw scanner.refusal("text stands beside elements in <\(name)>")
                }
                root = Self.close(&open)
            case .text(let text):
                if !open.isEmpty {
                    open[open.count - 1].text += text
                } else if !text.utf8.allSatisfy(XMLSyntax.isSpace) {
                    throw scanner.refusal("text stands outside of the element")
                }
            }
        }
        guard let root else {
            throw scanner.refusal(open.last.map { "<\($0.name)> does not end" } ?? "there is no element")
        }
        self = root
    }

    /// Ends the innermost element; what it is when it was the outermost.
    private static func close(_ open: inout [XMLElement]) -> XMLElement? {
        var element = open.removeLast()
        if !element.children.isEmpty { element.text = "" }
        guard !open.isEmpty else { return element }
        open[open.count - 1].children.append(element)
        return nil
    }
}
