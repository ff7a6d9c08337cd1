import Archive
import SystemPackage
import Yams

/// A node of a definition, and where a person wrote it: after includes are merged, errors still name the right file.
struct DefinitionNode {
    indirect enum Value {
        case scalar(String)
        case list([DefinitionNode])
        case mapping([(key: DefinitionNode, value: DefinitionNode)])
    }

    /// Nodes of one file. Anchors and aliases multiply: a few lines can stand for billions.
    static let mostNodes = 100_000

    var value: Value
    var file: FilePath
    /// From 1; 0 where the whole file is meant.
    var line = 0
    var column = 0

    /// Paths in the node are relative to the folder of its file.
    var folder: FilePath { file.removingLastComponent() }

    /// Reads the text of the definition that stands at `file`.
    static func parse(_ text: String, file: FilePath) throws(ImageDefinitionError) -> DefinitionNode {
        let nowhere = DefinitionNode(value: .list([]), file: file)
        let root: Node
        do {
            guard let node = try Yams.compose(yaml: text) else { throw nowhere.failure("the file is empty") }
            root = node
        } catch let error as ImageDefinitionError {
            throw error
        } catch YamlError.parser(_, let problem, let mark, _), YamlError.scanner(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _)
        {
            throw ImageDefinitionError(file: file.string, line: mark.line, column: mark.column, message: problem)
        } catch {
            throw nowhere.failure("\(error)")
        }
        var left = mostNodes
        return try convert(root, file: file, left: &left)
    }

    private static func convert(
        _ node: Node,
        file: FilePath,
        left: inout Int
    ) throws(ImageDefinitionError) -> DefinitionNode {
        var result = DefinitionNode(value: .list([]), file: file)
        (result.line, result.column) = (node.mark?.line ?? 0, node.mark?.column ?? 0)
        left -= 1
        guard left > 0 else { throw result.failure("more than \(mostNodes) values: is there an alias too many?") }
        switch node {
        case .scalar(let scalar): result.value = .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [DefinitionNode] = []
            for item in sequence { items.append(try convert(item, file: file, left: &left)) }
            result.value = .list(items)
        case .mapping(let mapping):
            var pairs: [(key: DefinitionNode, value: DefinitionNode)] = []
            for (key, value) in mapping {
                let key = try convert(key, file: file, left: &left)
                pairs.append((key, try convert(value, file: file, left: &left)))
            }
            result.value = .mapping(pairs)
        case .alias: throw result.failure("an alias that names nothing")
        }
        return result
    }

    func failure(_ message: String) -> ImageDefinitionError {
        ImageDefinitionError(file: file.string, line: line, column: column, message: message)
    }

    /// This definition under an overlay: mappings merge key by key, lists grow, anything else is replaced.
    func merged(with overlay: DefinitionNode) throws(ImageDefinitionError) -> DefinitionNode {
        switch (value, overlay.value) {
        case (.scalar, .scalar): return overlay
        case (.list(let first), .list(let second)):
            var result = overlay
            result.value = .list(first + second)
            return result
        case (.mapping(let first), .mapping(let second)):
            var pairs = first
            for (key, value) in second {
                let name = try key.text()
                if let place = try Self.index(of: name, in: pairs) {
                    pairs[place] = (key, try pairs[place].value.merged(with: value))
                } else {
                    pairs.append((key, value))
                }
            }
            var result = overlay
            result.value = .mapping(pairs)
            return result
        default:
            throw overlay.failure("\(file):\(line):\(column), which is included, has a value of another kind here")
        }
    }

    private static func index(
        of name: String,
        in pairs: [(key: DefinitionNode, value: DefinitionNode)]
    ) throws(ImageDefinitionError) -> Int? {
        for (place, pair) in pairs.enumerated() where try pair.key.text() == name { return place }
        return nil
    }
}
