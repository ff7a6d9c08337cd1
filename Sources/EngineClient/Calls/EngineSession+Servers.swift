package import HostModel
import NIOCore
import NIOHTTP1

extension EngineSession {
    /// The engine signs in to the server and looks at it before it answers: give the transport minutes.
    package func addServer(_ server: NewHostResource) async throws(CallError) -> HostResource {
        try await decode(HostResource.self, try Self.json(.POST, "\(Self.api)/hosts", server))
    }

    /// Throws what the engine has against it without asking the server.
    package func checkServer(_ server: NewHostResource) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, "\(Self.api)/hosts?dry_run=true", server))
    }

    /// Begins a conversion once more (`install`), or the way back (`uninstall`).
    package func workOnServer(
        _ host: String,
        _ action: String,
        _ body: ServerActionResource
    ) async throws(CallError) -> ActionResource {
        try await decode(
            ActionResource.self,
            try Self.json(.POST, "\(Self.api)/hosts/\(percentEncoded(host))/\(action)", body)
        )
    }

    /// What was kept of a conversion, oldest first.
    package func transcript(ofJob id: String) async throws(CallError) -> String {
        let answer = try await perform(.get("\(Self.api)/jobs/\(percentEncoded(id))/transcript"))
        return String(buffer: answer.body)
    }

    /// Where the engine has packages for such servers; `nil`: it has none.
    package func packages(for family: ServerFacts.Distribution.Family) async throws(CallError) -> String? {
        let folder = "/ovirt-engine/services/packages/\(family.rawValue)"
        let index = family == .deb ? "Packages" : "repodata/repomd.xml"
        return try await send(HTTPCall(.HEAD, "\(folder)/\(index)")).isSuccess ? folder : nil
    }

    /// The engine's key as a line of authorized_keys.
    package func sshKey() async throws(CallError) -> String {
        let path = "/ovirt-engine/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY"
        let answer = try await perform(.get(path))
        return String(String(buffer: answer.body).prefix { !$0.isNewline })
    }
}
