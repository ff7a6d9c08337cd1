/// The `id` that ties a reply to its request. Comes back as it came.
package enum RPCIdentifier: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case number(Double)

    /// `nil` for what JSON-RPC 2.0 does not allow as an id.
    package init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .number(number)
        case .null, .boolean, .array, .object: return nil
        }
    }

    package var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .number(let number): .number(number)
        }
    }
}
