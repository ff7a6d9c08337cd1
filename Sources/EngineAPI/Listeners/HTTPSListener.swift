package import Engine
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The oldest version of TLS that a listener speaks. oVirt's older clients know nothing newer than 1.2.
package enum OldestTLS: String, CaseIterable, Sendable {
    case v12 = "1.2"
    case v13 = "1.3"
}

/// The engine's web side: REST, sign-in and registration over TLS with the engine's own certificate.
package struct HTTPSListener: Service {
    /// Connections at one time; more wait in the kernel's queue.
    static let connectionsMax = 1024
    /// A connection without a request is closed after this.
    static let idle = TimeAmount.seconds(30)
    /// Bytes of all headers of one request, of one of them, and how many.
    static let headers = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 16 << 10,
        maxHeaderListSize: 32 << 10,
        maxHeaderFieldCount: 100
    )

    private let engine: HostEngine
    private let host: String
    private let port: Int
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void
    /// The oldest TLS that is spoken.
    private let oldestTLS: OldestTLS
    var pace = ConnectionGuard.Pace()
    var quota = ConnectionQuota.Limits()

    /// - Parameters:
    ///   - engine: Whose API this is, and whose certificate it shows.
    ///   - host: The address to listen on; `0.0.0.0` for all.
    ///   - port: The port; 0 takes a free one.
    ///   - oldestTLS: Clients that speak only older ones are refused in the handshake.
    ///   - logger: Where sign-ins and changes are written.
    ///   - onListening: Told the port once connections are accepted.
    package init(
        engine: HostEngine,
        host: String,
        port: Int,
        oldestTLS: OldestTLS = .v12,
        logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        (self.engine, self.host, self.port, self.oldestTLS) = (engine, host, port, oldestTLS)
        (self.logger, self.onListening) = (logger, onListening)
    }

    /// Serves until shut down gracefully. Throws `ListenError` when the port cannot be opened.
    package func run() async throws {
        let quota = ConnectionQuota(quota)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(quota: quota, pace: pace)],
            idleTimeout: Self.idle,
            httpDecoderConfiguration: Self.headers
        )
        let application = Application(
            router: try EngineRoutes(engine: engine).router(),
            server: try .tls(.http1(configuration: http), tlsConfiguration: tlsConfiguration()),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: "muster-engine",
                availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: logger)
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListenError(error, place: "TCP port \(port) on \(host)", setting: "--https-port or --listen")
        }
    }

    /// TLS 1.3 where the client can. The CA goes along, so that a client that pins it needs no second call.
    private func tlsConfiguration() throws -> TLSConfiguration {
        let own = try Pair(engine.engineCertificatePEM + engine.authorityPEM, key: engine.engineKeyPEM)
        let shown = try engine.webCertificate.map { try Pair($0.pem, key: $0.keyPEM) } ?? own
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: shown.chain,
            privateKey: shown.key
        )
        if engine.webCertificate != nil {
            // Who trusts the engine's own CA, as nodes do, asks for its certificate by this name.
            configuration.sslContextCallback = { asked, promise in
                var answer = NIOSSLContextConfigurationOverride()
                if asked.serverHostname == HostEngine.ownCertificateName {
                    (answer.certificateChain, answer.privateKey) = (own.chain, own.key)
                }
                promise.succeed(answer)
            }
        }
        // Boot servers on other segments show a certificate of the engine's own CA; nobody else has to. Browsers offer none of
        // another CA, because the request names this one.
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(engine.authorityPEM.utf8)))
        configuration.sendCANameList = true
        configuration.minimumTLSVersion = oldestTLS == .v13 ? .tlsv13 : .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    private struct Pair: Sendable {
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource

        init(_ certificates: String, key: String) throws {
            chain = try NIOSSLCertificate.fromPEMBytes(Array(certificates.utf8)).map { .certificate($0) }
            self.key = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        }
    }
}
