import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Synchronization

@testable import EngineAPI

/// Asks a router without sockets: what it is given is what the routes see.
struct RouterClient: Sendable {
    private let responder: RouterResponder<APIContext>

    init(_ router: Router<APIContext>) { responder = router.buildResponder() }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPFields
        var body: ByteBuffer
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields = [:],
        body: ByteBuffer? = nil
    ) async throws -> Answer {
        var headers = headers
        headers[.contentLength] = body.map { "\($0.readableBytes)" }
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: "localhost",
            path: path,
            headerFields: headers
        )
        let request = Request(head: head, body: RequestBody(buffer: body ?? ByteBuffer()))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let context = APIContext(source: .init(channel: NIOAsyncTestingChannel(), logger: logger))
        let response: Response
        do { response = try await responder.respond(to: request, context: context) } catch {
            // `FaultMiddleware` leaves nothing to throw.
            response = Response(status: .internalServerError)
        }
        let collected = BodyCollector()
        try await response.body.write(collected)
        return Answer(
            status: response.status.code,
            headers: response.headers,
            body: collected.bytes.withLock(\.self)
        )
    }
}

private final class BodyCollector: ResponseBodyWriter {
    let bytes = Mutex(ByteBuffer())

    func write(_ buffer: ByteBuffer) async throws { _ = bytes.withLock { $0.writeImmutableBuffer(buffer) } }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
