import Engine
import EngineAPI
import Foundation
import Glibc
import HostModel
import LogLines
import Logging
import ServiceLifecycle
import UnixSignals

/// The engine in this process: HTTPS, the socket for the boot services where there are any, and the engine's own work.
struct EngineProcess: Sendable {
    var configuration: ServeConfiguration
    /// The group of muster-boot, which may connect to the socket; `nil` without boot services.
    var bootGroup: gid_t?
    var logger: Logger
    /// What `logger` wrote last.
    var recent: RecentLines

    /// What a graceful stop may take before everything is cancelled.
    static let stopMax = Duration.seconds(9)
    /// Seconds before the end of another certificate than the engine's own within which a start warns of it.
    static let certificateNotice = 21.0 * 86400

    /// Serves until SIGTERM or SIGINT.
    func run() async throws {
        // What is secret has a mode of its own; images are for muster-boot to read.
        umask(0o022)
        let (engine, address) = try await open()
        guard let name = HostName(address), let fingerprint = Nonce(hex: engine.authorityFingerprint) else {
            throw StartFailure(.configuration, "\(address) is no name of a host.", remedy: "Set --address.")
        }
        if let web = engine.webCertificate, web.end < .now + Self.certificateNotice {
            logger.warning(
                "The certificate of HTTPS ends at \(web.end.formatted(.iso8601)); muster-engine certificate takes its successor."
            )
        }
        let gate = ListenGate(listeners: bootGroup == nil ? 1 : 2)
        let (port, portKnown) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
        let https = HTTPSListener(
            engine: engine,
            host: configuration.listen,
            port: Int(configuration.httpsPort),
            oldestTLS: configuration.oldestTLS,
            logger: logger
        ) { port in
            portKnown.yield(port)
            gate.arrived()
        }
        let work = GatedEngine(engine: engine, gate: gate) {
            for await port in port {
                let line = ReadyLine(
                    listen: configuration.listen,
                    port: port,
                    address: name,
                    fingerprint: fingerprint
                )
                logger.info("listening", metadata: ["https": "\(line.listening)"])
                return Console.output.write("\(line)")
            }
        }
        let boot = bootGroup.map { group in
            BootSocketListener(directory: engine, path: configuration.bootSocket, group: group, logger: logger) {
                gate.arrived()
            }
        }
        try await group([https] + [boot].compactMap(\.self) + [work]).run()
        logger.info("stopped")
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.stopMax
        return ServiceGroup(configuration: configuration)
    }

    /// `nil`: the boot services speak no TLS.
    private var bootCertificate: BootCertificatePlace? {
        guard let boot = configuration.boot, boot.httpsPort != nil, let bootGroup else { return nil }
        return BootCertificatePlace(
            path: configuration.bootCertificateFile,
            group: bootGroup,
            addresses: ["\(boot.address.address)"] + (boot.address6.map { ["\($0.address)"] } ?? []),
            name: ProcessInfo.processInfo.hostName
        )
    }

    private func open() async throws -> (engine: HostEngine, address: String) {
        let installation = try InstallationFile.read(from: configuration.dataDirectory)
        guard let address = configuration.address ?? installation?.address else {
            throw StartFailure(
                .configuration,
                "\(configuration.dataDirectory) does not say at which address this engine is reached.",
                remedy: "Run muster-engine init if there is no installation yet; otherwise give --address."
            )
        }
        var settings = EngineSettings(dataDirectory: configuration.dataDirectory, engineAddress: address)
        if access(AgentFile.ofCheckout, R_OK) == 0 { settings.agentFile = AgentFile.ofCheckout }
        settings.retention.days = configuration.eventDays
        settings.kdumpPort = configuration.kdumpPort
        settings.shown = configuration.shown
        settings.recentLog = { [recent] in recent.lines }
        settings.metricsToken = try configuration.metricsToken()
        if configuration.httpsPort != 0 { settings.httpsPort = configuration.httpsPort }
        // Nodes fetch images where machines boot.
        settings.imageServer = configuration.boot.map { boot in
            boot.httpPort == 80 ? "\(boot.address.address)" : "\(boot.address.address):\(boot.httpPort)"
        }
        settings.bootCertificate = bootCertificate
        if let name = configuration.organization ?? installation?.organization { settings.organization = name }
        return (try await HostEngine.open(settings, logger: logger), address)
    }
}

/// The engine's own work, once the doors are open.
private struct GatedEngine: Service {
    let engine: HostEngine
    let gate: ListenGate
    let onOpen: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await gate.wait() }
        guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
        await onOpen()
        try await engine.run()
    }
}
