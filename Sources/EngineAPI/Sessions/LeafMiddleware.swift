import Engine
import Hummingbird
import NIOCore
import NIOSSL

/// Who shows the certificate of a boot server may ask what machines boot, and nothing else, whatever else it brings along.
struct LeafMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let leaf = await Self.leaf(on: context.channel) else { return try await next(request, context) }
        guard !leaf.role.hasPrefix(HostEngine.bootRole) || request.uri.path.hasPrefix("/boot/") else {
            throw Fault(
                .forbidden,
                "The certificate of a boot server counts for what machines boot only.",
                remedy: "Ask without it."
            )
        }
        var context = context
        context.leaf = leaf
        return try await next(request, context)
    }

    /// One of the engine's own CA, or the handshake had failed; `nil` where none was shown.
    private static func leaf(on channel: any Channel) async -> ShownLeaf? {
        guard let certificate = try? await channel.nioSSL_peerCertificate().get() else { return nil }
        return (try? certificate.toDERBytes()).flatMap { ShownLeaf(der: $0) }
    }
}
