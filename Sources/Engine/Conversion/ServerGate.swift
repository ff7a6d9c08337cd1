import Foundation
import HostConversion
import HostModel
import SystemPackage

/// What the engine brings to a server: its key, its agent, its repository, and what it knows of its other hosts.
struct ServerGate: Sendable {
    let store: Store
    let settings: EngineSettings
    /// `ssh-rsa BASE64`.
    let publicKey: String
    let authorityPEM: String
    /// Whom a server trusts that fetches packages over HTTPS: what the engine shows there, too.
    let webAuthorityPEM: String
    let authorityFingerprint: String
    let agentDigest: AgentDigest

    /// By which the key is found again in root's authorized_keys.
    static let keyComment = "ovirt-engine"

    var keyFile: String { KeyDirectory(path: settings.keyDirectory).sshKeyFile }

    /// The line of authorized_keys by which the engine signs in.
    var keyLine: String { "\(publicKey) \(Self.keyComment)" }

    var engine: EngineAddress? {
        HostName(settings.engineAddress).map { EngineAddress(host: $0, port: settings.httpsPort) }
    }

    func connect(_ access: ServerAccess, _ credentials: ServerCredentials) async throws(ConversionError)
        -> SSHConnection
    {
        let targets = try access.targets(credentials, keyFile: keyFile)
        return try await SSHConnection.open(targets.server, through: targets.jump)
    }

    /// What is asked of a server that has this address. `host`: the one that it is already.
    func request(
        address: String,
        _ options: ConversionOptions,
        host: UniqueID?
    ) async throws(ConversionError) -> ConversionRequest {
        do throws(EngineError) {
            guard let engine else {
                throw EngineError(.failed, "The engine's address is no name.", remedy: "Set --address.")
            }
            var request = ConversionRequest(address: address, engine: engine, clock: settings.clock.now() / 1000)
            request.engineFingerprint = Nonce(hex: authorityFingerprint)
            request.engineKey = keyLine
            request.agentDigest = "\(try agentDigest.digest(of: settings.agentFile))"
            request.host = host
            request.knownIDs = try await store.machineIDs(but: host)
            request.managementVLAN = try await store.read { db in
                try ClusterRecord.managementNetwork(of: host, in: db)?.vlan
            }
            request.repository = options.repository.flatMap { ConversionRequest.Repository(url: $0) }
            request.needsVirtualization = options.needsVirtualization
            request.wantsKdump = options.wantsKdump
            request.mayReboot = options.mayReboot
            request.takesOver = options.takesOver ?? false
            return request
        } catch {
            throw ConversionError(.files, error.detail, remedy: error.remedy ?? "see the engine's log")
        }
    }

    /// The same with the engine's own repository, where there is one for such servers and nobody named another.
    func withRepository(_ known: ConversionRequest, _ family: ServerFacts.Distribution.Family?) -> ConversionRequest {
        guard known.repository == nil, let family, settings.hasPackages(for: family) else { return known }
        var request = known
        let url = "https://\(known.engine)\(EngineSettings.packagesPath)/\(family.rawValue)"
        request.repository = ConversionRequest.Repository(url: url, authority: webAuthorityPEM)
        return request
    }
}

extension EngineSettings {
    /// Where packages are served, and where they lie: `packages/deb` is a flat apt repository, `packages/rpm` one of dnf's.
    package static let packagesPath = "/ovirt-engine/services/packages"
    package var packageDirectory: String { "\(dataDirectory)/packages" }

    func hasPackages(for family: ServerFacts.Distribution.Family) -> Bool {
        let index = family == .deb ? "deb/Packages" : "rpm/repodata/repomd.xml"
        return FileManager.default.isReadableFile(atPath: "\(packageDirectory)/\(index)")
    }
}
