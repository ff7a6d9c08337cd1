package import NIOCore

/// The answer to one JSON-RPC 2.0 call: always a plain object, also for a call that came in an array (ovirt.md 5.3).
package struct RPCReply: Hashable, Sendable {
    /// `nil` (JSON null) when the request's id could not be read.
    package var id: RPCIdentifier?
    /// Verbs without a payload answer `true`.
    package var outcome: Result<JSONValue, RPCError>

    package init(id: RPCIdentifier?, outcome: Result<JSONValue, RPCError>) {
        (self.id, self.outcome) = (id, outcome)
    }

    package func encoded() throws -> ByteBuffer {
        switch outcome {
        case .success(let result): try Self.encoded(id: id, result: result)
        case .failure(let error): try Self.encoded(id: id, error: error)
        }
    }

    /// The reply to a call that was answered, written in one pass: results are large.
    package static func encoded(id: RPCIdentifier?, result: some Encodable) throws -> ByteBuffer {
        try JSONText.encode(Success(id: id?.json ?? .null, result: result))
    }

    package static func encoded(id: RPCIdentifier?, error: RPCError) throws -> ByteBuffer {
        try JSONText.encode(Failure(error: error, id: id?.json ?? .null))
    }

    private struct Success<Value: Encodable>: Encodable {
        var id: JSONValue
        var jsonrpc = "2.0"
        var result: Value
    }

    private struct Failure: Encodable {
        var error: RPCError
        var id: JSONValue
        var jsonrpc = "2.0"
    }
}

/// Something the agent tells without being asked, for example `|net|host_conn|no_id`.
package struct RPCNotification: Hashable, Sendable {
    package var method: String
    package var params: JSONValue

    package init(method: String, params: JSONValue) { (self.method, self.params) = (method, params) }

    package func encoded() throws -> ByteBuffer {
        try JSONText.encode(JSONValue.object(["jsonrpc": "2.0", "method": .string(method), "params": params]))
    }
}

/// What a client of an agent receives.
package enum RPCIncoming: Hashable, Sendable {
    case reply(RPCReply)
    case notification(RPCNotification)

    /// Reads the body of a MESSAGE; an `RPCError` with JSON-RPC's own codes says what is wrong with it.
    package static func decode(_ body: ByteBuffer) throws(RPCError) -> RPCIncoming {
        switch try RPCAnswer.decode(body) {
        case .notification(let notification): return .notification(notification)
        case .reply(let id, .failure(let error)): return .reply(RPCReply(id: id, outcome: .failure(error)))
        case .reply(let id, .success(let text)):
            guard let result = try? JSONReader.value(text) else {
                throw RPCError(.parseError, "The agent's answer is not JSON")
            }
            return .reply(RPCReply(id: id, outcome: .success(result)))
        }
    }
}
