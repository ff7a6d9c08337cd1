package import HostModel

/// What the console shows of the node at one moment.
package struct NodeSnapshot: Hashable, Sendable {
    package var hostName: HostName?
    package var links: [ObservedLink]
    package var network: BootNetworkReport?
    package var registration: RegisterReport?
    package var configuration: NodeConfiguration
    /// A sentence of the agent that serves the engine; `nil` while it does not run.
    package var agent: String?

    package init(
        hostName: HostName? = nil,
        links: [ObservedLink] = [],
        network: BootNetworkReport? = nil,
        registration: RegisterReport? = nil,
        configuration: NodeConfiguration = NodeConfiguration(),
        agent: String? = nil
    ) {
        (self.hostName, self.links, self.network) = (hostName, links, network)
        (self.registration, self.configuration, self.agent) = (registration, configuration, agent)
    }

    package var isRegistered: Bool { registration?.state == .approved }
}
