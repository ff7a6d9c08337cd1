import Archive
import FoundationEssentials
import SystemPackage

/// Loads a definition with everything that it includes.
///
/// An included file stands in the including file's folder or below, so that a definition and its folder can be handed on
/// as they are, and none reads what lies elsewhere on the machine.
struct DefinitionFile {
    /// A definition is text that a person wrote; a megabyte of it is a mistake.
    static let largest = 1 << 20
    /// How deep includes may nest.
    static let deepest = 8
    /// Files that make one definition together.
    static let mostFiles = 64

    private var files = 0
    /// The files that are being read, outermost first.
    private var open: [FilePath] = []

    /// The definition at `file`, its includes merged in their order, itself on top.
    static func load(_ file: FilePath) throws(ImageDefinitionError) -> DefinitionNode {
        var loader = DefinitionFile()
        return try loader.load(file, includedAt: nil)
    }

    /// As `load`, for text that stands at `file`.
    static func load(_ text: String, file: FilePath) throws(ImageDefinitionError) -> DefinitionNode {
        var loader = DefinitionFile()
        return try loader.merge(try DefinitionNode.parse(text, file: file), file: file)
    }

    private mutating func load(
        _ file: FilePath,
        includedAt place: DefinitionNode?
    ) throws(ImageDefinitionError) -> DefinitionNode {
        let text: String
        do {
            text = try readText(file, limit: Self.largest)
        } catch {
            throw place?.failure("\(file) cannot be read: \(error)")
                ?? ImageDefinitionError(file: file.string, line: 0, column: 0, message: "cannot be read: \(error)")
        }
        return try merge(try DefinitionNode.parse(text, file: file), file: file)
    }

    private mutating func merge(
        _ node: DefinitionNode,
        file: FilePath
    ) throws(ImageDefinitionError) -> DefinitionNode {
        guard case .mapping(let pairs) = node.value else { return node }
        var own = node
        var includes: [DefinitionNode] = []
        var rest: [(key: DefinitionNode, value: DefinitionNode)] = []
        for pair in pairs {
            if try pair.key.text() == "include" { includes = try pair.value.list() } else { rest.append(pair) }
        }
        own.value = .mapping(rest)
        guard !includes.isEmpty else { return own }
        open.append(Self.real(file))
        defer { open.removeLast() }
        var result: DefinitionNode?
        for include in includes {
            let included = try load(try target(of: include), includedAt: include)
            result = try result.map { node throws(ImageDefinitionError) in try node.merged(with: included) } ?? included
        }
        return try result?.merged(with: own) ?? own
    }

    /// The file that an include names, if it may.
    private mutating func target(of include: DefinitionNode) throws(ImageDefinitionError) -> FilePath {
        let text = try include.text()
        guard !text.hasPrefix("/"), let path = TreePath(text) else {
            throw include.failure("\(text.debugDescription) leads out of the folder of \(include.file)")
        }
        let file = include.folder.pushing(FilePath(path.text))
        let (folder, real) = (Self.real(include.folder.isEmpty ? "." : include.folder), Self.real(file))
        guard real.starts(with: folder) else {
            throw include.failure("\(text.debugDescription) is a link that leads out of the folder of \(include.file)")
        }
        files += 1
        guard files <= Self.mostFiles else { throw include.failure("more than \(Self.mostFiles) files are included") }
        guard !open.contains(real) else { throw include.failure("\(text.debugDescription) includes itself") }
        guard open.count < Self.deepest else {
            throw include.failure("includes nest more than \(Self.deepest) deep")
        }
        return file
    }

    private static func real(_ path: FilePath) -> FilePath {
        FilePath(URL(filePath: path.string).resolvingSymlinksInPath().path)
    }
}
