internal import CLibvirt
internal import Glibc

/// A document that libvirt gave, read by the XML library that libvirt itself is linked with. Values are asked for by XPath 1.0.
struct XMLDocument: ~Copyable {
    private let library: LibvirtLibrary
    private let document: UnsafeMutableRawPointer
    private let context: UnsafeMutableRawPointer

    /// What one question may answer, in values: libvirt knows some hundred machine types.
    private static let mostValues = 4096

    init(_ text: String, _ library: LibvirtLibrary) throws(LibvirtError) {
        let (operation, functions) = ("read libvirt's XML", library.functions)
        let size = CInt(clamping: text.utf8.count)
        guard let document = functions.xmlReadMemory(text, size, nil, nil, clibvirt_xml_options) else {
            throw LibvirtError(operation, "it is not well-formed")
        }
        guard let context = functions.xmlXPathNewContext(document) else {
            functions.xmlFreeDoc(document)
            throw LibvirtError(operation, "no memory")
        }
        (self.library, self.document, self.context) = (library, document, context)
    }

    deinit {
        library.functions.xmlXPathFreeContext(context)
        library.functions.xmlFreeDoc(document)
    }

    /// The texts of all nodes that an expression finds, in the document's order.
    borrowing func strings(_ expression: String) -> [String] {
        let count = min(Int(string("count(\(expression))")) ?? 0, Self.mostValues)
        return (0..<count).map { string("string((\(expression))[\($0 + 1)])") }
    }

    /// An expression's value as text; empty for one that is wrong.
    borrowing func string(_ expression: String) -> String {
        guard let object = library.functions.xmlXPathEvalExpression(expression, context) else { return "" }
        defer { library.functions.xmlXPathFreeObject(object) }
        guard let text = library.functions.xmlXPathCastToString(object) else { return "" }
        defer { free(text) }
        return String(cString: text)
    }
}
