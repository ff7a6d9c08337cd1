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
    private let tftp: TFTPServer
    private let http: BootHTTPServer
    private let events: BootEventQueue
    private let reporter: StatusReporter
    private let logger: Logger

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
        let configurations = try LoaderRecipes(recipes) { try scripts.text($0) }
        let events = BootEventQueue(directory: directory, logger: logger)
        let queueing = QueueingDirectory(directory: directory, events: events)
        let listeners = BootListeners(settings: settings, directory: queueing, events: events, logger: logger)
        let dhcp = try await wait.opening(logger) {
            try await listeners.openDHCP(baseURL: "http://\(recipes.server)")
        }
        let machines = MachineLocator(
            neighbours: NeighbourTable(interface: settings.interface),
            leases: dhcp.leases,
            network: settings.address
        )
        var tftp: TFTPServer?
        do {
            let loaders = try await wait.opening(logger) { try await listeners.openTFTP(machines, configurations) }
            tftp = loaders
            return BootServices(
                dhcp: dhcp,
                tftp: loaders,
                http: try await wait.opening(logger) {
                    try await listeners.openHTTP(recipes, machines, kickstarts: kickstarts)
                },
                events: events,
                reporter: StatusReporter(
                    settings: settings,
                    leases: dhcp.leases,
                    directory: directory,
                    logger: logger
                ),
                logger: logger
            )
        } catch {
            await tftp?.close()
            await dhcp.close()
            throw error
        }
    }

    /// Serves until a graceful shutdown, which ends within `drainSeconds`, or until one of the services fails.
    package func run() async throws {
        logger.info("HTTP serves scripts and images", metadata: ["port": "\(http.port)"])
        let ending: Result<Void, any Error>
        do { ending = .success(try await serve()) } catch { ending = .failure(error) }
        await dhcp.leases?.close()
        try ending.get()
    }

    private func serve() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await dhcp.server?.run() }
            group.addTask { try await dhcp.proxy?.run() }
            group.addTask { try await tftp.run() }
            group.addTask { try await http.run() }
            group.addTask { await events.run() }
            group.addTask { try await reporter.run() }
            group.addTask {
                // Cancellation instead of a graceful shutdown: another service failed; the listeners end all the same.
                try? await gracefulShutdown()
                await http.stop(within: .seconds(Int64(Self.drainSeconds)))
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

    private static func recipes(_ settings: BootServicesSettings) throws -> BootRecipes {
        let scripts = PXEDirectory(path: settings.pxeDirectory)
        let server = ServerLocation(address: settings.address.address, port: settings.httpPort)
        return try BootRecipes(server: server, engine: settings.engine) { try scripts.text($0) }
    }
}
