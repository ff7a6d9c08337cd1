import Engine
import HTTPTypes
import Hummingbird

/// oVirt's sessions for clients of HTTP Basic (ovirt.md 4.1): who sends `Prefer: persistent-auth` gets a cookie, and with both
/// the next calls need no password. Without the header, which no page of another site can make a browser send, the cookie
/// counts for nothing.
struct CookieSession {
    /// Whether the client wants one.
    let isWanted: Bool
    /// Of the cookie that it has; `nil` unless it wants one.
    let token: String?

    static let name = "JSESSIONID"
    /// The console's. By its prefix a browser takes it from this very origin only, over TLS: no neighbour under the same domain
    /// can lay another one there (RFC 6265bis, section 4.1.3.2).
    static let consoleName = "__Host-muster-console"
    private static let preference = "persistent-auth"

    init(_ request: Request) {
        let preferences = request.headers.filter { $0.name.canonicalName == "prefer" }.flatMap {
            $0.value.split(separator: ",").map { $0.lowercased().filter { !$0.isWhitespace } }
        }
        isWanted = preferences.contains(Self.preference)
        let cookies = request.headers[values: .cookie].flatMap { $0.split(separator: ";") }
            .map { $0.drop(while: \.isWhitespace) }
        let tokens = [Self.consoleName, Self.name].lazy.compactMap { name in
            cookies.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
        }
        token = isWanted ? tokens.first : nil
    }

    /// Whose session it is; `nil` without one that still counts.
    func user(_ engine: HostEngine) async throws -> UserRecord? {
        guard let token else { return nil }
        return try await engine.signedInUser(token)
    }

    static func header(_ token: String) -> String {
        "\(name)=\(token); Path=\(ResourcePath.unversioned); Secure; HttpOnly; SameSite=Strict"
    }

    static func consoleHeader(_ token: String) -> String {
        "\(consoleName)=\(token); Path=/; Secure; HttpOnly; SameSite=Strict"
    }

    /// Makes the browser forget it.
    static let consoleEnd = "\(consoleName)=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
}
