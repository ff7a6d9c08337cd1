import Crypto
import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// Where resources are: the paths of their links, and the ids in the paths of requests.
enum ResourcePath {
    static let unversioned = "/ovirt-engine/api"
    static let versioned = "/ovirt-engine/api/v4"

    /// Where links lead: a client that names the version in its path finds it in every link, because oVirt's SDK follows only
    /// what lies below the address that it was given.
    @TaskLocal static var root = unversioned

    static func unversioned(_ href: String) -> String {
        href.hasPrefix(versioned + "/") ? unversioned + href.dropFirst(versioned.count) : href
    }

    /// The 3 of `/ovirt-engine/api/v3/hosts`; `nil` for a path that names no version, or ours.
    static func strangeVersion(in path: String) -> Substring? {
        guard path.hasPrefix(unversioned + "/v") else { return nil }
        let version = path.dropFirst(unversioned.count + 2).prefix { $0 != "/" }
        return version.isEmpty || version == "4" || !version.allSatisfy { $0.isASCII && $0.isNumber } ? nil : version
    }

    static func href(_ collection: String, _ id: String) -> String { "\(root)/\(collection)/\(id)" }

    static func link(_ collection: String, _ id: UniqueID, name: String? = nil) -> ResourceLink {
        ResourceLink(id: id.rawValue, href: href(collection, id.rawValue), name: name)
    }

    /// oVirt's way to an id: a UUID of version 3 without a name space (`UUID.nameUUIDFromBytes` of Java).
    static func id(of name: String) -> String {
        var bytes = Array(Insecure.MD5.hash(data: Array(name.utf8)))
        bytes[6] = bytes[6] & 0x0F | 0x30
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = bytes.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0\(text)" : text
        }
        let groups = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16]
        return groups.map { digits[$0].joined() }.joined(separator: "-")
    }
}

extension APIContext {
    /// The UUID that the path names as `:id`, or as `name`; 404 when it is none, because then there is no such thing.
    func id(of what: String, at name: String = "id") throws -> UniqueID {
        let text = parameters.get(name) ?? ""
        guard let id = UniqueID(rawValue: text) else {
            throw Fault.notFound("There is no \(what) with the id \(text.prefix(64)).", remedy: "List them to see ids.")
        }
        return id
    }
}

/// What asks for a part of a collection: `search`, `case_sensitive`, `max`.
struct ListQuery {
    let search: SearchQuery
    let isCaseSensitive: Bool
    let max: Int

    /// `fields` are those of the things in the collection, lower case. Without `max` it is all that
    /// one answer may hold.
    init(_ query: FormFields, fields: [String], limit: Int) throws {
        let text = query["search"] ?? ""
        search = try SearchQuery(text, fields: fields)
        isCaseSensitive = try Self.flag(query, "case_sensitive") ?? false
        max = try PageSize(query, limit: limit).count
    }

    /// `nil` where it is not there. Throws for what is neither true nor false.
    static func flag(_ query: FormFields, _ name: String) throws -> Bool? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let flag = flags[text.lowercased()] else { throw noFlag(name, text) }
        return flag
    }

    /// Whether a change is only to be tried. An empty flag is refused, too: who meant a trial must not change anything.
    static func isDryRun(_ query: FormFields) throws -> Bool {
        guard query["dry_run"] != "" else { throw noFlag("dry_run", "") }
        return try flag(query, "dry_run") ?? false
    }

    private static let flags = ["true": true, "1": true, "false": false, "0": false]

    private static func noFlag(_ name: String, _ text: String) -> Fault {
        Fault(
            .badRequest,
            "\(name)=\(text.prefix(32)) is neither true nor false.",
            remedy: "Write \(name)=true."
        )
    }
}

/// `max=N`: at most N of them; absent or negative means all that one answer may hold.
struct PageSize {
    let count: Int

    init(_ query: FormFields, limit: Int) throws {
        guard let text = query["max"], !text.isEmpty else {
            count = limit
            return
        }
        guard let wanted = Int(text) else {
            throw Fault(.badRequest, "max=\(text.prefix(32)) is not a number.", remedy: "Write max=100.")
        }
        count = wanted < 0 ? limit : min(wanted, limit)
    }
}
