import Foundation
import HostModel
import Yams

/// A whole site in YAML, under the names of the REST API's collections and elements. What it does not name stays as it is.
struct SiteFile: Hashable, Sendable, Codable {
    struct Host: Hashable, Sendable, Codable {
        var name: String
        var comment: String?
        var cluster: WireReference?
        var spm: HostOrder.StoragePoolManager?
        /// All tags that it has.
        var tags: [String]?

        var order: HostOrder {
            var order = HostOrder()
            (order.comment, order.cluster, order.spm) = (comment, cluster, spm)
            return order
        }
    }

    var macpools: [MACPoolResource.Order]?
    var datacenters: [DataCenterResource.Order]?
    var clusters: [ClusterResource.Order]?
    var networks: [NetworkOrder]?
    var tags: [TagResource.Order]?
    var affinitylabels: [AffinityLabelResource.Order]?
    var hosts: [Host]?

    static func read(_ path: String) throws -> SiteFile {
        let file = try SettingsDocument.read(SiteFile.self, from: path, keys: "docs/cli.md, muster apply,")
        try refuseUnknown(path, file)
        return file
    }

    /// A mistyped key would be passed over in silence: what was read is written again, and what is missing then was not read.
    private static func refuseUnknown(_ path: String, _ file: SiteFile) throws {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let node = try? Yams.compose(yaml: text) else { return }
        let tree = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(file))
        if let key = unknown(node, tree, []) {
            throw UserError(
                .badData,
                "\(terminalEscaped(path)): the key \(terminalEscaped(key)) is unknown",
                remedy: "docs/cli.md, muster apply, shows the keys"
            )
        }
    }

    private static func unknown(_ node: Node, _ value: JSONValue, _ path: [String]) -> String? {
        switch (node, value) {
        case (.mapping(let mapping), .object(let members)):
            for (key, inner) in mapping {
                let name = key.string ?? ""
                if inner.null != nil { continue }
                guard let member = members[name] else { return (path + [name]).joined(separator: ".") }
                if let found = unknown(inner, member, path + [name]) { return found }
            }
            return nil
        case (.sequence(let sequence), .array(let values)):
            for (index, pair) in zip(sequence, values).enumerated() {
                if let found = unknown(pair.0, pair.1, path + ["\(index)"]) { return found }
            }
            return nil
        default: return nil
        }
    }
}

/// What an order would change of a thing that is there. Pure.
enum SiteDifference {
    /// Of a new thing, a line each: `level: 4.7`.
    static func lines(ofNew order: JSONValue) -> [String] {
        lines(order, .null).filter { !$0.hasPrefix("name: ") }.map {
            $0.replacing(": none -> ", with: ": ", maxReplacements: 1)
        }
    }

    /// A line each: `level: 4.6 -> 4.7`.
    static func lines(_ order: JSONValue, _ standing: JSONValue, _ path: String = "") -> [String] {
        switch (order, standing) {
        case (.object(let members), _) where members["name"] != nil && !path.isEmpty && members.count <= 2:
            // A reference: by name where there is one.
            let key = members["name"] == nil || members["name"] == .null ? "id" : "name"
            return lines(order[key], standing[key], path)
        case (.object, _):
            return order.members.flatMap { member in
                lines(member.value, standing[member.name], path.isEmpty ? member.name : "\(path).\(member.name)")
            }
        case (.array(let wanted), _):
            let had = if case .array(let values) = standing { values } else { [JSONValue]() }
            let isSame =
                wanted.allSatisfy { $0.text != nil }
                ? Set(wanted.compactMap(\.text)) == Set(had.compactMap(\.text))
                : wanted.count == had.count && zip(wanted, had).allSatisfy { lines($0, $1).isEmpty }
            return isSame ? [] : ["\(path): \(text(standing)) -> \(text(order))"]
        case (.null, _): return []
        default:
            // Nothing and an empty text are the same to the engine.
            let (wanted, had) = (order.text ?? "", standing.text ?? "")
            return wanted == had ? [] : ["\(path): \(text(standing)) -> \(text(order))"]
        }
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .array(let values): "[\(values.map(text).joined(separator: ", "))]"
        case .object: "{\(value.members.map { "\($0.name): \(text($0.value))" }.joined(separator: ", "))}"
        default: value.text.flatMap { $0.isEmpty ? nil : $0 } ?? "none"
        }
    }

    static func tree(_ value: some Encodable) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    }
}
