import FoundationEssentials
package import HostModel
package import SystemPackage

/// What a person set on the node's console; kept in the state directory.
package struct NodeSettings: Hashable, Sendable, Codable {
    /// The management network. Takes the place of `ip=`, `vlan=` and `bond=`.
    package struct Network: Hashable, Sendable, Codable {
        /// `nil`: the interface that the machine booted from, or each one with a carrier.
        package var link: LinkName?
        /// 1 to 4094.
        package var vlan: Int?
        /// `nil`: DHCP.
        package var address: IPv4Network?
        package var gateway: IPv4Address?
        package var nameservers: [IPv4Address]

        package init(
            link: LinkName? = nil,
            vlan: Int? = nil,
            address: IPv4Network? = nil,
            gateway: IPv4Address? = nil,
            nameservers: [IPv4Address] = []
        ) {
            (self.link, self.vlan, self.address) = (link, vlan, address)
            (self.gateway, self.nameservers) = (gateway, nameservers)
        }
    }

    package var network: Network?
    package var hostName: HostName?
    package var engine: EngineAddress?
    /// SHA-256 of the engine's CA certificate.
    package var engineFingerprint: Nonce?

    package static let fileName = "settings.json"
    /// In the directory of this boot: the engine that a person named since the machine started.
    package static let engineFileName = "console-engine.json"

    package init() {}

    /// Keeps the settings in the state directory, and the engine for this boot also in `run`.
    package func save(state: NodeDirectory, run: NodeDirectory) throws {
        var engineOnly = NodeSettings()
        (engineOnly.engine, engineOnly.engineFingerprint) = (engine, engineFingerprint)
        try state.write(value: self, to: Self.fileName)
        try run.write(value: engineOnly, to: Self.engineFileName)
    }
}

/// What a node is told, from all sources. The console wins over the kernel's arguments, and these over the site's: the
/// person stands in front of this machine, the arguments come from a profile that many machines share.
///
/// One exception: where the arguments name the fingerprint of the engine's CA, an engine counts only that was typed since
/// the machine started. What lies on a disk may be a former tenant's, and must not lead the node to another engine.
package struct NodeConfiguration: Hashable, Sendable {
    package var arguments: NodeArguments
    package var settings: NodeSettings
    /// The machine runs the first stage alone (docs/boot.md, section 2): nobody is asked to take it.
    package var isRescue = false

    package init(arguments: NodeArguments = NodeArguments(), settings: NodeSettings = NodeSettings()) {
        (self.arguments, self.settings) = (arguments, settings)
    }

    /// The kernel argument that makes it so.
    private static let rescueArgument = "muster.rescue"

    /// What `muster image embed` left in the image: arguments that stand in front of the kernel's.
    package static let siteArguments: FilePath = "/etc/muster/site/arguments"

    /// Reads all of it. A file that is missing or unreadable counts as empty: a node must start with what it has.
    package init(
        commandLine: FilePath,
        site: FilePath = siteArguments,
        state: NodeDirectory,
        run: NodeDirectory
    ) {
        func arguments(_ file: FilePath) -> KernelArguments {
            let line = (try? readFile(file, limit: KernelArguments.bytesMax)) ?? []
            return KernelArguments(String(decoding: line, as: UTF8.self))
        }
        self.init(
            arguments: NodeArguments(arguments(site).followed(by: arguments(commandLine))),
            settings: state.value(NodeSettings.self, in: NodeSettings.fileName) ?? NodeSettings()
        )
        // The first stage takes the bare word alone.
        isRescue = arguments(commandLine).words.contains { $0.name == Self.rescueArgument && $0.value == nil }
        guard self.arguments.engineFingerprint != nil else { return }
        let typed = run.value(NodeSettings.self, in: NodeSettings.engineFileName)
        (settings.engine, settings.engineFingerprint) = (typed?.engine, typed?.engineFingerprint)
    }

    package var engine: EngineAddress? { settings.engine ?? arguments.engine }

    /// The fingerprint belongs to an engine: one of the kernel arguments says nothing about an engine set on the console.
    package var engineFingerprint: Nonce? {
        let isOther = settings.engine.map { $0 != arguments.engine } ?? false
        return settings.engineFingerprint ?? (isOther ? nil : arguments.engineFingerprint)
    }

    /// `nil`: DHCP decides, or the interface's address.
    package var hostName: HostName? { settings.hostName ?? arguments.hostName }

    package var nameservers: [IPv4Address] {
        if let network = settings.network, !network.nameservers.isEmpty { return network.nameservers }
        var servers = arguments.nameservers
        for server in arguments.addresses.flatMap(\.nameservers) where !servers.contains(server) {
            servers.append(server)
        }
        return servers
    }
}
