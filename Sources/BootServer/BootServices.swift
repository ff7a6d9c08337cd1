import HostModel
package import Logging
import NIOCore
import Recipes
import ServiceLifecycle

/// All boot services of one segment: DHCP, TFTP and HTTP in front of one directory.
package struct BootServices: Service {
    /// How long a graceful shutdown waits for answers on their way, in seconds.
    package static let drainSeconds = 4

    private let dhcp: BootListeners.DHCP
    private let dhcp6: DHCPv6Server?
    private let tftp: [TFTPServer]
    private let http: [BootHTTPServer]
    private let identity: ServerIdentity?
    private let events: BootEventQueue
    private let reporter: StatusReporter
    private let logger: Logger

    /// What boots without TLS goes on doing so when its certificate cannot be used.
    private static func openIdentity(
        _ listeners: BootListeners,
        _ wait: StartWait,
        _ logger: Logger
    ) async -> ServerIdentity? {
        do {
            return try await wait.opening(logger) { try listeners.openIdentity() }
        } catch {
            logger.error("\(error); everything else is served, and HTTPS after the next start")
            return nil
        }
    }

    /// Opens every listener and the journal of leases before any machine is served. What is not there yet (an interface, its
    /// address, a port or a journal that the process before this one still has) is waited for as long as `wait` says.
    ///
    /// - Throws: `StartFailure`, or `RecipeError` when a boot script is broken.
    package static func open(
        _ settings: BootServicesSettings,
        directory: any BootDirectory,
        wait: StartWait = StartWait(),
        logger: Logger
    ) async throws -> BootServices {
        let (recipes, kickstarts) = (try recipes(settings), try kickstarts(settings))
        let scripts = PXEDirectory(path: settings.pxeDirectory)
        let configurations = try recipes.map { try LoaderRecipes($0) { try scripts.text($0) } }
        let figures = BootFigures()
        let events = BootEventQueue(directory: directory, figures: figures, logger: logger)
        let queueing = QueueingDirectory(directory: directory, events: events)
        let listeners = BootListeners(settings: settings, directory: queueing, events: events, logger: logger)
        let identity = await openIdentity(listeners, wait, logger)
        let location = ServerLocation(address: settings.address.address, port: settings.httpPort)
        let dhcp = try await wait.opening(logger) {
            try await listeners.openDHCP(baseURL: "http://\(location)")
        }
        let given = GivenAddresses()
        let machines = MachineLocator(
            neighbours: NeighbourTable(interface: settings.interface),
            leases: dhcp.leases,
            network: settings.address,
            given: given,
            network6: settings.address6
        )
        var dhcp6: DHCPv6Server?
        var tftp: [TFTPServer] = []
        do {
            dhcp6 = try await wait.opening(logger) { try await listeners.openDHCPv6(given) }
            tftp = try await wait.opening(logger) { try await listeners.openTFTP(machines, configurations) }
            return BootServices(
                dhcp: dhcp,
                dhcp6: dhcp6,
                tftp: tftp,
                http: try await wait.opening(logger) {
                    try await listeners.openHTTP(recipes, machines, kickstarts: kickstarts, identity: identity)
                },
                identity: identity,
                events: events,
                reporter: StatusReporter(
                    settings: settings,
                    leases: dhcp.leases,
                    figures: figures,
                    directory: directory,
                    logger: logger
                ),
                logger: logger
            )
        } catch {
            for server in tftp { await server.close() }
            await dhcp6?.close()
            await dhcp.close()
            throw error
        }
    }

    /// Serves until a graceful shutdown, which ends within `drainSeconds`, or until one of the services fails.
    package func run() async throws {
        logger.info("HTTP serves scripts and images", metadata: ["port": "\(http.first?.port ?? 0)"])
        let ending: Result<Void, any Error>
        do { ending = .success(try await serve()) } catch { ending = .failure(error) }
        await dhcp.leases?.close()
        try ending.get()
    }

    private func serve() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await dhcp.server?.run() }
            group.addTask { try await dhcp.proxy?.run() }
            group.addTask { try await dhcp6?.run() }
            for server in tftp { group.addTask { try await server.run() } }
            for server in http { group.addTask { try await server.run() } }
            group.addTask { await cancelWhenGracefulShutdown { await identity?.watch(logger) } }
            group.addTask { await events.run() }
            group.addTask { try await reporter.run() }
            group.addTask {
                try await StandstillWatch(standstills: events.standstills) { events.offer($0) }.run()
            }
            group.addTask {
                // Cancellation instead of a graceful shutdown: another service failed; the listeners end all the same.
                try? await gracefulShutdown()
                await withDiscardingTaskGroup { group in
                    for server in http {
                        group.addTask { await server.stop(within: .seconds(Int64(Self.drainSeconds))) }
                    }
                }
                events.finish()
            }
        }
    }

    private static func kickstarts(_ settings: BootServicesSettings) throws -> KickstartRecipes? {
        guard let path = settings.kickstartDirectory else { return nil }
        let templates = PXEDirectory(path: path, option: "--kickstart-directory")
        let server = ServerLocation(address: settings.address.address, port: settings.httpPort)
        return try KickstartRecipes(server: server, engine: settings.engine) { try templates.text($0) }
    }

    /// One for each address of the server.
    private static func recipes(_ settings: BootServicesSettings) throws -> [BootRecipes] {
        let scripts = PXEDirectory(path: settings.pxeDirectory)
        return try settings.addresses.map { address in
            let server = ServerLocation(address: address, port: settings.httpPort)
            return try BootRecipes(server: server, engine: settings.engine) { try scripts.text($0) }
        }
    }
}
