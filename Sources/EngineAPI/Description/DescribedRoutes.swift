import HTTPTypes
import Hummingbird

/// A route that says what it is for. It travels with the route through groups up to where the API is put together.
protocol DescribedRoute {
    var call: Call { get }
}

private struct DescribedResponder: HTTPResponder, DescribedRoute {
    let call: Call
    let handler: @Sendable (Request, APIContext) async throws -> Response

    func respond(to request: Request, context: APIContext) async throws -> Response {
        var context = context
        context.call = call
        return try await handler(request, context)
    }
}

extension RouterMethods where Context == APIContext {
    typealias Handler = @Sendable (Request, APIContext) async throws -> Response

    func get(_ path: RouterPath, _ call: Call, use handler: @escaping Handler) {
        on(path, method: .get, responder: DescribedResponder(call: call, handler: handler))
    }

    func head(_ path: RouterPath, _ call: Call, use handler: @escaping Handler) {
        on(path, method: .head, responder: DescribedResponder(call: call, handler: handler))
    }

    func post(_ path: RouterPath, _ call: Call, use handler: @escaping Handler) {
        on(path, method: .post, responder: DescribedResponder(call: call, handler: handler))
    }

    func put(_ path: RouterPath, _ call: Call, use handler: @escaping Handler) {
        on(path, method: .put, responder: DescribedResponder(call: call, handler: handler))
    }

    func delete(_ path: RouterPath, _ call: Call, use handler: @escaping Handler) {
        on(path, method: .delete, responder: DescribedResponder(call: call, handler: handler))
    }

    func get(_ call: Call, use handler: @escaping Handler) { get("", call, use: handler) }

    func head(_ call: Call, use handler: @escaping Handler) { head("", call, use: handler) }

    func post(_ call: Call, use handler: @escaping Handler) { post("", call, use: handler) }

    func put(_ call: Call, use handler: @escaping Handler) { put("", call, use: handler) }
}
