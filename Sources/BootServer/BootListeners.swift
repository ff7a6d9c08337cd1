import BootWire
import Glibc
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

    /// What answers DHCP.
    struct DHCP {
        /// Gives addresses; with its leases.
        var server: DHCPServer?
        var leases: LeaseStore?
        /// Says what to boot, where `server` does not, or to those that ask once more.
        var proxy: ProxyServer?

        func close() async {
            await server?.close()
            await proxy?.close()
            await leases?.close()
        }
    }

    /// `nil` where there is none.
    func openDHCPv6(_ given: GivenAddresses) async throws -> DHCPv6Server? {
        guard settings.dhcp6 != .off, let server = settings.address6?.address, let link = settings.link6 else {
            return nil
        }
        var configuration = DHCPv6Server.Configuration()
        guard let card = NetworkCard(named: settings.interface) else {
            let listener = StartFailure.Listener(
                service: "DHCPv6",
                transport: "UDP",
                address: .v6(.any),
                port: configuration.port,
                option: "--dhcp6"
            )
            throw StartFailure(opening: listener, code: ENODEV, text: "")
        }
        var answers = DHCPv6Settings(
            server: server,
            link: link,
            card: card.mac,
            givesAddresses: settings.dhcp6 == .full,
            files: BootFiles(server: server, httpPort: settings.httpPort)
        )
        (answers.relayed, answers.relays) = (settings.subnets6, settings.relays6)
        answers.nameServers = settings.nameServers6
        configuration.limits = DHCPLimits(newcomers: settings.newcomers)
        do {
            return try await DHCPv6Server.open(
                on: card,
                responder: DHCPv6Responder(settings: answers),
                configuration,
                .init(
                    verdicts: BootVerdicts(directory: directory, loops: events.loops, logger: logger),
                    given: given,
                    figures: events.figures,
                    logger: logger,
                    onEvent: { [events] in events.offer($0) }
                )
            )
        } catch {
            throw failure("DHCPv6", "UDP", configuration.port, "--dhcp6", error, at: .v6(.any))
        }
    }

    func openDHCP(baseURL: String) async throws -> DHCP {
        let files = BootFiles(baseURL: baseURL)
        switch settings.dhcp {
        case .off: return DHCP()
        case .proxy: return DHCP(proxy: try await openProxy(files, isAlone: true))
        case .full(let pool, let subnets):
            let networks = try networks(pool, subnets, files)
            let others = try await otherServers()
            var opened = DHCP(leases: try await openLeases(networks))
            do {
                opened.server = try await openServer(networks, opened.leases, others)
                opened.proxy = try await openProxy(files, isAlone: false)
                return opened
            } catch {
                await opened.close()
                throw error
            }
        }
    }

    private func openServer(
        _ networks: DHCPNetworks,
        _ leases: LeaseStore?,
        _ others: OtherServers?
    ) async throws -> DHCPServer? {
        guard let leases else { return nil }
        var configuration = DHCPServer.Configuration(interface: settings.interface, networks: networks)
        (configuration.port, configuration.relayPort) = (settings.dhcpPort, settings.dhcpPort)
        configuration.limits = DHCPLimits(newcomers: settings.newcomers)
        let addresses = await watchAddresses(of: networks.own, leases)
        do {
            return try await DHCPServer.open(
                configuration,
                leases: leases,
                directory: directory,
                loops: events.loops,
                segment: .init(addresses: addresses, servers: others),
                figures: events.figures,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
        } catch {
            await addresses?.close()
            throw failure("DHCP", "UDP", settings.dhcpPort, "--dhcp-port", error)
        }
    }

    /// Without it addresses are given as before: what another machine has is found by the client, which declines.
    private func watchAddresses(of own: DHCPSettings, _ leases: LeaseStore) async -> AddressWatch? {
        guard let card = NetworkCard(named: settings.interface) else { return nil }
        do {
            return try await AddressWatch.open(
                on: card,
                leases: leases,
                own: own,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
        } catch {
            logger.warning("addresses are offered without asking who has them: \(error)")
            return nil
        }
    }

    /// Throws when another server answers and that is not to be borne.
    private func otherServers() async throws -> OtherServers? {
        guard let card = NetworkCard(named: settings.interface) else { return nil }
        let others = OtherServers(
            card: card,
            server: settings.address.address,
            serverPort: settings.dhcpPort,
            logger: logger,
            onEvent: { [events] in events.offer($0) }
        )
        guard settings.isStrict else { return others }
        let found: Set<IPv4Address>
        do {
            found = try await others.look()
        } catch {
            throw StartFailure(
                .unavailable,
                cause: "other DHCP servers on \(settings.interface) cannot be asked for: \(error)",
                remedy: "Stop the DHCP client of this machine, or leave --strict out"
            )
        }
        guard found.isEmpty else {
            let list = found.sorted().map(\.description).joined(separator: ", ")
            throw StartFailure(
                .configuration,
                cause: "another DHCP server, \(list), answers on \(settings.interface)",
                remedy: "Stop it, give --dhcp proxy, or leave --strict out"
            )
        }
        return others
    }

    private func openProxy(_ files: BootFiles, isAlone: Bool) async throws -> ProxyServer {
        var configuration = ProxyServer.Configuration(interface: settings.interface)
        configuration.discoveryPort = isAlone ? settings.dhcpPort : nil
        configuration.bootServerPort = settings.pxePort
        configuration.limits = DHCPLimits(newcomers: settings.newcomers)
        do {
            return try await ProxyServer.open(
                configuration,
                responder: ProxyResponder(server: settings.address.address, files: files, relays: knownRelays),
                directory: directory,
                loops: events.loops,
                figures: events.figures,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
        } catch let error as ProxyPortError {
            throw error.isDiscovery
                ? failure("DHCP", "UDP", settings.dhcpPort, "--dhcp-port", error.cause)
                : failure("PXE", "UDP", settings.pxePort, "--pxe-port", error.cause)
        }
    }

    /// Of those who ask a proxy: relays of the networks behind relays ask it too, on port 4011.
    private var knownRelays: KnownRelays {
        var networks = [settings.address]
        if case .full(_, let subnets) = settings.dhcp { networks += subnets.map(\.network) }
        return KnownRelays(networks: networks, addresses: settings.relays)
    }

    /// TFTP on each of the server's addresses.
    func openTFTP(_ machines: MachineLocator, _ recipes: [LoaderRecipes]) async throws -> [TFTPServer] {
        var opened: [TFTPServer] = []
        do {
            for (address, recipes) in zip(settings.addresses, recipes) {
                opened.append(try await openTFTP(at: address, machines, recipes))
            }
            return opened
        } catch {
            for server in opened { await server.close() }
            throw error
        }
    }

    private func openTFTP(
        at address: IPAddress,
        _ machines: MachineLocator,
        _ recipes: LoaderRecipes
    ) async throws -> TFTPServer {
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
        var configuration = TFTPServer.Configuration(interface: settings.interface, address: address)
        configuration.port = settings.tftpPort
        configuration.ports = settings.tftpPorts
        configuration.transfersMax = TFTPServer.Configuration.transfers(newcomers: settings.newcomers)
        do {
            return try await TFTPServer.open(
                configuration,
                loaders: loaders,
                files: MachineFiles(
                    imageDirectory: settings.imageDirectory,
                    store: settings.imageStore,
                    recipes: recipes,
                    machines: VerifiedMachines(directory: directory, machines: machines),
                    logger: logger
                ),
                machines: machines,
                figures: events.figures,
                logger: logger,
                onEvent: { [events] in events.offer($0) }
            )
        } catch {
            throw failure("TFTP", "UDP", settings.tftpPort, "--tftp-port", error, at: address)
        }
    }

    /// HTTP on each of the server's addresses, with scripts that name the address by which the machine came.
    func openHTTP(
        _ recipes: [BootRecipes],
        _ machines: MachineLocator,
        kickstarts: KickstartRecipes?,
        identity: ServerIdentity? = nil
    ) async throws -> [BootHTTPServer] {
        var opened: [BootHTTPServer] = []
        var limits = BootHTTPLimits()
        limits.bytesPerSecondMax = settings.httpBytesPerSecond
        do {
            for recipes in recipes {
                // Each with limits of its own: who crowds one family out leaves the other alone.
                let responder = BootHTTPResponder(
                    recipes: recipes,
                    kickstarts: kickstarts,
                    directory: directory,
                    events: events,
                    machines: machines,
                    imageDirectory: settings.imageDirectory,
                    store: settings.imageStore,
                    loaderDirectory: settings.loaderDirectory,
                    agentFile: settings.agentFile,
                    limits: limits,
                    logger: logger
                )
                opened.append(try await bind(responder, settings.httpPort))
                if let https = settings.https, let identity {
                    let secure = responder.secure(port: https.port)
                    opened.append(try await bind(secure, https.port, identity))
                }
            }
            return opened
        } catch {
            for server in opened { await server.close() }
            throw error
        }
    }

    private func bind(
        _ responder: BootHTTPResponder,
        _ port: UInt16,
        _ identity: ServerIdentity? = nil
    ) async throws -> BootHTTPServer {
        let address = responder.recipes.server.address
        do {
            return try await BootHTTPServer.bind(
                address: address,
                port: Int(port),
                responder: responder,
                identity: identity,
                group: MultiThreadedEventLoopGroup.singleton
            )
        } catch {
            guard identity == nil else { throw failure("HTTPS", "TCP", port, "--https-port", error, at: address) }
            throw failure("HTTP", "TCP", port, "--http-port", error, at: address)
        }
    }

    /// Throws when HTTPS is wanted and its files cannot be used: they may be written a moment later.
    func openIdentity() throws(StartFailure) -> ServerIdentity? {
        guard let files = settings.https?.files else { return nil }
        do {
            return try ServerIdentity(files)
        } catch {
            throw StartFailure(
                .unavailable,
                cause: "HTTPS cannot be served: \(error)",
                remedy: "Correct --tls-certificate and --tls-key, or leave them out"
            )
        }
    }

    private func networks(
        _ pool: ClosedRange<IPv4Address>,
        _ subnets: [BootServicesSettings.Subnet],
        _ files: BootFiles
    ) throws(StartFailure) -> DHCPNetworks {
        let server = settings.address.address
        do throws(DHCPSettingsError) {
            var own = try DHCPSettings(server: server, network: settings.address, pool: pool, bootFiles: files)
            (own.router, own.nameServers) = (settings.router, settings.nameServers)
            var relayed: [DHCPSettings] = []
            for subnet in subnets {
                var dhcp = try DHCPSettings(
                    server: server,
                    relayed: subnet.network,
                    pool: subnet.pool,
                    router: subnet.router,
                    bootFiles: files
                )
                dhcp.nameServers = subnet.nameServers.isEmpty ? settings.nameServers : subnet.nameServers
                relayed.append(dhcp)
            }
            return try DHCPNetworks(own, relayed: relayed, relays: settings.relays)
        } catch {
            throw StartFailure(.configuration, cause: "\(error)", remedy: "Correct --pool, --address or --subnet")
        }
    }

    private func openLeases(_ networks: DHCPNetworks) async throws(StartFailure) -> LeaseStore {
        do {
            let leases = try await LeaseStore.open(directory: settings.stateDirectory, networks: networks)
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
        _ error: any Error,
        at address: IPAddress? = nil
    ) -> StartFailure {
        let code = (error as? DatagramSocketError)?.code ?? (error as? IOError)?.errnoCode ?? 0
        let listener = StartFailure.Listener(
            service: service,
            transport: transport,
            address: address ?? .v4(settings.address.address),
            port: port,
            option: option
        )
        return StartFailure(opening: listener, code: code, text: "\(error)")
    }
}
