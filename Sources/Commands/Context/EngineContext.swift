import EngineClient

/// Which engine, who, and whom to trust: what `muster login` keeps for the later commands.
struct EngineContext: Hashable, Sendable, Codable {
    /// `https://HOST[:PORT]`.
    var engine: String
    var user: String
    /// The CA that the engine's certificate must chain to, in PEM; `nil` only for clear HTTP on this machine.
    var authority: String?
    /// The session; `nil` after `muster logout`.
    var token: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case engine
        case user
        case authority
        case token
    }

    /// What `muster login` calls it when nobody names it: the engine's host, and its port where that is not the usual one.
    var usualName: String {
        let place: String =
            switch Endpoint(engine) {
            case .https(let host, let port): port == Endpoint.httpsPort ? host : "\(host)-\(port)"
            case .http(let host, let port): port == Endpoint.httpPort ? host : "\(host)-\(port)"
            case .unix, .none: "engine"
            }
        let name = String(place.map { ContextBook.isNameCharacter($0) ? $0 : "-" }.prefix(ContextBook.nameMax))
        return ContextBook.isName(name) ? name : "engine"
    }

    /// The longest answer that a person's program takes, in bytes: ten thousand hosts are a dozen MiB.
    static let answerBytesMax = 128 << 20

    /// A session as this context describes it. Nothing is sent yet.
    func session(limits: TransportLimits = TransportLimits()) throws(UserError) -> EngineSession {
        guard let token else { throw .notLoggedIn }
        guard let endpoint = Endpoint(engine) else {
            throw UserError(.configuration, "the configuration names no engine", remedy: "muster login URL")
        }
        let trust: ServerTrust
        switch (endpoint, authority.flatMap { ServerTrust.authority(pem: $0) }) {
        case (_, .some(let authority)): trust = authority
        case (.http, .none), (.unix, .none): trust = .any
        case (.https, .none):
            throw UserError(
                .configuration,
                "the configuration has no usable CA certificate",
                remedy: "muster login URL"
            )
        }
        var limits = limits
        limits.answerBytesMax = max(limits.answerBytesMax, Self.answerBytesMax)
        do {
            return EngineSession(transport: try HTTPTransport(endpoint, trust: trust, limits: limits), token: token)
        } catch {
            throw UserError(CallError.transport(error))
        }
    }
}

extension UserError {
    static let notLoggedIn = UserError(.noPermission, "nobody is logged in", remedy: "muster login https://ENGINE")
}
