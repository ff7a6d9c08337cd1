import HTTPTypes
import Hummingbird

/// What every answer of the console tells the browser: run and show what comes from here and nothing else, in no frame, and
/// tell no other site where the reader was.
struct ConsoleHeaders: RouterMiddleware {
    /// `trusted-types 'none'`: no text ever becomes markup, whatever a script does.
    static let policy = [
        "default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    static let fields: [(HTTPField.Name, String)] = [
        (.contentSecurityPolicy, policy),
        (.referrerPolicy, "no-referrer"),
        (.crossOriginOpenerPolicy, "same-origin"),
        (.crossOriginResourcePolicy, "same-origin"),
        (.permissionsPolicy, "camera=(), geolocation=(), microphone=()"),
    ]

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        for (name, value) in Self.fields { response.headers[name] = value }
        return response
    }
}

extension HTTPField.Name {
    static let referrerPolicy = console("Referrer-Policy")
    static let crossOriginOpenerPolicy = console("Cross-Origin-Opener-Policy")
    static let permissionsPolicy = console("Permissions-Policy")

    private static func console(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a token of RFC 9110") }
        return name
    }
}
