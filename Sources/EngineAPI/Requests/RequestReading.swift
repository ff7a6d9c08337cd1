import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// How much of a body is read into memory, in bytes.
enum BodyLimit {
    /// Sign-in: a form with a name and a password.
    static let form = 16 << 10
    /// A claim and its opening (docs/protocols.md, section 1).
    static let claim = 64 << 10
    /// An action, a profile, a manifest.
    static let json = 256 << 10
    /// Events of a boot server, at most `bootEvents` of them.
    static let boot = 256 << 10
    static let bootEvents = 256
}

extension Request {
    var query: FormFields { FormFields(uri.query ?? "") }

    /// The whole body, refused as soon as it is announced or turns out to be larger than `limit` bytes.
    func bytes(limit: Int) async throws -> ByteBuffer {
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw Fault.tooLarge(limit: limit)
        }
        do {
            return try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw Fault.tooLarge(limit: limit)
        }
    }

    /// The body as JSON.
    func json<Value: Decodable>(_ type: Value.Type, limit: Int = BodyLimit.json) async throws -> Value {
        try refuseXML()
        return try Self.decode(type, await bytes(limit: limit))
    }

    /// The body as JSON, or `nil` when there is none, as with most actions.
    func jsonIfAny<Value: Decodable>(_ type: Value.Type) async throws -> Value? {
        let bytes = try await bytes(limit: BodyLimit.json)
        guard bytes.readableBytes > 0 else { return nil }
        try refuseXML()
        return try Self.decode(type, bytes)
    }

    func form(limit: Int = BodyLimit.form) async throws -> FormFields {
        FormFields(String(buffer: try await bytes(limit: limit)))
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: ByteBuffer) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
            throw Fault(.badRequest, "The body is not JSON.", remedy: "Send one JSON object in UTF-8.")
        }
    }

    private func refuseXML() throws {
        guard headers[.contentType]?.lowercased().contains("xml") == true else { return }
        throw Fault(
            .unsupportedMediaType,
            "This engine does not read XML yet.",
            remedy: "Send JSON with Content-Type: application/json; XML comes with a later version."
        )
    }
}

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(
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
