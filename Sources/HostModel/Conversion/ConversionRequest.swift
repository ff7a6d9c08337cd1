/// What the engine knows and wants when it converts a server.
package struct ConversionRequest: Hashable, Sendable {
    /// A package repository of the engine's, beside those that the server has.
    package struct Repository: Hashable, Sendable {
        /// `http://` or `https://`, without quotes, blanks and control characters.
        package let url: String
        /// The key that signs it, ASCII-armoured; `nil`: signatures are not asked for, as in a network of one's own.
        package var key: String?
        /// The CA of an https repository in PEM; `nil`: those that the server trusts.
        package var authority: String?

        package init?(url: String, key: String? = nil, authority: String? = nil) {
            let isPlain = url.utf8.allSatisfy { (33...126).contains($0) && !"'\"\\`$<>[]{}".utf8.contains($0) }
            guard isPlain, TCPEndpoint(url: url) != nil, url.utf8.count <= 1024 else { return nil }
            (self.url, self.key, self.authority) = (url, key, authority)
        }
    }

    /// Where the engine reaches the server: one of the addresses on its links.
    package var address: String
    package var engine: EngineAddress
    /// SHA-256 of the engine's CA certificate.
    package var engineFingerprint: Nonce?
    package var engineName = ""
    /// The tag of the management network; `nil`: none.
    package var managementVLAN: Int?
    package var repository: Repository?
    /// Instead of the packages that a node has.
    package var packages: [String]?
    /// Whether a server without virtualization is refused.
    package var needsVirtualization = true
    package var wantsKdump = false
    /// Whether a reboot at the end is done where the server needs one.
    package var mayReboot = true
    /// Whether a server that is another engine's host is taken over from it.
    package var takesOver = false
    /// The engine's public SSH key, for later work on the server; `nil`: none is laid there.
    package var engineKey: String?
    /// SHA-256 of the agent's file, in hexadecimal.
    package var agentDigest = ""
    /// The host that the server is already, where the engine has it as one.
    package var host: UniqueID?
    /// The machine ids that the engine knows, with the hosts that have them.
    package var knownIDs: [HardwareID: String] = [:]
    /// The iSCSI initiator names that the engine knows, with the hosts that have them.
    package var knownInitiators: [String: String] = [:]
    /// The engine's time in seconds since 1970, when the server was asked for its own.
    package var clock: Int64

    package init(address: String, engine: EngineAddress, clock: Int64) {
        (self.address, self.engine, self.clock) = (address, engine, clock)
    }

    /// What the server must reach by TCP, besides its own repositories.
    package var endpoints: [TCPEndpoint] {
        [TCPEndpoint(host: engine.host.rawValue, port: engine.port), repository.flatMap { TCPEndpoint(url: $0.url) }]
            .compactMap(\.self)
    }
}
