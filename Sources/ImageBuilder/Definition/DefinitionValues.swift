import Archive
import HostModel
import SystemPackage

/// What single values of a definition may be. Everything that later lands on a command line, in a file of the tree or in a
/// boot script is checked here and nowhere else.
extension DefinitionNode {
    func text() throws(ImageDefinitionError) -> String {
        guard case .scalar(let text) = value else { throw failure("expected one word or text here") }
        return text
    }

    func list() throws(ImageDefinitionError) -> [DefinitionNode] {
        guard case .list(let items) = value else { throw failure("expected a list") }
        return items
    }

    func pairs(_ expected: String) throws(ImageDefinitionError) -> [(key: DefinitionNode, value: DefinitionNode)] {
        guard case .mapping(let pairs) = value else { throw failure("expected \(expected)") }
        return pairs
    }

    /// The fields of a mapping that may have these keys and no others.
    func fields(_ allowed: [String]) throws(ImageDefinitionError) -> DefinitionFields {
        var values: [String: DefinitionNode] = [:]
        for (key, value) in try pairs("keys: \(allowed.joined(separator: ", "))") {
            let name = try key.text()
            guard allowed.contains(name) else {
                throw key.failure(
                    "unknown key \(name.debugDescription); known here: \(allowed.joined(separator: ", "))"
                )
            }
            values[name] = value
        }
        return DefinitionFields(node: self, values: values)
    }

    func integer(in range: ClosedRange<Int>) throws(ImageDefinitionError) -> Int {
        guard let number = Int(try text()), range.contains(number) else {
            throw failure("expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag() throws(ImageDefinitionError) -> Bool {
        switch try text() {
        case "true", "yes": return true
        case "false", "no": return false
        default: throw failure("expected true or false")
        }
    }

    /// A path below the root of the tree.
    func treePath() throws(ImageDefinitionError) -> TreePath {
        let text = try text()
        guard let path = TreePath(text), Self.isPlain(text) else {
            throw failure("\(text.debugDescription) is no path below the root")
        }
        return path
    }

    /// A file or folder of this machine, relative to the definition's.
    func sitePath() throws(ImageDefinitionError) -> FilePath {
        let text = try text()
        guard !text.isEmpty, Self.isPlain(text) else { throw failure("\(text.debugDescription) names no file") }
        return folder.pushing(FilePath(text))
    }

    /// Permission bits in octal.
    func permissions() throws(ImageDefinitionError) -> UInt16 {
        guard let mode = UInt16(try text(), radix: 8), mode <= 0o7777 else {
            throw failure("expected permission bits in octal, such as \"1777\"")
        }
        return mode
    }

    func imageName() throws(ImageDefinitionError) -> String {
        let text = try text()
        guard ImageReference.isComponent(text) else {
            throw failure("a name is 1 to 63 lower-case letters, digits, '.', '_' and '-'")
        }
        return text
    }

    func architecture() throws(ImageDefinitionError) -> String {
        let text = try text()
        guard text == "x86_64" else { throw failure("the architecture is x86_64; there is no other yet") }
        return text
    }

    func kernelArgument() throws(ImageDefinitionError) -> String {
        let text = try text()
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw failure("a kernel argument is one word of printable ASCII")
        }
        return text
    }

    func moduleName() throws(ImageDefinitionError) -> String {
        let text = try text()
        guard text.utf8.first.map({ $0 != 45 }) == true, text.utf8.allSatisfy(Self.isModuleByte) else {
            throw failure("\(text.debugDescription) names no kernel module")
        }
        return text
    }

    /// A package of the registry or a `.deb` beside the definition.
    func package() throws(ImageDefinitionError) -> PackageRequest {
        let text = try text()
        if text.hasSuffix(".deb") { return .file(try sitePath()) }
        guard PackageRequest.isPackageName(text) else { throw failure("\(text.debugDescription) names no package") }
        return .registry(text)
    }

    /// Text without control characters: it becomes a line of a file.
    func line(longest: Int) throws(ImageDefinitionError) -> String {
        let text = try text()
        guard (1...longest).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
        else { throw failure("expected a line of 1 to \(longest) bytes") }
        return text
    }

    /// Every scalar value, checked by `body`.
    func each<Value>(
        _ body: (DefinitionNode) throws(ImageDefinitionError) -> Value
    ) throws(ImageDefinitionError) -> [Value] {
        var values: [Value] = []
        for item in try list() { values.append(try body(item)) }
        return values
    }

    /// No control characters, and no hyphen first: programs would take that for an option.
    private static func isPlain(_ text: String) -> Bool {
        !text.hasPrefix("-") && text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
    }

    private static func isModuleByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte | 0x20) || (48...57).contains(byte) || byte == 95 || byte == 45
    }
}

/// A mapping whose keys are known.
struct DefinitionFields {
    let node: DefinitionNode
    let values: [String: DefinitionNode]

    subscript(name: String) -> DefinitionNode? { values[name] }

    func required(_ name: String) throws(ImageDefinitionError) -> DefinitionNode {
        guard let value = values[name] else { throw node.failure("the key \(name.debugDescription) is missing") }
        return value
    }

    /// The values of a list; none when the key is not there.
    func list<Value>(
        _ name: String,
        _ body: (DefinitionNode) throws(ImageDefinitionError) -> Value
    ) throws(ImageDefinitionError) -> [Value] {
        guard let node = values[name] else { return [] }
        return try node.each(body)
    }

    /// One value; `nil` when the key is not there.
    func value<Value>(
        _ name: String,
        _ body: (DefinitionNode) throws(ImageDefinitionError) -> Value
    ) throws(ImageDefinitionError) -> Value? {
        guard let node = values[name] else { return nil }
        return try body(node)
    }
}
