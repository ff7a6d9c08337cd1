import HTTPTypes
import HostModel
import Hummingbird

/// The least role that each call of the API needs. This is the only place where it is said; what no row names is for a
/// SuperUser.
enum AccessTable {
    /// A call, `*` for any one component of the path, `**` at its end for any that follow, none included.
    struct Row: Sendable {
        var methods: Set<HTTPRequest.Method>
        var path: String
        var role: UserRole
    }

    private static let reads: Set<HTTPRequest.Method> = [.get, .head]
    private static let writes: Set<HTTPRequest.Method> = [.post, .put, .delete, .patch]

    /// The first row that fits counts.
    static let rows = [
        // What the engine says of itself: logs and settings.
        Row(methods: reads, path: "diagnostics/**", role: .superUser),
        Row(methods: reads, path: "**", role: .readOnlyAdmin),
        // One's own; another's is looked at by the engine, which knows who is who.
        Row(methods: [.post], path: "users/*/password", role: .readOnlyAdmin),
        Row(methods: writes, path: "hosts/**", role: .hostAdmin),
        Row(methods: writes, path: "rejections/**", role: .hostAdmin),
        // It gets the kickstarts and tokens of machines, secrets that profiles hold.
        Row(methods: writes, path: "bootservers/*/approve", role: .superUser),
        Row(methods: writes, path: "bootservers/**", role: .hostAdmin),
        Row(methods: writes, path: "jobs/**", role: .hostAdmin),
    ]

    /// `path`: as the route is registered, below the root of the API.
    static func role(_ method: HTTPRequest.Method, _ path: some StringProtocol) -> UserRole {
        let components = path.split(separator: "/")
        return rows.first { $0.methods.contains(method) && fits($0.path, components) }?.role ?? .superUser
    }

    private static func fits(_ pattern: String, _ components: [some StringProtocol]) -> Bool {
        let wanted = pattern.split(separator: "/")
        let isOpen = wanted.last == "**"
        let fixed = isOpen ? wanted.dropLast() : wanted[...]
        guard isOpen ? components.count >= fixed.count : components.count == fixed.count else { return false }
        return zip(fixed, components).allSatisfy { $0 == "*" || $0 == $1 }
    }
}

/// The routes of the API, each behind the role that the table says. What is registered here cannot be without one.
struct GuardedRoutes: RouterMethods {
    typealias Context = APIContext

    private let parent: any RouterMethods<APIContext>
    /// Told of each route.
    private let ledger: ((HTTPRequest.Method, String, Call?) -> Void)?

    init(
        _ parent: some RouterMethods<APIContext>,
        ledger: ((HTTPRequest.Method, String, Call?) -> Void)? = nil
    ) {
        (self.parent, self.ledger) = (parent, ledger)
    }

    @discardableResult
    func on<Responder: HTTPResponder>(
        _ path: RouterPath,
        method: HTTPRequest.Method,
        responder: Responder
    ) -> Self where Responder.Context == APIContext {
        ledger?(method, "\(path)", (responder as? any DescribedRoute)?.call)
        parent.on(
            path,
            method: method,
            responder: RoleCheck(role: AccessTable.role(method, "\(path)"), next: responder)
        )
        return self
    }

    func add(middleware: any MiddlewareProtocol<Request, Response, APIContext>) -> Self {
        Self(parent.add(middleware: middleware), ledger: ledger)
    }
}

private struct RoleCheck<Next: HTTPResponder>: HTTPResponder where Next.Context == APIContext {
    let role: UserRole
    let next: Next

    func respond(to request: Request, context: APIContext) async throws -> Response {
        guard context.role >= role else {
            throw Fault(
                .forbidden,
                "User \(context.user) has the role \(context.role.rawValue); this call needs \(role.rawValue).",
                remedy: "A SuperUser gives roles: `muster user update NAME --role \(role.rawValue)`."
            )
        }
        return try await next.respond(to: request, context: context)
    }
}
