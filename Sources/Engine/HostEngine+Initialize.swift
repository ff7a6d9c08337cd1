import Foundation
import HostModel

extension HostEngine {
    /// The name of the network that every host is managed over (DefaultManagementNetwork).
    static let managementNetwork = "ovirtmgmt"
    static let administrator = "admin@internal"
    /// Bytes of a password.
    static let passwordLengths = 1...1024

    /// Makes an installation: the CA, the engine's certificate, the database with `admin@internal`, the data center and
    /// cluster `Default`, `ovirtmgmt`, and the profiles that every installation has. Refuses where there is one already.
    ///
    /// The database becomes an installation in one transaction, the last step: a run that was cut off can be repeated.
    /// `web`: another certificate for HTTPS than the engine's own.
    package static func initialize(
        _ settings: EngineSettings,
        adminPassword: String,
        web: WebCertificate? = nil
    ) async throws(EngineError) {
        guard HostName(settings.engineAddress) != nil else {
            throw EngineError(
                .invalid,
                "The engine address is neither a DNS name nor an IPv4 address.",
                remedy: "Give the name or address that nodes and browsers use."
            )
        }
        guard passwordLengths.contains(adminPassword.utf8.count) else {
            throw EngineError(
                .invalid,
                "A password has \(passwordLengths.lowerBound) to \(passwordLengths.upperBound) bytes."
            )
        }
        try DurableFile.makeDirectory(settings.dataDirectory, mode: 0o755)
        let lock = try InstallationLock(directory: settings.dataDirectory)
        defer { withExtendedLifetime(lock) {} }
        let store = try Store.open(settings.databasePath)
        guard try await !store.isInitialized() else {
            throw EngineError(
                .conflict,
                "There is an installation in \(settings.dataDirectory) already.",
                remedy: "Start it with `muster-engine serve`, or choose another directory."
            )
        }
        let now = settings.clock.now()
        try makeKeys(settings, now: Date(timeIntervalSince1970: Double(now) / 1000))
        try KeyDirectory(path: settings.keyDirectory).setWeb(web)
        let password = try await PasswordHash.make(adminPassword)
        try await store.initialize(administrator: administrator, password: password, at: now)
        try store.close()
    }

    /// SHA-256 of the CA certificate's DER in lower-case hex: what `muster login` shows to compare. Works beside a running
    /// engine.
    package static func authorityFingerprint(in dataDirectory: String) throws(EngineError) -> String {
        let settings = EngineSettings(dataDirectory: dataDirectory, engineAddress: "")
        return CertificateAuthority.fingerprint(
            of: try KeyDirectory(path: settings.keyDirectory).authorityCertificate()
        )
    }

    private static func makeKeys(_ settings: EngineSettings, now: Date) throws(EngineError) {
        let made: CertificateAuthority
        do {
            made = try CertificateAuthority.make(
                organization: settings.organization,
                engineAddress: settings.engineAddress,
                now: now
            )
        } catch {
            throw EngineError(.failed, "The CA could not be made: \(error).")
        }
        let keys = KeyDirectory(path: settings.keyDirectory)
        try keys.save(made)
        _ = try keys.engineIdentity(of: made, address: settings.engineAddress, now: now)
        _ = try keys.sshKey()
    }
}
