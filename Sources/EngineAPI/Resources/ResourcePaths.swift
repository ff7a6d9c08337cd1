import Engine
import HostModel
import Hummingbird

/// Where resources are: the paths of their links, and the ids in the paths of requests.
enum ResourcePath {
    static let root = "/ovirt-engine/api"

    static func href(_ collection: String, _ id: String) -> String { "\(root)/\(collection)/\(id)" }

    static func link(_ collection: String, _ id: UniqueID, name: String? = nil) -> ResourceLink {
        ResourceLink(id: id.rawValue, href: href(collection, id.rawValue), name: name)
    }
}

extension APIContext {
    /// The UUID that the path names as `:id`; 404 when it is none, because then there is no such thing.
    func id(of what: String) throws -> UniqueID {
        let text = parameters.get("id") ?? ""
        guard let id = UniqueID(rawValue: text) else {
            throw Fault.notFound("There is no \(what) with the id \(text.prefix(64)).", remedy: "List them to see ids.")
        }
        return id
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

extension ListFilter {
    /// The most of one answer where `max` is given; without it a list comes whole.
    static let maxLimit = 10_000

    /// `search` and `max`.
    init(_ query: FormFields) throws {
        let max = query["max"].map { !$0.isEmpty } ?? false
        self.init(search: query["search"] ?? "", max: max ? try PageSize(query, limit: Self.maxLimit).count : nil)
    }
}
