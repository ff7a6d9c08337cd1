import BootWire
import HostModel
import Logging
import NIOCore
import NIOPosix
import Recipes

/// Opens the listeners of one server, and says in one sentence why one could not be opened.
struct BootListeners {
    let settings: BootServicesSettings
    let directory: any BootDirectory
    let events: BootEventQueue
    let logger: Logger

    /// Nothing when another server gives the addresses.
    func openDHCP(baseURL: String) async throws -> (DHCPServer?, LeaseStore?) {
        guard let pool = settings.pool else { return (nil, nil) }
        let dhcp = try dhcpSettings(pool, baseURL)
        let leases = try await openLeases(dhcp)
        var configuration = DHCPServer.Configuration(interface: settings.interface, settings: dhcp)
        configuration.port = settings.dhcpPort
        do {
            let server = try await DHCPServer.open(
                configuration,
                leases: leases,
                directory: directory,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
            return (server, leases)
        } catch {
            await leases.close()
            throw failure("DHCP", "UDP", settings.dhcpPort, "--dhcp-port", error)
        }
    }

    func openTFTP(_ machines: MachineLocator) async throws -> TFTPServer {
        let loaders: LoaderDirectory
        do throws(LoaderDirectoryError) {
            loaders = try LoaderDirectory(path: settings.loaderDirectory)
        } catch {
            throw StartFailure(
                .configuration,
                cause: "the loader directory \(error.path) cannot be opened (\(StartFailure.reason(error.code)))",
                remedy: "Install Debian's package ipxe, or name another directory with --loader-directory"
            )
        }
        var configuration = TFTPServer.Configuration(interface: settings.interface, address: settings.address.address)
        configuration.port = settings.tftpPort
        do {
            return try await TFTPServer.open(
                configuration,
                loaders: loaders,
                machines: machines,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
        } catch {
            throw failure("TFTP", "UDP", settings.tftpPort, "--tftp-port", error)
        }
    }

    func openHTTP(
        _ recipes: BootRecipes,
        _ machines: MachineLocator,
        kickstarts: KickstartRecipes?
    ) async throws -> BootHTTPServer {
        let responder = BootHTTPResponder(
            recipes: recipes,
            kickstarts: kickstarts,
            directory: directory,
            events: events,
            machines: machines,
            imageDirectory: settings.imageDirectory,
            loaderDirectory: settings.loaderDirectory,
            agentFile: settings.agentFile,
            logger: logger
        )
        do {
            return try await BootHTTPServer.bind(
                address: settings.address.address,
                port: Int(settings.httpPort),
                responder: responder,
                group: MultiThreadedEventLoopGroup.singleton
            )
        } catch {
            throw failure("HTTP", "TCP", settings.httpPort, "--http-port", error)
        }
    }

    private func dhcpSettings(_ pool: ClosedRange<IPv4Address>, _ baseURL: String) throws(StartFailure) -> DHCPSettings
    {
        do throws(DHCPSettingsError) {
            var dhcp = try DHCPSettings(
                server: settings.address.address,
                network: settings.address,
                pool: pool,
                bootFiles: BootFiles(baseURL: baseURL)
            )
            (dhcp.router, dhcp.nameServers) = (settings.router, settings.nameServers)
            return dhcp
        } catch {
            throw StartFailure(.configuration, cause: "\(error)", remedy: "Correct --pool or --address")
        }
    }

    private func openLeases(_ dhcp: DHCPSettings) async throws(StartFailure) -> LeaseStore {
        do {
            let leases = try await LeaseStore.open(directory: settings.stateDirectory, settings: dhcp)
            if leases.damagedLines > 1 {
                logger.warning(
                    "\(leases.damagedLines) lines of the journal of leases could not be read: check the disk"
                )
            }
            return leases
        } catch {
            let isTransient = (error as? LeaseStoreError)?.isTransient ?? false
            throw StartFailure(
                isTransient ? .unavailable : .system,
                cause:
                    "the journal of leases in \(settings.stateDirectory) cannot be used: \(terminalEscaped("\(error)"))",
                remedy: "Make the directory writable for this user, or name another with --state-directory"
            )
        }
    }

    private func failure(
        _ service: String,
        _ transport: String,
        _ port: UInt16,
        _ option: String,
        _ error: any Error
    ) -> StartFailure {
        let code = (error as? DatagramSocketError)?.code ?? (error as? IOError)?.errnoCode ?? 0
        let listener = StartFailure.Listener(
            service: service,
            transport: transport,
            address: settings.address.address,
            port: port,
            option: option
        )
        return StartFailure(opening: listener, code: code, text: "\(error)")
    }
}
