import FoundationEssentials
import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    private struct TokenReply: Decodable {
        var access_token: String?
        var error: String?
        var error_description: String?
    }

    /// The engine's CA certificate, as whoever answers names it: worth no more than the trust of the transport.
    package static func authority(from transport: HTTPTransport) async throws(CallError) -> CertificateChain {
        let path = "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA"
        let session = EngineSession(transport: transport)
        let answer = try succeeded(try await session.send(.get(path)))
        guard let chain = CertificateChain(pem: String(buffer: answer.body)) else {
            throw .unexpected(status: answer.status, reason: "it sent no CA certificate")
        }
        return chain
    }

    /// A session by password (ovirt.md 4.1). `user` is `name@profile`. A wrong name or password is `signedOut`.
    package static func logIn(
        _ transport: HTTPTransport,
        user: String,
        password: String
    ) async throws(CallError) -> EngineSession {
        let form = "grant_type=password&scope=ovirt-app-api&username=\(percentEncoded(user))"
        var call = HTTPCall.post(
            "/ovirt-engine/sso/oauth/token",
            ByteBuffer(string: "\(form)&password=\(percentEncoded(password))"),
            type: "application/x-www-form-urlencoded"
        )
        call.headers.add(name: "Accept", value: "application/json")
        let answer = try await EngineSession(transport: transport).send(call)
        let reply = try? decode(TokenReply.self, answer)
        if let token = reply?.access_token { return EngineSession(transport: transport, token: token) }
        guard let error = reply?.error else {
            _ = try succeeded(answer)
            throw .unexpected(status: answer.status, reason: "it sent no token")
        }
        let fault = FaultResource(reason: error, detail: reply?.error_description ?? "the engine refused: \(error)")
        let isDenied = answer.status == 401 || ["access_denied", "invalid_grant"].contains(error)
        throw isDenied && answer.status < 429 ? .signedOut(fault) : .refused(status: answer.status, fault)
    }

    /// Ends the session at the engine. An engine that does not know the token any more is content.
    package func logOut() async throws(CallError) {
        guard let token else { return }
        let call = HTTPCall.post(
            "/ovirt-engine/services/sso-logout",
            ByteBuffer(string: "scope=ovirt-app-api&token=\(percentEncoded(token))"),
            type: "application/x-www-form-urlencoded"
        )
        let answer = try await send(call)
        if answer.status != 401 { _ = try Self.succeeded(answer) }
    }
}
