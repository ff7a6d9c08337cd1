import Archive
import HostModel
package import SystemPackage
import Yams

extension ImageDefinition {
    /// A definition is text that a person wrote; a megabyte of it is a mistake.
    package static let largestFile = 1 << 20

    /// Reads a definition file. Paths in it are relative to its folder.
    package static func read(_ file: FilePath) throws(ImageDefinitionError) -> ImageDefinition {
        do {
            let text = try readText(file, limit: largestFile)
            return try parse(text, file: file)
        } catch let error as ImageDefinitionError {
            throw error
        } catch {
            throw ImageDefinitionError(file: file.string, line: 0, column: 0, message: "cannot be read: \(error)")
        }
    }

    /// Parses the text of the definition that stands at `file`.
    package static func parse(_ text: String, file: FilePath) throws(ImageDefinitionError) -> ImageDefinition {
        var reader = DefinitionReader(file: file)
        return try reader.definition(text)
    }
}

/// Turns YAML nodes into a definition. Every key that it does not know is an error, so that a typing error does not
/// build another image than the one that was meant.
private struct DefinitionReader {
    let file: FilePath
    private var folder: FilePath { file.removingLastComponent() }

    init(file: FilePath) { self.file = file }

    mutating func definition(_ text: String) throws(ImageDefinitionError) -> ImageDefinition {
        let root = try compose(text)
        let fields = try fields(
            root,
            allowed: [
                "name", "architecture", "kernel", "packages", "applets", "agent", "files", "directories", "compression",
                "size-limit-mib", "epoch", "outputs", "secure-boot",
            ]
        )
        let kernel = try fields.required("kernel", at: root, self)
        var definition = ImageDefinition(
            name: try name(try fields.required("name", at: root, self)),
            architecture: try architecture(try fields.required("architecture", at: root, self)),
            kernel: .registry("")
        )
        try readKernel(kernel, into: &definition)
        if let node = fields["packages"] { definition.packages = try packages(node) }
        definition.applets = try fields["applets"].map { node throws(ImageDefinitionError) in try path(node) }
        definition.agent = try fields["agent"].map { node throws(ImageDefinitionError) in try path(node) }
        if let node = fields["files"] { definition.files = folder.pushing(FilePath(try path(node).text)) }
        if let node = fields["directories"] { definition.directories = try directories(node) }
        if let node = fields["compression"] { definition.compressionLevel = try integer(node, in: 1...19) }
        if let node = fields["size-limit-mib"] { definition.sizeLimit = Int64(try integer(node, in: 1...4096)) << 20 }
        if let node = fields["epoch"] { definition.epoch = Int64(try integer(node, in: 0...0xFFFF_FFFF)) }
        if let node = fields["outputs"] { definition.outputs = try outputs(node) }
        if let node = fields["secure-boot"] { definition.secureBoot = try flag(node) }
        return definition
    }

    private func outputs(_ node: Node) throws(ImageDefinitionError) -> Set<ImageDefinition.Output> {
        var outputs: Set<ImageDefinition.Output> = []
        for node in try list(node) {
            guard let output = ImageDefinition.Output(rawValue: try text(node)) else {
                let known = ImageDefinition.Output.allCases.map(\.rawValue).joined(separator: ", ")
                throw failure(node, "there is no such output; known: \(known)")
            }
            outputs.insert(output)
        }
        guard !outputs.isEmpty else { throw failure(node, "expected at least one output") }
        return outputs
    }

    private func flag(_ node: Node) throws(ImageDefinitionError) -> Bool {
        switch try text(node) {
        case "true": return true
        case "false": return false
        default: throw failure(node, "expected true or false")
        }
    }

    private func compose(_ text: String) throws(ImageDefinitionError) -> Node {
        do {
            guard let node = try Yams.compose(yaml: text) else { throw failure(nil, "the file is empty") }
            return node
        } catch let error as ImageDefinitionError {
            throw error
        } catch YamlError.parser(_, let problem, let mark, _), YamlError.scanner(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _)
        {
            throw ImageDefinitionError(file: file.string, line: mark.line, column: mark.column, message: problem)
        } catch {
            throw failure(nil, "\(error)")
        }
    }

    private func readKernel(_ node: Node, into definition: inout ImageDefinition) throws(ImageDefinitionError) {
        let fields = try fields(node, allowed: ["package", "arguments", "module-directories", "modules"])
        definition.kernel = try package(try fields.required("package", at: node, self))
        for node in try list(fields["arguments"]) { definition.kernelArguments.append(try kernelArgument(node)) }
        for node in try list(fields["module-directories"]) { definition.modules.directories.append(try path(node)) }
        for node in try list(fields["modules"]) { definition.modules.names.append(try moduleName(node)) }
    }

    private func packages(_ node: Node) throws(ImageDefinitionError) -> [ImageDefinition.PackageSelection] {
        guard case .mapping(let mapping) = node else { throw failure(node, "expected packages, each with its files") }
        var selections: [ImageDefinition.PackageSelection] = []
        for (key, value) in mapping {
            var paths: [TreePath] = []
            for node in try list(value) { paths.append(try path(node)) }
            guard !paths.isEmpty else { throw failure(key, "expected a list of the files to take from the package") }
            selections.append(.init(package: try package(key), paths: paths))
        }
        return selections
    }

    private func directories(_ node: Node) throws(ImageDefinitionError) -> [TreePath: UInt16] {
        guard case .mapping(let mapping) = node else { throw failure(node, "expected directories with their modes") }
        var directories: [TreePath: UInt16] = [:]
        for (key, value) in mapping {
            guard let mode = UInt16(try text(value), radix: 8), mode <= 0o7777 else {
                throw failure(value, "expected permission bits in octal, such as \"1777\"")
            }
            directories[try path(key)] = mode
        }
        return directories
    }

    private func package(_ node: Node) throws(ImageDefinitionError) -> PackageRequest {
        let text = try text(node)
        if text.hasSuffix(".deb") { return .file(folder.pushing(FilePath(text))) }
        guard PackageRequest.isPackageName(text) else {
            throw failure(node, "\(text.debugDescription) names no package")
        }
        return .registry(text)
    }

    private func name(_ node: Node) throws(ImageDefinitionError) -> String {
        let text = try text(node)
        guard ImageReference.isComponent(text) else {
            throw failure(node, "a name is 1 to 63 lower-case letters, digits, '.', '_' and '-'")
        }
        return text
    }

    private func architecture(_ node: Node) throws(ImageDefinitionError) -> String {
        let text = try text(node)
        guard text == "x86_64" else { throw failure(node, "the architecture is x86_64; there is no other yet") }
        return text
    }

    private func kernelArgument(_ node: Node) throws(ImageDefinitionError) -> String {
        let text = try text(node)
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw failure(node, "a kernel argument is one word of printable ASCII")
        }
        return text
    }

    private func moduleName(_ node: Node) throws(ImageDefinitionError) -> String {
        let text = try text(node)
        let allowed = text.utf8.allSatisfy { byte in
            (97...122).contains(byte | 0x20) || (48...57).contains(byte) || byte == 95 || byte == 45
        }
        guard !text.isEmpty, allowed else { throw failure(node, "\(text.debugDescription) names no kernel module") }
        return text
    }

    private func path(_ node: Node) throws(ImageDefinitionError) -> TreePath {
        let text = try text(node)
        guard let path = TreePath(text) else {
            throw failure(node, "\(text.debugDescription) is no path below the root")
        }
        return path
    }

    private func integer(_ node: Node, in range: ClosedRange<Int>) throws(ImageDefinitionError) -> Int {
        guard let value = Int(try text(node)), range.contains(value) else {
            throw failure(node, "expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private func text(_ node: Node) throws(ImageDefinitionError) -> String {
        guard case .scalar(let scalar) = node else { throw failure(node, "expected one word or text here") }
        return scalar.string
    }

    private func list(_ node: Node?) throws(ImageDefinitionError) -> [Node] {
        guard let node else { return [] }
        guard case .sequence(let sequence) = node else { throw failure(node, "expected a list") }
        return Array(sequence)
    }

    private func fields(_ node: Node, allowed: [String]) throws(ImageDefinitionError) -> Fields {
        guard case .mapping(let mapping) = node else {
            throw failure(node, "expected keys: \(allowed.joined(separator: ", "))")
        }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            let name = try text(key)
            guard allowed.contains(name) else {
                throw failure(
                    key,
                    "unknown key \(name.debugDescription); known here: \(allowed.joined(separator: ", "))"
                )
            }
            values[name] = value
        }
        return Fields(values: values)
    }

    func failure(_ node: Node?, _ message: String) -> ImageDefinitionError {
        let mark = node?.mark
        return ImageDefinitionError(
            file: file.string,
            line: mark?.line ?? 0,
            column: mark?.column ?? 0,
            message: message
        )
    }
}

private struct Fields {
    let values: [String: Node]

    subscript(name: String) -> Node? { values[name] }

    func required(_ name: String, at node: Node, _ reader: DefinitionReader) throws(ImageDefinitionError) -> Node {
        guard let value = values[name] else {
            throw reader.failure(node, "the key \(name.debugDescription) is missing")
        }
        return value
    }
}
