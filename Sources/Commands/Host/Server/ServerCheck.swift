import EngineClient
import Foundation
import HostConversion
import HostModel

/// Looks at a server from the machine where the command is typed.
struct ServerCheck: Sendable {
    /// The engine as the server has to reach it.
    var engine: EngineAddress
    var hosts: [HostResource]
    var choices: ServerChoiceOptions
    /// What was chosen before about a host that is there.
    var former: ServerChoices?
    /// The tag of the management network.
    var vlan: Int?
    /// SHA-256 of the engine's CA, by which a host of another engine is known; `nil` where no CA was pinned.
    private var authority: Nonce?
    /// Where the engine has packages for servers.
    private var packages: [ServerFacts.Distribution.Family: String] = [:]

    /// `vlan`: another tag than the one that the engine's management network has.
    init(_ options: EngineOptions, _ session: EngineSession, _ choices: ServerChoiceOptions, vlan: Int?) async throws {
        let context = try options.file.read().context(options.chosen)
        let url = context.engine
        guard let engine = EngineAddress(url) else {
            throw UserError(
                .configuration,
                "a server cannot reach the engine at \(terminalEscaped(url))",
                remedy: "muster login https://NAME-OR-IPV4-ADDRESS"
            )
        }
        (self.engine, self.choices) = (engine, choices)
        authority = context.authority.flatMap { CertificateChain(pem: $0)?.fingerprints.last }.flatMap {
            Nonce(hex: $0.hex)
        }
        let managementTag = Self.managementTag(try await session.networks())
        self.vlan = vlan ?? managementTag
        hosts = try await session.hosts()
        for family in [ServerFacts.Distribution.Family.deb, .rpm] {
            packages[family] = try await session.packages(for: family)
        }
    }

    /// As the engine has it when it looks itself.
    static func managementTag(_ networks: [NetworkResource]) -> Int? {
        networks.first { $0.usages.usage.contains("management") }?.vlan.flatMap { Int($0.id) }
    }

    /// `name`: the host that the server is, whose machine id is no other's.
    func request(address: String, name: String) -> ConversionRequest {
        let now = Int64(Date().timeIntervalSince1970)
        var request = ConversionRequest(address: address, engine: engine, clock: now)
        let repository = choices.repository ?? former?.repository
        request.repository = repository.flatMap { ConversionRequest.Repository(url: $0) }
        request.managementVLAN = vlan
        (request.engineFingerprint, request.takesOver) = (authority, choices.takeOver)
        request.needsVirtualization = !choices.withoutVirtualization && former?.without_virtualization != true
        request.host = hosts.first { $0.name == name }.flatMap { UniqueID(rawValue: $0.id) }
        for host in hosts where host.name != name {
            guard let id = host.hardware_information?.uuid.flatMap({ HardwareID($0) }) else { continue }
            request.knownIDs[id] = host.name
        }
        return request
    }

    /// With the engine's own repository, as the engine itself will have it.
    private func complete(
        _ known: ConversionRequest,
        _ family: ServerFacts.Distribution.Family?
    ) -> ConversionRequest {
        guard known.repository == nil, let path = family.flatMap({ packages[$0] }) else { return known }
        var request = known
        request.repository = ConversionRequest.Repository(url: "https://\(engine)\(path)")
        return request
    }

    func look(_ signIn: ServerSignIn, name: String) async throws(ConversionError) -> CheckedServer {
        let connection = try await signIn.connect()
        do throws(ConversionError) {
            let request = request(address: signIn.address, name: name)
            let report = try await ServerInspection(connection).report(for: request, completing: complete)
            await connection.close()
            return CheckedServer(signIn, connection, report)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Lays the engine's key on the server, so that a private key never leaves this machine. Gives the host keys, to be pinned.
    func letEngineIn(_ signIn: ServerSignIn, name: String, key: String) async throws(ConversionError)
        -> (server: HostKeyFingerprint, jump: HostKeyFingerprint?)
    {
        let connection = try await signIn.connect()
        do throws(ConversionError) {
            var request = request(address: signIn.address, name: name)
            request.engineKey = key
            _ = try await AccessGrant.run(over: connection, request, completing: complete)
            await connection.close()
            return (connection.hostKey.fingerprint, connection.jumpHostKey?.fingerprint)
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// What a check found, for people and for programs.
struct CheckedServer: Encodable, Layout {
    var address: String
    var fingerprint: String
    /// Of the host in front of it, with its address.
    var jump: String?
    var jumpFingerprint: String?
    var blocked: Bool
    var summary: String
    var findings: [PreflightFinding]
    private let table: String

    enum CodingKeys: String, CodingKey {
        case address
        case fingerprint
        case jump
        case jumpFingerprint = "jump_fingerprint"
        case blocked
        case summary
        case findings
    }

    init(_ signIn: ServerSignIn, _ connection: SSHConnection, _ report: PreflightReport) {
        (address, fingerprint) = (signIn.address, connection.hostKey.fingerprint.rawValue)
        (jump, jumpFingerprint) = (signIn.jump?.host, connection.jumpHostKey?.fingerprint.rawValue)
        (blocked, summary, findings) = (report.isBlocked, report.summary, report.findings)
        table = report.table
    }

    func text(_ style: Style, headers: Bool) -> String {
        let front = jumpFingerprint.map { "host key of \(terminalEscaped(jump ?? "")): \($0)\n" } ?? ""
        return "\(front)host key of \(address): \(fingerprint)\n\(table)"
    }
}
