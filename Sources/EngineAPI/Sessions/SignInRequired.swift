import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// Guards every route of the API: a bearer token of ours, HTTP Basic, or the cookie of a session (ovirt.md 4.1).
struct SignInRequired: RouterMiddleware {
    let engine: HostEngine
    let passwords: PasswordCheck

    static let realm = "ovirt-engine"

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        try Self.refuseForeignPages(request)
        var context = context
        let session = CookieSession(request)
        if let user = try await session.user(engine) {
            try Self.check(user, against: request)
            (context.user, context.role, context.token) = (user.name, user.role, session.token)
            return try await next(request, context)
        }
        let user = try await user(of: request, context)
        try Self.check(user, against: request)
        (context.user, context.role) = (user.name, user.role)
        context.token = Self.bearerToken(of: request)
        guard session.isWanted, context.token == nil else { return try await next(request, context) }
        let begun = try await engine.beginSession(of: user)
        context.token = begun.token
        var response = try await next(request, context)
        response.headers[.setCookie] = CookieSession.header(begun.token)
        return response
    }

    /// A browser that knows somebody's Basic credentials sends them along with what a page of another site has it send, and
    /// says so in these fields, which no page can change (Fetch Metadata; RFC 6454). Programs send neither.
    static func refuseForeignPages(_ request: Request) throws {
        guard request.method != .get, request.method != .head else { return }
        let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
        let isForeign = site.map { !["same-origin", "none"].contains($0.lowercased()) } ?? false
        let origin = request.headers[.origin].map { $0.lowercased() }
        let isOwn = origin.map { $0 == "https://\(request.head.authority?.lowercased() ?? "")" } ?? true
        guard !isForeign, isOwn else {
            throw Fault(
                .forbidden,
                "A page of another site may not change anything here.",
                remedy: "Send the call from a program, or from a page of this engine."
            )
        }
    }

    /// The console says whose page it is. Another tab may have signed in as somebody else since, and the browser may know the
    /// Basic credentials of a third: nothing is done in a name that its reader does not see.
    private static func check(_ user: UserRecord, against request: Request) throws {
        guard let meant = request.headers[.musterUser], meant.removingPercentEncoding != user.name else { return }
        throw unauthorized("This page is another user's than the one who is signed in now, \(user.name).", "Bearer")
    }

    private func user(of request: Request, _ context: APIContext) async throws -> UserRecord {
        guard let header = request.headers[.authorization] else {
            // Who comes with a session only, as the console does, is not asked for a password by its browser.
            let isSession = CookieSession(request).isWanted
            throw Self.unauthorized("This call needs a signed-in user.", isSession ? "Bearer" : "Basic")
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

    private static func unauthorized(_ detail: String, _ scheme: String = "Basic") -> Fault {
        Fault(
            .unauthorized,
            detail,
            remedy: "Sign in: POST /ovirt-engine/sso/oauth/token, or `muster login URL`.",
            headers: [.wwwAuthenticate: "\(scheme) realm=\"\(realm)\""]
        )
    }
}

extension Fault {
    static func badVersion(_ version: some StringProtocol) -> Fault {
        Fault(.badRequest, "Version \(version.prefix(16)) of the API is not served.", remedy: "Ask for version 4.")
    }
}
