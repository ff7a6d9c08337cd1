import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import XMLWire

// Answers: the same things in JSON and in XML.

extension APIContext {
    /// The value in the form that the client asked for, with what `follow` names fetched into it.
    func answer<Value: Encodable & WireDocument>(
        _ value: Value,
        status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        assertDescribed(Value.self)
        guard let follower, !follow.isEmpty else { return try .wire(value, format, status: status) }
        let tree = try await follower.complete(value, with: follow, context: self)
        return try .wire(tree, Value.element, format, status: status)
    }

    /// 201 with the thing that was made, and where it is.
    func created<Value: Encodable & WirePlace>(_ value: Value) throws -> Response {
        assertDescribed(Value.self)
        var response = try Response.wire(value, format, status: .created)
        if let place = value.place { response.headers[.location] = place }
        return response
    }

    /// The answer to what was done at once.
    func complete() throws -> Response {
        assertDescribed(ActionResource.self)
        return try .wire(ActionResource(status: "complete"), format)
    }

    /// The OpenAPI document is made of what routes say, so a route must not answer what it does not say.
    func assertDescribed(_ type: Any.Type) {
        assert(call?.permits(type) ?? true, "\(call?.summary ?? ""): \(type) is not among its answers")
    }
}

extension Response {
    static func wire(
        _ value: some Encodable & WireDocument,
        _ format: WireFormat,
        status: HTTPResponse.Status = .ok
    ) throws -> Response {
        try wire(value, type(of: value).element, format, status: status)
    }

    /// `element`: what the whole is called in XML.
    static func wire(
        _ value: some Encodable,
        _ element: String,
        _ format: WireFormat,
        status: HTTPResponse.Status = .ok
    ) throws -> Response {
        switch format {
        case .json: return try json(value, status: status)
        case .xml:
            let bytes = try XMLEncoder().encode(value, root: element)
            return Response(
                status: status,
                headers: [.contentType: "application/xml;charset=UTF-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
        }
    }

    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try encoder.encode(value)))
        )
    }

    static func text(
        _ text: String,
        status: HTTPResponse.Status = .ok,
        type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// Hosts have seven each, of which a list has ten thousand.
extension WireLink: XMLAttributed {
    package var attributes: [(name: String, text: String)] { [("href", href), ("rel", rel)] }
}
