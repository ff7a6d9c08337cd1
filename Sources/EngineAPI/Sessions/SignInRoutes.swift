import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// oVirt's single sign-on as its clients use it (ovirt.md 4.1): a token for a name and a password, and its end.
struct SignInRoutes {
    let engine: HostEngine
    let passwords: PasswordCheck

    static let scope = "ovirt-app-api"

    private struct TokenReply: Encodable {
        var access_token: String
        var scope: String
        /// Milliseconds since 1970, as a string.
        var exp: String
        var token_type = "bearer"
    }

    /// OAuth's errors (RFC 6749, section 5.2) with the keys that oVirt's clients read.
    private struct TokenRefusal: Encodable {
        var error: String
        var error_code: String
        var error_description: String

        init(_ code: String, _ description: String) {
            (error, error_code, error_description) = (code, code, description)
        }
    }

    func add(to router: some RouterMethods<APIContext>) {
        router.post("ovirt-engine/sso/oauth/token") { request, context in
            var response = try await token(request, context)
            response.headers[.cacheControl] = "no-store"
            return response
        }
        router.post("ovirt-engine/services/sso-logout") { request, _ in
            if let token = try await request.form()["token"] { try await engine.endSession(token) }
            return try Response.json([String: String]())
        }
    }

    private func token(_ request: Request, _ context: APIContext) async throws -> Response {
        let form = try await request.form()
        guard let grant = form["grant_type"] else {
            return try Self.refuse(.badRequest, "invalid_request", "The field grant_type is missing.")
        }
        guard grant == "password" else {
            return try Self.refuse(
                .badRequest,
                "unsupported_grant_type",
                "The grant type \(terminalEscaped(grant.prefix(64))) is not served; use password."
            )
        }
        guard let name = form["username"], let password = form["password"] else {
            return try Self.refuse(.badRequest, "invalid_request", "The fields username and password are needed.")
        }
        do {
            let user = try await passwords.user(name, password: password, context: context)
            let session = try await engine.beginSession(of: user)
            return try Response.json(
                TokenReply(access_token: session.token, scope: Self.scope, exp: "\(session.end)")
            )
        } catch let fault as Fault {
            let sentence = [fault.resource.detail, fault.resource.remedy].compactMap(\.self).joined(separator: " ")
            var response = try Self.refuse(fault.status, "access_denied", sentence)
            response.headers.append(contentsOf: fault.headers)
            return response
        }
    }

    private static func refuse(
        _ status: HTTPResponse.Status,
        _ code: String,
        _ description: String
    ) throws -> Response {
        try Response.json(TokenRefusal(code, description), status: status)
    }
}
