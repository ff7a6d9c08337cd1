package import AgentWire
package import HostModel
package import Logging
import Netlink
import SystemPackage

/// Changes the host's networks, one change at a time, and takes back what the engine can not reach.
///
/// A change: plan -> undo to disk -> steps -> fresh dump compared -> the engine's voice within its time -> commit if asked
/// for. Whatever fails, and also when this process is killed, the previous state comes back.
package actor NetworkKeeper {
    private let settings: ApplySettings
    private let runner: StepRunner
    private let journal: UndoJournal
    private let running: NetworkConfiguration
    private let persistent: NetworkConfiguration
    private let logger: Logger
    private var isChanging = false
    private var wasHeard = false
    /// What was last read or written of a configuration, by its root.
    private var cache: [FilePath: (tree: String, owned: OwnedNetworks)] = [:]
    /// Where the engine's voice goes while a change waits for it.
    private var listener: AsyncStream<Void>.Continuation?

    package init(_ settings: ApplySettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
        runner = StepRunner(settings, logger: logger)
        journal = UndoJournal(in: settings.run)
        running = .running(in: settings.networkConfiguration)
        persistent = .persistent(in: settings.networkConfiguration)
    }

    /// Takes back a change that an earlier process did not finish.
    package func recover() async throws {
        // Whoever has the lock makes a change now, and looks for unfinished ones himself.
        guard let lock = try NetworkLock.take(in: settings.run) else { return }
        try await recover(holding: lock)
    }

    private func recover(holding lock: borrowing NetworkLock) async throws {
        if let entry = try journal.read() {
            logger.warning("an unfinished network change is taken back")
            try await takeBack(entry)
        }
        for configuration in [running, persistent] { configuration.sweep() }
    }

    /// The engine was heard.
    package func confirm() {
        listener?.yield()
        guard !wasHeard else { return }
        wasHeard = (try? settings.run.write([], to: Self.heardName)) != nil
    }

    /// Beside the files of this boot, once the engine was heard: what confirms a slot on trial.
    static let heardName = "engine-heard"

    package func setupNetworks(_ call: SetupNetworksParameters) async throws(RPCError) {
        guard !isChanging else {
            throw RPCError(.resourceUnavailable, "Another network change is running; try again when it has ended")
        }
        isChanging = true
        defer { isChanging = false }
        do {
            guard let lock = try NetworkLock.take(in: settings.run) else {
                throw RPCError(.resourceUnavailable, "Another program changes the network; try again when it has ended")
            }
            try await recover(holding: lock)
            try await change(call)
        } catch let error as RPCError {
            throw error
        } catch let error as NetworkRefusal {
            throw RPCError(.init(rawValue: error.code.rawValue), error.description)
        } catch {
            logger.error("the network change failed: \(terminalEscaped("\(error)"))")
            throw RPCError(.unexpected, "The network change failed: \(error)")
        }
    }

    /// Makes the running configuration the one of the next boot.
    package func commit() throws(RPCError) {
        guard !isChanging else {
            throw RPCError(.resourceUnavailable, "A network change is running; commit when it has ended")
        }
        do { try keep(try owned(running)) } catch {
            throw RPCError(.unexpected, "The network configuration could not be kept: \(error)")
        }
    }

    private func keep(_ networks: OwnedNetworks) throws {
        try persistent.save(networks, instead: try owned(persistent))
        persistent.sweep()
        cache[persistent.root] = persistent.tree.map { ($0, networks) }
    }

    /// A configuration, read again only when another directory is in force.
    private func owned(_ configuration: NetworkConfiguration) throws -> OwnedNetworks {
        let tree = configuration.tree
        if let known = cache[configuration.root], known.tree == tree { return known.owned }
        let owned = try configuration.owned()
        cache[configuration.root] = tree.map { ($0, owned) }
        return owned
    }

    package func ownership() throws -> NetworkOwnership {
        let (owned, state) = (try owned(running), try runner.state())
        var report = NetworkOwnership()
        report.networks = owned.networks.mapValues(\.canonical)
        report.dhcpClients = state.dhcpClients.sorted()
        report.nameservers = state.nameservers
        report.isDirty = try isChanging || self.owned(persistent) != owned
        return report
    }

    /// What a call would do; nothing is changed.
    package func plan(_ call: SetupNetworksParameters) throws -> NetworkPlan {
        let (owned, state) = (try owned(running), try runner.state())
        let change = try NetworkChange(networks: call.networks, bondings: call.bondings, owned: owned, state: state)
        return NetworkPlan.change(change, owned: owned, from: state)
    }

    /// Starts the DHCP clients that fell.
    package func tendDHCPClients() async {
        guard !isChanging, let owned = try? owned(running), let state = try? runner.state() else { return }
        for network in owned.networks.values where network.addressing == .dhcp {
            guard state.links[network.carrier] != nil, !state.dhcpClients.contains(network.carrier) else { continue }
            logger.warning("the DHCP client on \(network.carrier) has ended; starting another")
            await runner.performAll([.startDHCP(link: network.carrier)])
        }
    }

    /// At the start of the machine: the networks that were committed stand again, once the boot network does. The engine is
    /// not asked: it agreed to them when it committed them. What fails is taken back, and the boot network stays.
    package func restore() async {
        do {
            // Once a boot: what was taken away since, and not committed, stays away when `apply` is started again.
            guard try settings.run.read(Self.restoredName) == nil else { return }
            try forgetFormerBoot()
            do { try await bringBack() } catch {
                logger.error("the committed networks could not be restored: \(terminalEscaped("\(error)"))")
            }
            // Afterwards, so that an `apply` that is killed in the middle does it at its next start.
            try settings.run.write([], to: Self.restoredName)
        } catch {
            logger.error("it is not kept that the networks were restored: \(terminalEscaped("\(error)"))")
        }
    }

    /// Where /var outlives a boot, as on a server, what ran before it still stands in the running configuration, and would be
    /// taken for what runs now.
    private func forgetFormerBoot() throws {
        guard try settings.run.read(Self.bootName) == nil else { return }
        try running.restore(nil)
        running.sweep()
        try settings.run.write([], to: Self.bootName)
    }

    private func bringBack() async throws {
        let none = OwnedNetworks()
        guard try owned(running) == none, try owned(persistent) != none else { return }
        await bootNetwork()
        let kept = try owned(persistent)
        guard !isChanging, try owned(running) == none else { return }
        isChanging = true
        defer { isChanging = false }
        guard let lock = try NetworkLock.take(in: settings.run) else { return }
        try await recover(holding: lock)
        var options = SetupNetworksParameters.Options()
        options.connectivityCheck = false
        try await perform(NetworkChange(restoring: kept), owned: none, from: try runner.state(), options)
        logger.notice("the committed networks stand again", metadata: ["networks": "\(kept.networks.count)"])
    }

    private static let restoredName = "networks-restored"
    /// Written at the first start of a boot.
    private static let bootName = "networks-of-this-boot"
    /// How long the boot network is waited for, in seconds: a switch's spanning tree, and DHCP.
    private static let bootNetworkSeconds = 120

    private func bootNetwork() async {
        guard settings.waitsForBootNetwork else { return }
        for _ in 0..<Self.bootNetworkSeconds {
            let report = settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
            if report?.stage == .done || report?.stage == .failed { return }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func change(_ call: SetupNetworksParameters) async throws {
        let (owned, state) = (try owned(running), try runner.state())
        let change = try NetworkChange(networks: call.networks, bondings: call.bondings, owned: owned, state: state)
        try await perform(change, owned: owned, from: state, call.options)
    }

    private func perform(
        _ change: NetworkChange,
        owned: OwnedNetworks,
        from state: NetworkState,
        _ options: SetupNetworksParameters.Options
    ) async throws {
        let plan = NetworkPlan.change(change, owned: owned, from: state)
        logger.notice(
            "network change: \(plan.steps.count) steps",
            metadata: ["networks": "\(change.desired.networks.count)", "bonds": "\(change.desired.bonds.count)"]
        )
        let entry = UndoJournal.Entry(before: plan.before, touched: plan.touched.sorted(), tree: running.tree)
        let isNothing = plan.steps.isEmpty && change.desired == owned
        if !isNothing { try journal.write(entry) }
        do {
            if !isNothing { try await carryOut(plan, change.desired, instead: owned) }
            if options.connectivityCheck { try await awaitEngine(seconds: options.connectivityTimeout) }
        } catch {
            logger.warning("the network change is taken back: \(terminalEscaped("\(error)"))")
            // In a task of its own: a service that is told to stop in the middle still goes all the way back.
            if !isNothing { try await Task { try await self.takeBack(entry) }.value }
            throw error
        }
        // From here on a killed `apply` leaves the change as it is: the engine has been heard.
        if !isNothing { try journal.clear() }
        running.sweep()
        if options.commitOnSuccess { try keep(change.desired) }
    }

    private func carryOut(_ plan: NetworkPlan, _ desired: OwnedNetworks, instead owned: OwnedNetworks) async throws {
        do {
            try await runner.perform(plan.steps)
        } catch let error as NetlinkError {
            throw RPCError(.failedIfup, "The kernel refused the change: \(error)")
        }
        var deviations = plan.deviations(in: try runner.state())
        // The first bridge may have loaded IPv6, which nobody could turn off before.
        let late = deviations.filter(\.isAboutIPv6)
        if !late.isEmpty {
            await runner.performAll(late)
            deviations = plan.deviations(in: try runner.state())
        }
        guard deviations.isEmpty else {
            let sentences = deviations.prefix(Self.deviationsMax).map(\.description).joined(separator: "; ")
            throw RPCError(.failedIfup, "The kernel did not take the change; still to do: \(sentences)")
        }
        try running.save(desired, instead: owned)
        cache[running.root] = running.tree.map { ($0, desired) }
    }

    /// So many are named in an answer.
    private static let deviationsMax = 10
    /// The way back is planned anew, from what is there, this often.
    private static let waysBackMax = 3

    private func takeBack(_ entry: UndoJournal.Entry) async throws {
        for _ in 1...Self.waysBackMax {
            let steps = NetworkPlan.comingBack(
                from: try runner.state(),
                to: entry.before,
                touching: Set(entry.touched)
            )
            guard !steps.isEmpty else { break }
            await runner.performAll(steps)
        }
        try running.restore(entry.tree)
        running.sweep()
        try journal.clear()
        logger.notice("the network change was taken back")
    }

    /// Returns when the engine is heard. Only a voice that comes now counts: one from before the change proves nothing.
    private func awaitEngine(seconds: Int) async throws {
        let (voices, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.listener = listener
        defer { self.listener = nil }
        let isHeard = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in voices { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(seconds))
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        guard isHeard else {
            throw RPCError(
                .lostConnection,
                "connectivity check failed: the engine was not heard for \(seconds) seconds"
            )
        }
    }
}
