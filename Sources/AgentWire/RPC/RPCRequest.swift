package import NIOCore

/// One JSON-RPC 2.0 call.
package struct RPCRequest: Hashable, Sendable {
    /// `nil`: a notification, which gets no reply.
    package var id: RPCIdentifier?
    /// `Class.verb`.
    package var method: String
    /// An object, or a list by the order of the schema; an empty object when absent.
    package var params: JSONValue

    package init(id: RPCIdentifier?, method: String, params: JSONValue = .object([:])) {
        (self.id, self.method, self.params) = (id, method, params)
    }

    /// The most calls in one array.
    package static let batchMax = 32

    /// Reads a body: one request or an array of them (clients of VDSM send arrays of one). A call that is wrong becomes
    /// the reply that says so.
    package static func decode(_ body: ByteBuffer) -> [Result<RPCRequest, RPCRefusal>] {
        guard let value = try? JSONText.decode(JSONValue.self, from: body) else {
            return [.failure(RPCRefusal(id: nil, error: RPCError(.parseError, "The request is not JSON")))]
        }
        guard case .array(let calls) = value else { return [Result { () throws(RPCRefusal) in try RPCRequest(value) }] }
        guard (1...batchMax).contains(calls.count) else {
            let error = RPCError(.invalidRequest, "A batch has 1 to \(batchMax) requests")
            return [.failure(RPCRefusal(id: nil, error: error))]
        }
        return calls.map { call in Result { () throws(RPCRefusal) in try RPCRequest(call) } }
    }

    private init(_ value: JSONValue) throws(RPCRefusal) {
        let id = value["id"].flatMap(RPCIdentifier.init)
        func refuse(_ sentence: String) -> RPCRefusal { RPCRefusal(id: id, error: RPCError(.invalidRequest, sentence)) }
        guard value.object != nil else { throw refuse("A request is an object") }
        guard value["jsonrpc"] == .string("2.0") else { throw refuse("jsonrpc must be \"2.0\"") }
        guard let method = value["method"]?.string else { throw refuse("method must be a string") }
        if let given = value["id"], id == nil, given != .null { throw refuse("id must be a string or a number") }
        let params = value["params"] ?? .null
        switch params {
        case .object, .array: self.init(id: id, method: method, params: params)
        case .null: self.init(id: id, method: method)
        case .boolean, .integer, .number, .string: throw refuse("params must be an object or an array")
        }
    }

    /// The body that asks for this call.
    package func encoded() throws -> ByteBuffer {
        var members: [String: JSONValue] = ["jsonrpc": "2.0", "method": .string(method), "params": params]
        members["id"] = id?.json
        return try JSONText.encode(JSONValue.object(members))
    }
}

/// A call that can not be read, and the error that answers it.
package struct RPCRefusal: Error, Hashable, Sendable {
    package var id: RPCIdentifier?
    package var error: RPCError

    package var reply: RPCReply { RPCReply(id: id, outcome: .failure(error)) }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
}
