import AgentWire
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization

/// Puts what is at the end of links into an answer, in the links' places (`follow`). It asks the API's own routes, as the same
/// user: what is served is what can be followed.
final class LinkFollower: Sendable {
    private let routes = Mutex<(any HTTPResponder<APIContext>)?>(nil)

    /// Ends of links that one request may fetch; each is fetched once.
    static let fetchesMax = 2000
    /// Octets of JSON that links may add to one answer: what stands at the end of many links is in it many times.
    static let octetsMax = 16 << 20

    /// The routes below `/ovirt-engine/api`, without the sign-in.
    func use(_ responder: any HTTPResponder<APIContext>) { routes.withLock { $0 = responder } }

    func complete(
        _ value: some Encodable,
        with paths: [LinkPath],
        context: APIContext
    ) async throws -> JSONValue {
        var walk = Walk(context: context, routes: routes.withLock(\.self))
        let tree = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
        return try await walk.complete(tree, paths)
    }

    /// One request's way along its links.
    private struct Walk {
        var context: APIContext
        let routes: (any HTTPResponder<APIContext>)?
        private var known: [String: End] = [:]
        private var octets = 0

        private struct End {
            /// `nil` where there is nothing, nothing that the user may see, or a host that cannot say now.
            var value: JSONValue?
            var octets = 0
        }

        init(context: APIContext, routes: (any HTTPResponder<APIContext>)?) {
            (self.context, self.routes) = (context, routes)
            (self.context.follow, self.context.follower, self.context.format) = ([], nil, .json)
        }

        /// A thing, or, in its element, several.
        mutating func complete(_ tree: JSONValue, _ paths: [LinkPath]) async throws -> JSONValue {
            guard !paths.isEmpty, case .object(var members) = tree else { return tree }
            if let (key, things) = Self.collection(members) {
                var completed: [JSONValue] = []
                for thing in things { completed.append(try await complete(thing, paths)) }
                return .object([key: .array(completed)])
            }
            for path in paths { try await follow(path, in: &members) }
            return .object(members)
        }

        private mutating func follow(_ path: LinkPath, in members: inout [String: JSONValue]) async throws {
            let rel = path.name.filter { $0 != "_" }
            if let key = members.keys.first(where: { $0.filter { $0 != "_" } == rel }), let inline = members[key] {
                members[key] = try await fetched(inline, path.next)
                return
            }
            guard case .array(let links)? = members["link"] else { return }
            let place = links.firstIndex { Self.text($0, "rel") == rel }
            guard let place, let href = Self.text(links[place], "href"), let end = try await end(of: href) else {
                return
            }
            members[Self.members[rel] ?? path.name] = try await complete(end, path.next)
            members["link"] = .array(links.enumerated().filter { $0.offset != place }.map(\.element))
        }

        /// A reference becomes what it refers to; so do those of a list in its element.
        private mutating func fetched(_ inline: JSONValue, _ next: [LinkPath]) async throws -> JSONValue {
            if let href = Self.text(inline, "href") {
                guard let end = try await end(of: href) else { return inline }
                return try await complete(end, next)
            }
            guard case .object(let members) = inline, let (key, things) = Self.collection(members) else {
                return inline
            }
            var completed: [JSONValue] = []
            for thing in things { completed.append(try await fetched(thing, next)) }
            return .object([key: .array(completed)])
        }

        /// What is there now; `nil` where nothing is, or the user may not see it.
        private mutating func end(of href: String) async throws -> JSONValue? {
            let found: End
            if let before = known[href] {
                found = before
            } else {
                guard known.count < LinkFollower.fetchesMax else { throw Self.tooMuch }
                found = try await fetch(href)
                known[href] = found
            }
            octets += found.octets
            guard octets <= LinkFollower.octetsMax else { throw Self.tooMuch }
            return found.value
        }

        private static var tooMuch: Fault {
            Fault(
                .badRequest,
                "More than \(LinkFollower.fetchesMax) links, or to more than \(LinkFollower.octetsMax >> 20) MiB, "
                    + "were to be followed.",
                remedy: "Ask for fewer things at once with max=, or follow fewer links."
            )
        }

        private func fetch(_ href: String) async throws -> End {
            guard let routes else { return End() }
            let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: ResourcePath.unversioned(href))
            let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
            do {
                let response = try await routes.respond(to: request, context: context)
                guard response.status == .ok else { return End() }
                let collected = CollectedBody()
                try await response.body.write(collected)
                let bytes = Data(collected.bytes.readableBytesView)
                return End(value: try JSONDecoder().decode(JSONValue.self, from: bytes), octets: bytes.count)
            } catch {
                let fault = FaultMiddleware.fault(for: error, request, context)
                // One host that is down or busy must not keep the others of a list from who asks.
                let passed: [HTTPResponse.Status] = [.notFound, .forbidden, .conflict, .serviceUnavailable]
                guard passed.contains(fault.status) else { throw error }
                return End()
            }
        }

        /// Members of collections that are called otherwise than their links.
        private static let members = [
            "affinitylabels": "affinity_labels", "fenceagents": "agents", "networkattachments": "network_attachments",
            "networklabels": "network_labels", "unmanagednetworks": "unmanaged_networks",
        ]

        /// `{"host": […]}` and nothing else.
        private static func collection(_ members: [String: JSONValue]) -> (String, [JSONValue])? {
            guard members.count == 1, let (key, value) = members.first, case .array(let things) = value else {
                return nil
            }
            return (key, things)
        }

        private static func text(_ value: JSONValue, _ key: String) -> String? {
            guard case .object(let members) = value, case .string(let text)? = members[key] else { return nil }
            return text
        }
    }
}

/// Takes an answer in instead of a connection.
private final class CollectedBody: ResponseBodyWriter, Sendable {
    private let collected = Mutex(ByteBuffer())

    var bytes: ByteBuffer { collected.withLock(\.self) }

    func write(_ buffer: ByteBuffer) { _ = collected.withLock { $0.writeImmutableBuffer(buffer) } }
    consuming func finish(_ trailingHeaders: HTTPFields?) {}
}
