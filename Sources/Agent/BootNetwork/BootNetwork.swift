import HostModel
package import Logging
import Netlink
package import SystemPackage

/// `muster-agent boot-network` and `muster-agent lease`: brings up the network that the node needs to reach its engine.
package struct BootNetwork: Sendable {
    package struct Settings: Sendable {
        package var state: NodeDirectory
        package var run: NodeDirectory
        package var commandLine: FilePath
        package var resolverFile: FilePath
        /// How long to wait for interfaces and carriers.
        package var waitSeconds: Int

        package init(
            state: NodeDirectory,
            run: NodeDirectory,
            commandLine: FilePath,
            resolverFile: FilePath,
            waitSeconds: Int = 60
        ) {
            (self.state, self.run, self.commandLine) = (state, run, commandLine)
            (self.resolverFile, self.waitSeconds) = (resolverFile, waitSeconds)
        }
    }

    private let settings: Settings
    private let tool: NetworkTool
    private let inventory: LinkInventory
    private let logger: Logger

    package init(_ settings: Settings, tool: NetworkTool, inventory: LinkInventory = LinkInventory(), logger: Logger) {
        (self.settings, self.tool, self.inventory, self.logger) = (settings, tool, inventory, logger)
    }

    private var configuration: NodeConfiguration {
        NodeConfiguration(commandLine: settings.commandLine, state: settings.state, run: settings.run)
    }

    /// Makes the network; true when an interface carries an address in the end. A step that fails does not stop the rest:
    /// a node with half a network can still be mended.
    package func bringUp() async throws -> Bool {
        try settings.run.make(permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
        let configuration = self.configuration
        for refused in configuration.arguments.refused { logger.warning("\(refused)") }
        if let loopback = LinkName("lo") { await perform(.setUp(loopback)) }
        if let engineNetwork = inventory.links().first(where: { $0.kind == .bridge && !$0.addresses.isEmpty }) {
            logger.notice("the engine's network \(engineNetwork.name) stands; nothing to do")
            return true
        }
        let intent = NetworkIntent(configuration)
        let (chosen, remark) = try await waitForCarrier(intent)
        if let remark { logger.warning("\(remark)") }
        nameHost(configuration, leases: [], chosen: chosen)
        try writeResolverFile(configuration, leases: [])
        let plan = BootNetworkPlan(intent, chosen: chosen, hostName: NodeHostName.current())
        try report(.configuring, remark, plan)
        for step in plan.steps where !flushesHandedOver(step) { await perform(step) }
        let isDone = !addresses().isEmpty
        try report(isDone ? .done : .failed, isDone ? remark : remark ?? "no DHCP server answered yet", plan)
        return isDone
    }

    /// One event of udhcpc (`deconfig`, `bound`, `renew`, `nak`, `leasefail`), with its environment.
    package func takeLease(_ event: String, environment: [String: String]) async throws {
        guard let link = environment["interface"].flatMap({ LinkName($0) }) else { return }
        switch event {
        case "deconfig":
            // An address that `apply` moved here stays in use until the server has answered.
            if try settings.run.read(Lease.keptAddressFile(link)) != nil {
                try settings.run.remove(Lease.keptAddressFile(link))
                await perform(.setUp(link))
                return
            }
            for step in [BootNetworkStep.flushAddresses(link), .setUp(link)] { await perform(step) }
            if LeaseRoles.role(of: link, in: settings.run) != nil { route(nil, on: link) }
            try settings.run.remove(Lease.fileName(link))
        case "bound", "renew":
            guard let lease = Lease(link: link, environment: environment) else {
                logger.error("the DHCP lease for \(link) has no usable address")
                return
            }
            try await putIntoForce(lease)
        default: logger.notice("DHCP on \(link): \(terminalEscaped(event))")
        }
    }

    private func putIntoForce(_ lease: Lease) async throws {
        let before = settings.run.value(Lease.self, in: Lease.fileName(lease.link))
        if let before, before.address != lease.address { await perform(.flushAddresses(lease.link)) }
        let role = LeaseRoles.role(of: lease.link, in: settings.run)
        for step in lease.steps(role) { await perform(step) }
        if role != nil { route(lease, on: lease.link) }
        try settings.run.write(value: lease, to: Lease.fileName(lease.link))
        if before != lease {
            logger.notice("DHCP on \(lease.link): \(lease.address)")
            for route in lease.refused(role) {
                logger.warning(
                    "DHCP on \(lease.link): the route to \(route.destination) is not taken: the network has not the default route"
                )
            }
        }
        if let role { return try resolve(lease, role) }
        let leases = self.leases()
        try writeResolverFile(configuration, leases: leases)
        nameHost(configuration, leases: leases, chosen: [lease.link])
    }

    private func route(_ lease: Lease?, on link: LinkName) {
        do throws(NetlinkError) { try SourceRouting.set(lease, on: link) } catch {
            logger.error("the table of the lease on \(link) could not be set: \(terminalEscaped("\(error)"))")
        }
    }

    /// Only the network with the default route says who resolves names.
    private func resolve(_ lease: Lease, _ role: LeaseRoles.Role) throws {
        guard role.defaultRoute else { return }
        let servers = role.nameservers.isEmpty ? lease.nameservers.map(\.description) : role.nameservers
        guard !servers.isEmpty else { return }
        try ResolverFile(settings.resolverFile).write(servers)
    }

    private func leases() -> [Lease] {
        inventory.links().compactMap { settings.run.value(Lease.self, in: Lease.fileName($0.name)) }
    }

    /// An address that the initramfs handed over (`HandedOverNetwork`) stays until its DHCP client has asked again.
    private func flushesHandedOver(_ step: BootNetworkStep) -> Bool {
        guard case .flushAddresses(let link) = step else { return false }
        return ((try? settings.run.read(Lease.keptAddressFile(link))) ?? nil) != nil
    }

    private func addresses() -> [IPv4Network] {
        inventory.links().filter { $0.name.rawValue != "lo" }.flatMap(\.addresses)
    }

    private func waitForCarrier(_ intent: NetworkIntent) async throws -> ([LinkName], String?) {
        var wait = CarrierWait(intent, secondsMax: settings.waitSeconds)
        let clock = ContinuousClock()
        let start = clock.now
        var raised: Set<LinkName> = []
        while true {
            // An interface shows its carrier only when it is up, and drivers may bring new ones at any time.
            for link in inventory.links() where link.kind == .ethernet && !link.isUp && !raised.contains(link.name) {
                raised.insert(link.name)
                await perform(.setUp(link.name))
            }
            let seconds = Int(start.duration(to: clock.now).components.seconds)
            switch wait.decide(inventory.links(), seconds: seconds) {
            case .go(let chosen, let remark): return (chosen, remark)
            case .wait(let what):
                try report(.waiting, "\(what) (up to \(settings.waitSeconds) s)", nil)
                try await clock.sleep(for: .milliseconds(250))
            }
        }
    }

    private func perform(_ step: BootNetworkStep) async {
        do throws(StepFailure) { try await tool.perform(step) } catch {
            logger.error("a step of the boot network failed", metadata: ["step": "\(terminalEscaped("\(error)"))"])
        }
    }

    /// `ip=` or the console, else the DHCP server's, else one made of the MAC; the last two never replace a name that is set.
    private func nameHost(_ configuration: NodeConfiguration, leases: [Lease], chosen: [LinkName]) {
        let current = NodeHostName.current()
        let links = inventory.links()
        let made = NodeHostName.fallback(
            chosen.first.flatMap { name in links.first { $0.name == name }?.mac }
                ?? links.first { $0.kind == .ethernet }?.mac
        )
        let isNamed = current != nil && current != made
        let wanted = configuration.hostName ?? (isNamed ? current : leases.compactMap(\.hostName).first ?? made)
        guard let wanted, wanted != current else { return }
        if let reason = NodeHostName.set(wanted) { logger.error("could not set the host name: \(reason)") }
    }

    private func writeResolverFile(_ configuration: NodeConfiguration, leases: [Lease]) throws {
        let resolver = ResolverConfiguration(configured: configuration.nameservers, leases: leases)
        guard let name = settings.resolverFile.lastComponent?.string else { return }
        try NodeDirectory(settings.resolverFile.removingLastComponent()).write(Array(resolver.text.utf8), to: name)
    }

    private func report(_ stage: BootNetworkReport.Stage, _ detail: String?, _ plan: BootNetworkPlan?) throws {
        let report = BootNetworkReport(stage, detail: detail, links: plan?.assignments.map(\.link) ?? [])
        guard report != settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName) else { return }
        try settings.run.write(value: report, to: BootNetworkReport.fileName)
        if let detail { logger.notice("boot network: \(detail)") }
    }
}
