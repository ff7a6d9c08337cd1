import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import XMLWire

/// How much of a body is read into memory, in bytes.
enum BodyLimit {
    /// Sign-in: a form with a name and a password.
    static let form = 16 << 10
    /// A claim and its opening (docs/protocols.md, section 1).
    static let claim = 64 << 10
    /// An action, a resource, a profile, a manifest, in JSON or XML.
    static let resource = 256 << 10
    /// Events of a boot server, at most `bootEvents` of them.
    static let boot = 256 << 10
    static let bootEvents = 256
    /// A boot server's status: `BootStatus.leasesMax` leases are about half of it.
    static let bootStatus = 1 << 20
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

    /// The body, in XML when the client says so, otherwise as JSON.
    func read<Value: Decodable & WireDocument>(_ type: Value.Type) async throws -> Value {
        try await read(type, Value.element)
    }

    /// `element`: what the whole is called in XML.
    func read<Value: Decodable>(_ type: Value.Type, _ element: String) async throws -> Value {
        try Self.decode(type, element, WireFormat(bodyOf: self), await bytes(limit: BodyLimit.resource))
    }

    /// The body, or `nil` when there is none, as with most actions.
    func readIfAny<Value: Decodable & WireDocument>(_ type: Value.Type) async throws -> Value? {
        let bytes = try await bytes(limit: BodyLimit.resource)
        guard bytes.readableBytes > 0 else { return nil }
        return try Self.decode(type, Value.element, WireFormat(bodyOf: self), bytes)
    }

    /// The body where it is JSON only: what is not oVirt's.
    func json<Value: Decodable>(_ type: Value.Type, limit: Int = BodyLimit.resource) async throws -> Value {
        guard WireFormat(bodyOf: self) == .json else {
            throw Fault(
                .unsupportedMediaType,
                "This call reads JSON only.",
                remedy: "Send JSON with Content-Type: application/json."
            )
        }
        return try Self.decode(type, await bytes(limit: limit))
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

    private static func decode<Value: Decodable>(
        _ type: Value.Type,
        _ element: String,
        _ format: WireFormat,
        _ bytes: ByteBuffer
    ) throws -> Value {
        switch format {
        case .json: return try decode(type, bytes)
        case .xml:
            do {
                return try XMLDecoder().decode(type, from: Array(bytes.readableBytesView), root: element)
            } catch let refusal as XMLRefusal {
                throw Fault(
                    .badRequest,
                    "The body is no XML that is read here: \(refusal.reason), at octet \(refusal.offset).",
                    remedy: "Send one <\(element)> in UTF-8."
                )
            }
        }
    }
}
