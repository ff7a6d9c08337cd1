import Crypto
import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// `GET /ovirt-engine/services/metrics` for Prometheus: with the token of `--metrics-token-file`, or as a signed-in user.
struct MetricsRoute {
    let engine: HostEngine
    let meter: RequestMeter

    func add(to router: some RouterMethods<APIContext>) {
        router.get("ovirt-engine/services/metrics") { request, _ in
            try await allow(request)
            var text = try await engine.metrics()
            meter.add(to: &text)
            return Response.text(text.text, type: PrometheusText.contentType)
        }
    }

    private func allow(_ request: Request) async throws {
        let parts = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        if parts.count == 2, parts[0].lowercased() == "bearer" {
            if let token = engine.metricsToken, Self.isSame(token, String(parts[1])) { return }
            if try await engine.signedInUser(String(parts[1])) != nil { return }
        }
        throw Fault(
            .unauthorized,
            "The metrics need a token.",
            remedy: "Send the token of --metrics-token-file, or of a session, as Authorization: Bearer TOKEN.",
            headers: [.wwwAuthenticate: "Bearer"]
        )
    }

    /// Takes as long wherever they differ.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        let key = SymmetricKey(size: .bits256)
        return HMAC<SHA256>.isValidAuthenticationCode(
            HMAC<SHA256>.authenticationCode(for: Data(left.utf8), using: key),
            authenticating: Data(right.utf8),
            using: key
        )
    }
}
