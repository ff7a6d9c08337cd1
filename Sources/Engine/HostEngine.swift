import BootServer
import Fencing
import Foundation
import HostModel
package import Logging
import ServiceLifecycle
import SystemPackage

/// Everything one installation is: made by `initialize`, opened from disk by `open`, alive while `run` runs.
///
/// What it can do stands in the extensions, one file a concern: enrolment, hosts, events, boot, images, users.
package final class HostEngine: Service, BootDirectory, Sendable {
    let settings: EngineSettings
    let logger: Logger
    let store: Store
    let authority: CertificateAuthority
    let identity: EngineIdentity
    /// Shown by the web listener in place of the engine's own; `nil`: its own.
    package let webCertificate: WebCertificate?
    let images: ImageShelf
    let supervisor = HostSupervisor()
    let claimRate: RateLimit
    let bootRates: BootStepRates
    /// For what boot servers on other segments hand over, by the time at which it happened.
    let lateBootRates: BootStepRates
    let bootBook = BootServiceBook()
    let signInEventRate = RateLimit(burst: 40, perMinute: 20)
    let signInGate = SignInGate()
    let agentDigest = AgentDigest()
    let desk = ConversionDesk()
    let contacts = ContactBook()
    let statistics = StatisticsBook()
    let agentTally = AgentTally()
    let gate: ServerGate
    /// The hosts of which the power is worked on.
    let powers = HostSupervisor()
    let fencing: FenceAgents
    let secrets: SecretBox
    let dumps = CrashDumps()
    let ticketRate: RateLimit
    let hold: RestoreHold
    private let lock: InstallationLock

    /// The engine's public key for SSH, `ssh-rsa BASE64` without a comment.
    package let sshPublicKey: String
    /// The CA certificate in PEM.
    package let authorityPEM: String
    /// SHA-256 of the CA certificate's DER, 64 lower-case hex digits.
    package let authorityFingerprint: String

    private init(_ settings: EngineSettings, store: Store, lock: InstallationLock, logger: Logger) throws {
        let keys = KeyDirectory(path: settings.keyDirectory)
        let now = Date(timeIntervalSince1970: Double(settings.clock.now()) / 1000)
        (self.settings, self.store, self.lock, self.logger) = (settings, store, lock, logger)
        authority = try keys.authority(organization: settings.organization)
        identity = try keys.engineIdentity(of: authority, address: settings.engineAddress, now: now)
        webCertificate = try keys.web()
        (authorityPEM, authorityFingerprint) = (try authority.pem() + "\n", authority.fingerprint())
        secrets = try SecretBox(keys)
        fencing = FenceAgents(
            atOnce: settings.power.atOnce,
            folders: settings.fenceAgentFolders.map { FilePath($0) },
            logger: logger
        )
        sshPublicKey = try keys.sshKey().publicLine
        gate = ServerGate(
            store: store,
            settings: settings,
            publicKey: sshPublicKey,
            authorityPEM: authorityPEM,
            webAuthorityPEM: authorityPEM + (webCertificate?.pem ?? ""),
            authorityFingerprint: authorityFingerprint,
            agentDigest: agentDigest
        )
        hold = RestoreHold(directory: settings.dataDirectory)
        images = ImageShelf(root: settings.imageDirectory)
        ticketRate = RateLimit(
            burst: settings.kickstarts.ticketsPerHostBurst,
            perMinute: settings.kickstarts.ticketsPerHostPerMinute
        )
        let perMinute = settings.enrolment.claimsPerMinutePerSource
        claimRate = RateLimit(burst: perMinute, perMinute: perMinute)
        (bootRates, lateBootRates) = (BootStepRates(settings.boot), BootStepRates(settings.boot))
    }

    /// Opens the installation; refuses where there is none, where another engine runs on it, and where a newer one
    /// wrote it.
    package static func open(_ settings: EngineSettings, logger: Logger) async throws(EngineError) -> HostEngine {
        let lock = try InstallationLock(directory: settings.dataDirectory)
        let store = try openStore(settings, logger)
        guard try await store.isInitialized() else { throw noInstallation(settings) }
        do {
            let engine = try HostEngine(settings, store: store, lock: lock, logger: logger)
            try engine.images.prepare()
            // Machines boot without it, and it is tried again.
            do { try engine.renewBootCertificate() } catch {
                logger.warning("The boot services have no certificate for HTTPS yet: \(error)")
            }
            return engine
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.failed, "The installation cannot be opened: \(error).")
        }
    }

    /// What `init` leaves is keys first and the database last, so keys without one are a start that was cut off or a database
    /// that is gone, and the refusal says both.
    private static func openStore(_ settings: EngineSettings, _ logger: Logger) throws(EngineError) -> Store {
        let isThere = FileManager.default.fileExists(atPath: settings.databasePath)
        let hasKeys = FileManager.default.fileExists(atPath: settings.keyDirectory)
        guard isThere || hasKeys else { throw noInstallation(settings) }
        guard isThere else {
            throw EngineError(
                .notFound,
                "The installation in \(settings.dataDirectory) has keys, but its database engine.db is gone.",
                remedy: restoreOrInit
            )
        }
        return try Store.open(settings.databasePath, retention: settings.retention, making: false, logger: logger)
    }

    private static let restoreOrInit =
        "Restore a backup: muster-engine restore FILE --overwrite. Only if `muster-engine init` was cut off, run that again."

    private static func noInstallation(_ settings: EngineSettings) -> EngineError {
        // Who has keys had an installation, and must not be told to make a new one over it.
        let wasThere = FileManager.default.fileExists(atPath: "\(settings.keyDirectory)/engine.pem")
        return EngineError(
            .notFound,
            wasThere
                ? "The installation in \(settings.dataDirectory) has keys, but nothing is in its database."
                : "There is no installation in \(settings.dataDirectory).",
            remedy: wasThere ? restoreOrInit : "Run `muster-engine init` first."
        )
    }

    /// Watches the hosts and goes on with stored jobs until the task is cancelled or a graceful shutdown begins.
    package func run() async throws {
        try await store.record(
            [Occurrence(.engineStarted, .normal, "The engine started as \(settings.engineAddress).")],
            at: settings.clock.now()
        )
        try await cancelWhenGracefulShutdown {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { await self.keepHouse() }
                group.addTask { await self.keepContacts() }
                group.addTask { await self.noteAuditHeads() }
                group.addTask { await self.watchDatabaseFile() }
                group.addTask { await self.watchHold() }
                group.addTask { try await self.superviseHosts() }
                group.addTask { try await self.workOnConversions() }
                group.addTask { try await self.workOnPower() }
                group.addTask { await self.listenForDumps() }
                group.addTask { await self.watchProofs() }
                group.addTask { await self.renewCertificates() }
                group.addTask { await self.keepBootCertificate() }
            }
        }
    }

    /// Ends what has had its time, once a minute.
    private func keepHouse() async {
        while !Task.isCancelled {
            do { try await forgetWhatIsOver() } catch { logger.warning("Housekeeping failed: \(error)") }
            try? await Task.sleep(for: .seconds(60))
        }
    }

    func forgetWhatIsOver() async throws(EngineError) {
        let (now, limits) = (settings.clock.now(), settings.enrolment)
        let deniedBefore = now - settings.boot.denyWindow
        try await store.write { [store] db in
            try store.keepHouse(limits: limits, at: now, in: db)
            try store.endBootClaims(at: now, in: db)
            try store.expireDenials(before: deniedBefore, in: db)
            try store.dropAgedEvents(at: now, in: db)
        }
        try await store.endArrivals(within: limits.arrivalSeconds * 1000, context: context())
    }

    /// The engine's own certificate, for its web listener and its connections to agents.
    package var engineCertificatePEM: String { identity.pem }
    package var engineKeyPEM: String { identity.keyPEM }
    /// What a reader of the metrics may show instead of a session; `nil`: nothing.
    package var metricsToken: String? { settings.metricsToken }
}

extension HostEngine {
    func context(by user: String? = nil, _ correlation: String? = nil) -> TransitionContext {
        TransitionContext(
            now: settings.clock.now(),
            times: settings.monitoring,
            user: user,
            correlation: correlation.map { String(terminalEscaped($0).prefix(Self.correlationMax)) }
        )
    }

    /// Characters of a correlation id that are kept.
    static let correlationMax = 50
}
