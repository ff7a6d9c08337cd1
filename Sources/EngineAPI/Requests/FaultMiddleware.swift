import Engine
import HTTPTypes
import HostModel
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The outermost floor of every request: gives it its correlation id, and turns whatever was thrown into a fault.
/// Nothing of an unexpected error reaches the client but the id under which it is in the log.
struct FaultMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let wanted = request.headers[.correlationID] ?? request.query["correlation_id"]
        if let id = wanted.flatMap({ CorrelationID($0) }) { context.correlation = id.rawValue }
        context.format = WireFormat(answerTo: request)
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPParserError {
            // Not a request at all: the connection answers 400 by itself and closes.
            throw error
        } catch {
            let failed = error as? FailedAction
            var fault = Self.fault(for: failed?.cause ?? error, request, context)
            fault.isAction = failed != nil
            response = try fault.response(from: request, context: context)
            if request.method == .head { response = response.createHeadResponse() }
        }
        response.headers[.correlationID] = context.correlation
        // What a machine said of itself is never taken for a page.
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }

    static func fault(for error: any Error, _ request: Request, _ context: APIContext) -> Fault {
        switch error {
        case let fault as Fault: return fault
        case let error as EngineError: return Fault(error)
        case let error as DecodingError: return Fault(error)
        case is NIOTooManyBytesError: return Fault(.contentTooLarge, "The body is too large.", remedy: "Send less.")
        case is CancellationError, is ChannelError:
            return Fault(.serviceUnavailable, "The engine is stopping.", remedy: "Try again in a minute.")
        case let error as HTTPError where error.status == .notFound:
            if let version = ResourcePath.strangeVersion(in: request.uri.path) { return .badVersion(version) }
            return .notFound(
                "There is nothing at \(request.method.rawValue) \(request.uri.path.prefix(200)).",
                remedy: "GET /ovirt-engine/api lists what there is."
            )
        case let error as HTTPError: return Fault(error.status, error.body ?? error.status.reasonPhrase)
        default:
            context.logger.error(
                "a request failed unexpectedly",
                metadata: [
                    "request": "\(request.method.rawValue) \(request.uri.path)",
                    "correlation": "\(context.correlation)", "error": "\(error)",
                ]
            )
            return Fault(
                .internalServerError,
                "The engine could not finish this request.",
                remedy: "The engine's log says why, under correlation id \(context.correlation)."
            )
        }
    }
}

extension HTTPField.Name {
    static let correlationID = token("Correlation-Id")
    static let version = token("Version")
    static let link = token("Link")
    /// Ours: the user, percent-encoded, as whom alone the call is to be done.
    static let musterUser = token("Muster-User")

    private static func token(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a token of RFC 9110") }
        return name
    }
}
