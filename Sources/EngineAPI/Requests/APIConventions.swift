import Hummingbird

/// What holds for every call of the API (ovirt.md 4.5): the version that is spoken, where links lead, and which are followed.
struct APIConventions: RouterMiddleware {
    let follower: LinkFollower
    /// Of the links in answers: as the request's own path.
    let root: String

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if let version = request.headers[.version], version != "4" { throw Fault.badVersion(version) }
        var context = context
        context.follow = try LinkPath.paths(request.query["follow"] ?? "")
        context.follower = follower
        return try await ResourcePath.$root.withValue(root) { try await next(request, context) }
    }
}
