import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// Guards every route of the API: a bearer token of ours, or HTTP Basic (ovirt.md 4.1). Also refuses what this version
/// of the API cannot speak, for the signed-in only.
struct SignInRequired: RouterMiddleware {
    let engine: HostEngine
    let passwords: PasswordCheck

    static let realm = "ovirt-engine"

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let user = try await user(of: request, context)
        (context.user, context.role) = (user.name, user.role)
        context.token = Self.bearerToken(of: request)
        try Self.requireJSON(request)
        return try await next(request, context)
    }

    private func user(of request: Request, _ context: APIContext) async throws -> UserRecord {
        guard let header = request.headers[.authorization] else {
            throw Self.unauthorized("This call needs a signed-in user.")
        }
        let parts = header.split(separator: " ", maxSplits: 1)
        switch (parts.first?.lowercased(), parts.last) {
        case ("bearer", .some(let token)) where parts.count == 2:
            guard let user = try await engine.signedInUser(String(token)) else {
                throw Self.unauthorized("The token is unknown or has expired.")
            }
            return user
        case ("basic", .some(let credentials)) where parts.count == 2:
            guard let (name, password) = Self.credentials(credentials) else {
                throw Self.unauthorized("The Basic credentials are not base64 of NAME:PASSWORD.")
            }
            do {
                return try await passwords.user(name, password: password, context: context)
            } catch let fault as Fault where fault.status == .unauthorized {
                throw Self.unauthorized(fault.resource.detail)
            }
        default:
            throw Self.unauthorized("The Authorization header is neither Bearer nor Basic.")
        }
    }

    private static func bearerToken(of request: Request) -> String? {
        let parts = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
    }

    /// RFC 7617: the name ends at the first colon.
    private static func credentials(_ base64: some StringProtocol) -> (name: String, password: String)? {
        guard let bytes = Data(base64Encoded: String(base64)), let text = String(data: bytes, encoding: .utf8) else {
            return nil
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    private static func unauthorized(_ detail: String) -> Fault {
        Fault(
            .unauthorized,
            detail,
            remedy: "Sign in: POST /ovirt-engine/sso/oauth/token, or `muster login URL`.",
            headers: [.wwwAuthenticate: "Basic realm=\"\(realm)\""]
        )
    }

    private static func requireJSON(_ request: Request) throws {
        if let version = request.headers[.version], version != "4" {
            throw Fault(.badRequest, "Version \(version) of the API is not served.", remedy: "Ask for version 4.")
        }
        let accepted = request.headers[values: .accept].joined(separator: ",").lowercased()
        guard accepted.contains("xml"), !accepted.contains("json"), !accepted.contains("*/*") else { return }
        throw Fault(
            .notAcceptable,
            "This engine does not write XML yet.",
            remedy: "Ask with Accept: application/json; XML comes with a later version."
        )
    }
}
