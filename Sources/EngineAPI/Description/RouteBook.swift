import AgentWire
import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Every route of the API with what it says of itself, and the OpenAPI document that is made of them.
final class RouteBook: Sendable {
    struct Entry: Sendable {
        var method: HTTPRequest.Method
        /// Below the root of the API: `hosts/{id}`.
        var path: String
        /// `nil`: it says nothing, which a test refuses.
        var call: Call?
    }

    private struct Pages {
        var entries: [Entry] = []
        var document: ByteBuffer?
    }

    private let pages = Mutex(Pages())

    func note(_ method: HTTPRequest.Method, _ path: String, _ call: Call?) {
        let path = String(path.drop { $0 == "/" })
        pages.withLock { $0.entries.append(Entry(method: method, path: path, call: call)) }
    }

    var entries: [Entry] { pages.withLock(\.entries) }

    /// Made when it is asked for first.
    func document() throws -> ByteBuffer {
        if let made = pages.withLock(\.document) { return made }
        let made = try JSONText.encode(try OpenAPIDocument(entries).value)
        pages.withLock { $0.document = made }
        return made
    }
}

/// `openapi.json`: the document itself.
struct DescriptionRoute {
    let book: RouteBook

    func add(to api: some RouterMethods<APIContext>) {
        let call = Call("This document", [.text("application/json", "OpenAPI 3.0")])
        api.get("openapi.json", call) { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: try book.document())
            )
        }
    }
}
