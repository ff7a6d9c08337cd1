/// What a verb answers. A value without fields set is what stands for those that a peer does not send.
package protocol VerbPayload: Codable, Sendable {
    init()
}

extension VerbPayload {
    /// Reads a payload: absent fields keep their defaults and fields that we do not know are skipped, so that an older
    /// or a newer peer is understood. A field of another type is an error.
    package init(result: JSONValue) throws(RPCError) {
        do {
            guard case .object(let defaults) = try JSONValue(encoding: Self()), let given = result.object else {
                throw RPCError(.invalidRequest, "The payload is not an object")
            }
            let present = given.filter { $0.value != .null }
            self = try JSONValue.object(defaults.merging(present) { $1 }).decoded()
        } catch let error as RPCError {
            throw error
        } catch {
            throw RPCError(.invalidRequest, "The payload of \(Self.self) is malformed: \(error)")
        }
    }

    /// The `result` member of the reply.
    package func result() throws -> JSONValue { try JSONValue(encoding: self) }
}
