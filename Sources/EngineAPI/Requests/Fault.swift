import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// A refusal on its way to the client: `{"fault": {reason, detail, remedy}}`, `<fault>` with oVirt's codes (ovirt.md 4.5).
struct Fault: Error, HTTPResponseError {
    var status: HTTPResponse.Status
    var resource: FaultResource
    var headers: HTTPFields
    /// Of an action that failed: the fault comes inside of it.
    var isAction = false

    /// `detail` is one sentence of cause, `remedy` one of what to do. Both may carry hostile text: they are escaped.
    init(
        _ status: HTTPResponse.Status,
        _ detail: String,
        remedy: String? = nil,
        headers: HTTPFields = [:]
    ) {
        let reason = Self.reasons[status.code] ?? status.reasonPhrase
        self.resource = FaultResource(
            reason: reason,
            detail: terminalEscaped(detail),
            remedy: remedy.map { terminalEscaped($0) }
        )
        (self.status, self.headers) = (status, headers)
    }

    /// oVirt's words where it has its own.
    private static let reasons = [
        400: "Request syntactically incorrect.",
        409: "Operation Failed",
    ]

    func response(from request: Request, context: some RequestContext) throws -> Response {
        let format = WireFormat(answerTo: request)
        var response =
            switch format {
            case _ where isAction:
                try Response.wire(ActionResource(status: "failed", fault: resource), format, status: status)
            case .json: try Response.json(["fault": resource], status: status)
            case .xml: try Response.wire(resource, format, status: status)
            }
        response.headers.append(contentsOf: headers)
        return response
    }
}

extension Fault {
    /// What a refusal of the engine is on the wire.
    init(_ error: EngineError) {
        let status: HTTPResponse.Status =
            switch error.kind {
            case .notFound: .notFound
            case .invalid: .badRequest
            case .conflict: .conflict
            case .forbidden: .forbidden
            case .tooMany: .tooManyRequests
            case .unavailable: .serviceUnavailable
            case .failed: .internalServerError
            }
        let wait: HTTPFields = error.kind == .tooMany || error.kind == .unavailable ? [.retryAfter: "10"] : [:]
        self.init(status, error.detail, remedy: error.remedy, headers: wait)
    }

    /// What a value that could not be read was: the path of the key, and what was expected there.
    init(_ error: DecodingError) {
        let context: DecodingError.Context
        var missing: String?
        switch error {
        case .keyNotFound(let key, let found): (context, missing) = (found, key.stringValue)
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
        @unknown default: context = DecodingError.Context(codingPath: [], debugDescription: "unreadable")
        }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        let what = missing.map { "the key \"\($0)\" is missing" } ?? context.debugDescription
        self.init(
            .badRequest,
            "The body is not what this call takes: \(path.isEmpty ? "" : "\(path): ")\(what.prefix(200)).",
            remedy: "docs/api.md and docs/protocols.md name the keys of JSON and the elements of XML."
        )
    }

    static func notFound(_ what: String, remedy: String? = nil) -> Fault { Fault(.notFound, what, remedy: remedy) }

    static func tooLarge(limit: Int) -> Fault {
        Fault(.contentTooLarge, "The body is larger than \(limit) bytes.", remedy: "Send less in one request.")
    }
}
