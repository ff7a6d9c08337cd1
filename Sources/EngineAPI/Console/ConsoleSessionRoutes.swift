import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `console/session`: the sign-in of the console, by the passwords and sessions of SSO. The token is in a cookie that no script
/// reads, and that counts only beside a header which no page of another site can send (`CookieSession`).
struct ConsoleSessionRoutes {
    let engine: HostEngine
    let passwords: PasswordCheck

    private struct SignIn: Decodable {
        var username: String
        var password: String
    }

    /// Both `nil`: nobody is signed in.
    private struct Session: Encodable {
        var user: String?
        var role: String?
    }

    func add(to console: some RouterMethods<APIContext>) {
        console.get("session") { request, _ in
            // Not 401: that nobody is signed in is an answer, and no browser is to ask for a password by itself.
            let user = try await CookieSession(request).user(engine)
            return try Self.fresh(.json(Session(user: user?.name, role: user?.role.rawValue)))
        }
        console.post("session") { request, context in
            try Self.refuseOthers(request)
            let given = try await request.json(SignIn.self, limit: BodyLimit.form)
            let user = try await passwords.user(given.username, password: given.password, context: context)
            // Who signs in anew leaves no session behind that nobody can end.
            if let token = CookieSession(request).token { try await engine.endSession(token) }
            let begun = try await engine.beginSession(of: user)
            var response = try Response.json(Session(user: user.name, role: user.role.rawValue))
            response.headers[.setCookie] = CookieSession.consoleHeader(begun.token)
            return Self.fresh(response)
        }
        console.delete("session") { request, _ in
            try Self.refuseOthers(request)
            if let token = CookieSession(request).token { try await engine.endSession(token) }
            return Self.fresh(Response(status: .noContent, headers: [.setCookie: CookieSession.consoleEnd]))
        }
    }

    /// A page of another site may neither sign its reader in as somebody else nor out.
    private static func refuseOthers(_ request: Request) throws {
        try SignInRequired.refuseForeignPages(request)
        guard CookieSession(request).isWanted else {
            throw Fault(
                .forbidden,
                "Sessions of the console are begun and ended by the console only.",
                remedy: "Programs sign in by POST /ovirt-engine/sso/oauth/token."
            )
        }
    }

    private static func fresh(_ response: Response) -> Response {
        var response = response
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
