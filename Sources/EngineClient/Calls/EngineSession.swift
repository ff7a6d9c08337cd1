import FoundationEssentials
import HostModel
import NIOCore
import NIOHTTP1

/// Typed calls to one engine, by one user (docs/protocols.md, section 3; ovirt.md 4).
package struct EngineSession: Sendable {
    package let transport: HTTPTransport
    /// The SSO token; `nil` before `logIn`.
    package var token: String?

    package init(transport: HTTPTransport, token: String? = nil) { (self.transport, self.token) = (transport, token) }

    static let api = "/ovirt-engine/api"

    /// A call below `/ovirt-engine/api`, signed in, whose success is decoded.
    func decode<Value: Decodable>(_ type: Value.Type = Value.self, _ call: HTTPCall) async throws(CallError) -> Value {
        let answer = try await perform(call)
        return try Self.decode(type, answer)
    }

    /// A call whose answer is of no interest beyond its success.
    func perform(_ call: HTTPCall) async throws(CallError) -> HTTPAnswer {
        var call = call
        call.headers.add(name: "Accept", value: "application/json")
        call.headers.add(name: "Version", value: "4")
        if let token { call.headers.add(name: "Authorization", value: "Bearer \(token)") }
        return try Self.succeeded(try await send(call))
    }

    func send(_ call: HTTPCall) async throws(CallError) -> HTTPAnswer {
        do { return try await transport.send(call) } catch { throw .transport(error) }
    }

    /// The answer, unless its status is an error.
    static func succeeded(_ answer: HTTPAnswer) throws(CallError) -> HTTPAnswer {
        guard !answer.isSuccess else { return answer }
        let fault = fault(of: answer)
        throw answer.status == 401 ? .signedOut(fault) : .refused(status: answer.status, fault)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ answer: HTTPAnswer) throws(CallError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body.readableBytesView))
        } catch {
            throw .unexpected(status: answer.status, reason: "the body is not the JSON that this call answers with")
        }
    }

    static func json(_ method: HTTPMethod, _ path: String, _ body: some Encodable) throws(CallError) -> HTTPCall {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(body) else {
            throw .unexpected(status: 0, reason: "the request could not be written as JSON")
        }
        let headers: HTTPHeaders = ["Content-Type": "application/json"]
        return HTTPCall(method, path, headers: headers, body: .bytes(ByteBuffer(bytes: bytes)))
    }

    /// `{"fault": …}`, a bare fault, or the status line's own words when the body is neither.
    private static func fault(of answer: HTTPAnswer) -> FaultResource {
        struct Wrapped: Decodable {
            var fault: FaultResource
        }
        let body = Data(answer.body.readableBytesView)
        if let wrapped = try? JSONDecoder().decode(Wrapped.self, from: body) { return wrapped.fault }
        if let bare = try? JSONDecoder().decode(FaultResource.self, from: body) { return bare }
        let reason = HTTPResponseStatus(statusCode: answer.status).reasonPhrase
        return FaultResource(reason: reason, detail: "the engine answered \(answer.status) \(reason)")
    }
}
