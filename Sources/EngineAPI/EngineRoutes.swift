import Engine
import HTTPTypes
import Hummingbird
import Logging

/// Every route of the engine's web side. What needs a signed-in user is in one group behind `SignInRequired`; what
/// stands outside it is listed here and nowhere else.
struct EngineRoutes {
    let engine: HostEngine
    var claims = SourceRate(.claims)
    var signInFailures = SourceRate(.signInFailures)
    var door = EnrolmentDoor()
    let book = RouteBook()

    init(engine: HostEngine) { self.engine = engine }

    /// Throws when the engine's own certificates cannot be read.
    func router() throws -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let meter = RequestMeter()
        router.add(middleware: meter)
        router.add(middleware: FaultMiddleware())
        router.add(middleware: LeafMiddleware())
        // Packages are nobody's secret, and a server that is no host yet has nothing to show.
        router.add(
            middleware: FileMiddleware(
                engine.packageDirectory,
                urlBasePath: EngineSettings.packagesPath,
                logger: Logger(label: "packages") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        let passwords = PasswordCheck(engine: engine, failures: signInFailures)
        addOpenRoutes(to: router, passwords)
        MetricsRoute(engine: engine, meter: meter).add(to: router)
        let follower = LinkFollower()
        // The same API at both of oVirt's places. The longer path is the one that names its version.
        for path in [ResourcePath.unversioned, ResourcePath.versioned] {
            let api = router.group(RouterPath(path)).add(
                middleware: SignInRequired(engine: engine, passwords: passwords)
            )
            addGuardedRoutes(to: GuardedRoutes(api.add(middleware: APIConventions(follower: follower, root: path))))
        }
        let followed = Router(context: APIContext.self)
        addGuardedRoutes(to: GuardedRoutes(followed.group(RouterPath(ResourcePath.unversioned)), ledger: book.note))
        follower.use(followed.buildResponder())
        try HostRegisterRoutes(engine: engine, trust: TrustAnchors(engine: engine), door: door).add(to: router)
        return router
    }

    private func addOpenRoutes(to router: some RouterMethods<APIContext>, _ passwords: PasswordCheck) {
        SignInRoutes(engine: engine, passwords: passwords).add(to: router)
        ClaimRoutes(engine: engine, claims: claims, door: door).add(to: router)
        SegmentRoutes(engine: engine).add(to: router)
        HealthRoute(engine: engine).add(to: router)
        ConsoleRoutes(engine: engine, passwords: passwords).add(to: router)
    }

    func addGuardedRoutes(to api: some RouterMethods<APIContext>) {
        RootRoute(engine: engine).add(to: api)
        HostRoutes(engine: engine).add(to: api)
        RejectionRoutes(engine: engine).add(to: api)
        PowerRoutes(engine: engine).add(to: api)
        EventRoutes(engine: engine).add(to: api)
        InventoryRoutes(engine: engine).add(to: api)
        SiteRoutes(engine: engine).add(to: api)
        ProfileRoutes(engine: engine).add(to: api)
        BootAssignmentRoutes(engine: engine).add(to: api)
        BootServiceRoutes(engine: engine).add(to: api)
        BootServerRoutes(engine: engine).add(to: api)
        ImageRoutes(engine: engine).add(to: api)
        KickstartRoutes(engine: engine).add(to: api)
        JobRoutes(engine: engine).add(to: api)
        ServerRoutes(engine: engine).add(to: api)
        NetworkRoutes(engine: engine).add(to: api)
        AttachmentRoutes(engine: engine).add(to: api)
        NetworkUpkeepRoutes(engine: engine).add(to: api)
        StatisticRoutes(engine: engine).add(to: api)
        UserRoutes(engine: engine).add(to: api)
        PermissionRoutes(engine: engine).add(to: api)
        DiagnosticsRoute(engine: engine).add(to: api)
        DescriptionRoute(book: book).add(to: api)
    }
}
