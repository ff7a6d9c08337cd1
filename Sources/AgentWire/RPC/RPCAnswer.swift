package import NIOCore

/// What a client of an agent receives, the result of a reply as the bytes that came: whoever made the call decides whether
/// they are worth reading.
package enum RPCAnswer: Hashable, Sendable {
    /// `nil`: the id of the request could not be read.
    case reply(RPCIdentifier?, Result<ByteBuffer, RPCError>)
    case notification(RPCNotification)

    /// Reads the body of a MESSAGE; an `RPCError` with JSON-RPC's own codes says what is wrong with it. Of a result only
    /// the form is looked at, not whether its strings are UTF-8.
    package static func decode(_ body: ByteBuffer) throws(RPCError) -> RPCAnswer {
        let members: (values: [String: JSONValue], raw: [String: ByteBuffer])?
        do { members = try JSONReader.members(body, raw: { $0 == "result" }) } catch {
            throw RPCError(.parseError, "The agent's answer is not JSON")
        }
        guard let (values, raw) = members, values["jsonrpc"] == .string("2.0") else {
            throw RPCError(.invalidRequest, "The agent's answer is not JSON-RPC 2.0")
        }
        if let method = values["method"]?.string {
            return .notification(RPCNotification(method: method, params: values["params"] ?? .null))
        }
        let id = values["id"].flatMap(RPCIdentifier.init)
        if let error = values["error"], error != .null {
            guard let code = error["code"]?.integer.flatMap({ Int(exactly: $0) }) else {
                throw RPCError(.invalidRequest, "The agent's error has no code")
            }
            return .reply(id, .failure(RPCError(.init(rawValue: code), error["message"]?.string ?? "")))
        }
        guard let result = raw["result"] else {
            throw RPCError(.invalidRequest, "The agent's answer has neither result nor error")
        }
        return .reply(id, .success(result))
    }
}
