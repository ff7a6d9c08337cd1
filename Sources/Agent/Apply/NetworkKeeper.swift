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
    let settings: ApplySettings
    let runner: StepRunner
    private let journal: UndoJournal
    let running: NetworkConfiguration
    let persistent: NetworkConfiguration
    private let hooks: NetworkHooks
    let logger: Logger
    var isChanging = false
    /// Committed networks wait for the boot network, or come back.
    var isRestoring = false
    private var wasHeard = false
    /// What was last read or written of a configuration, by its root.
    private var cache: [FilePath: (tree: String, owned: OwnedNetworks)] = [:]
    /// What of the committed configuration could not be read.
    private(set) var lost: [UnreadableEntity] = []
    /// What was last found, and of what: an engine asks often, and little changes.
    private var lastDrift: (tree: String?, state: NetworkState, drift: NetworkDrift)?
    /// What was last answered, and of what.
    private var lastOwnership: (facts: OwnershipFacts, report: NetworkOwnership)?
    /// Where the engine's voice goes while a change waits for it.
    var listener: AsyncStream<Void>.Continuation?

    package init(_ settings: ApplySettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
        runner = StepRunner(settings, logger: logger)
        hooks = NetworkHooks(root: settings.hooks, run: settings.run, logger: logger)
        journal = UndoJournal(in: settings.run)
        running = .running(in: settings.networkConfiguration)
        persistent = .persistent(in: settings.networkConfiguration)
    }

    /// Takes back a change that an earlier process did not finish.
    package func recover() async throws {
        // Whoever has the lock makes a change now, and looks for unfinished ones himself.
        guard let lock = try NetworkLock.take(in: settings.run) else { return }
        // A disk that takes nothing is no reason to be of no use at all.
        do { try forgetFormerBoot(holding: lock) } catch {
            logger.error("the networks of the former boot are not forgotten: \(terminalEscaped("\(error)"))")
        }
        try await takeBackUnfinished(holding: lock)
        // Those of networks that stand since before this program knew of roles. What cannot be read is said by whoever needs it.
        guard !running.isOlderThanBoot, let owned = try? owned(running) else { return }
        do { try LeaseRoles(owned).write(to: settings.run) } catch {
            logger.warning("the roles of leases are not kept: \(terminalEscaped("\(error)"))")
        }
    }

    func recover(holding lock: borrowing NetworkLock) async throws {
        try forgetFormerBoot(holding: lock)
        try await takeBackUnfinished(holding: lock)
    }

    private func takeBackUnfinished(holding _: borrowing NetworkLock) async throws {
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
        try await alone { try await change(call) }
    }

    /// Changes something while nobody else does, and after whatever was left unfinished was taken back.
    func alone(_ body: () async throws -> Void) async throws(RPCError) {
        guard !isRestoring else { throw Self.recovering }
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
            try await body()
        } catch let error as RPCError {
            throw error
        } catch let error as NetworkRefusal {
            throw RPCError(.init(rawValue: error.code.rawValue), error.description)
        } catch {
            logger.error("the network change failed: \(terminalEscaped("\(error)"))")
            throw RPCError(.unexpected, "The network change failed: \(error)")
        }
    }

    /// Beside the committed networks: which card stood behind each name.
    static let cardsName = "nics.json"

    var cards: NodeDirectory { NodeDirectory(persistent.root.removingLastComponent()) }

    private static let recovering = RPCError(
        .recovering,
        "The committed networks are being restored; try again when that has ended"
    )

    /// Makes the running configuration the one of the next boot.
    package func commit() throws(RPCError) {
        // What runs now is not what is to be kept.
        guard !isRestoring else { throw Self.recovering }
        guard !isChanging else {
            throw RPCError(.resourceUnavailable, "A network change is running; commit when it has ended")
        }
        do {
            // Another program's change may yet be taken back.
            guard let lock = try NetworkLock.take(in: settings.run) else {
                throw RPCError(.resourceUnavailable, "Another program changes the network; commit when it has ended")
            }
            try keep(try owned(running))
            _ = consume lock
        } catch let error as RPCError {
            throw error
        } catch {
            throw RPCError(.unexpected, "The network configuration could not be kept: \(error)")
        }
    }

    private func keep(_ networks: OwnedNetworks) throws {
        // Before the networks: with names that are too new nothing is taken for another card.
        try cards.make(permissions: .directory)
        try cards.write(value: NICNames(try runner.state()), to: Self.cardsName)
        try persistent.save(networks, instead: try owned(persistent))
        persistent.sweep()
        cache[persistent.root] = persistent.tree.map { ($0, networks) }
        lost = []
    }

    /// A configuration, read again only when another directory is in force. Of what was committed, what can be read: the rest
    /// is said when it is restored, and gone with the next commit.
    func owned(_ configuration: NetworkConfiguration) throws -> OwnedNetworks {
        let tree = configuration.tree
        if let known = cache[configuration.root], known.tree == tree { return known.owned }
        let owned: OwnedNetworks
        if configuration.root == persistent.root {
            (owned, lost) = try configuration.readable()
        } else {
            owned = try configuration.owned()
        }
        cache[configuration.root] = tree.map { ($0, owned) }
        return owned
    }

    package func ownership() throws -> NetworkOwnership {
        let (owned, kept, state) = (try owned(running), try owned(persistent), try runner.state())
        var drift = drift(of: owned, in: state)
        if !isChanging {
            for (nic, line) in functionDrift(of: owned) { drift.add(line, to: nic) }
            for network in owned.networks.values where network.addressing6.dhcp && !state.hasDHCP6Program {
                drift.add(DHCP6Clients.missing, to: network.name)
            }
        }
        let facts = OwnershipFacts(
            trees: [running.tree, persistent.tree],
            state: (state.dhcpClients, state.nameservers),
            isChanging: isChanging,
            isRestoring: isRestoring,
            drift: drift,
            lost: lost
        )
        if let last = lastOwnership, last.facts == facts { return last.report }
        var report = NetworkOwnership()
        report.networks = owned.networks.mapValues(\.canonical)
        report.dhcpClients = state.dhcpClients.sorted()
        report.nameservers = state.nameservers
        report.isChanging = isChanging || isRestoring
        report.isDirty = isChanging || kept != owned
        report.drift = drift
        for entity in lost where owned.networks[entity.name] == nil && owned.bonds[entity.name] == nil {
            report.drift.add(entity.sentence, to: entity.name)
        }
        report.revision = UniqueID.random().rawValue
        lastOwnership = (facts, report)
        return report
    }

    /// What is not as the configuration says; nothing while a change is on its way.
    private func drift(of owned: OwnedNetworks, in state: NetworkState) -> NetworkDrift {
        guard !isChanging else { return NetworkDrift() }
        if let known = lastDrift, known.state == state, known.tree == running.tree { return known.drift }
        let drift = NetworkDrift(of: owned, in: state)
        lastDrift = (running.tree, state, drift)
        return drift
    }

    /// What a call would do; nothing is changed.
    package func plan(_ call: SetupNetworksParameters) throws -> NetworkPlan {
        let (owned, state) = (try owned(running), try runner.state())
        let change = try NetworkChange(networks: call.networks, bondings: call.bondings, owned: owned, state: state)
        try DHCP6Clients.check(change, on: state)
        return NetworkPlan.change(change, owned: owned, from: state)
    }

    /// Starts the DHCP clients that fell.
    package func tendDHCPClients() async {
        guard !isChanging, let owned = try? owned(running), let state = try? runner.state() else { return }
        let asking6 = owned.networks.values.filter(\.addressing6.dhcp)
        for link in runner.dhcp6.tidy(keeping: Set(asking6.map(\.carrier))) { try? runner.dropLeases6(of: link) }
        for network in asking6 where state.hasDHCP6Program {
            guard let link = state.links[network.carrier], link.ipv6.isEnabled, !state.dhcp6Clients.contains(link.name)
            else { continue }
            logger.warning("the DHCPv6 client on \(link.name) has ended; starting another")
            await runner.performAll([.startDHCP6(link: link.name)])
        }
        for network in owned.networks.values where network.addressing == .dhcp {
            guard state.links[network.carrier] != nil, !state.dhcpClients.contains(network.carrier) else { continue }
            logger.warning("the DHCP client on \(network.carrier) has ended; starting another")
            await runner.performAll([.startDHCP(link: network.carrier)])
        }
    }

    private func change(_ asked: SetupNetworksParameters) async throws {
        // What is wrong with a call no hook hears of.
        let change = try checked(asked)
        let call = try await hooks.run(.before, with: asked)
        do {
            // A hook may have changed more than the call.
            let change = hooks.hasAny(.before) ? try checked(call) : change
            try await perform(change.change, owned: change.owned, from: change.state, call)
        } catch {
            _ = try? await hooks.run(.failed, with: call)
            throw error
        }
        _ = try? await hooks.run(.after, with: call)
    }

    private func checked(
        _ call: SetupNetworksParameters
    ) throws -> (change: NetworkChange, owned: OwnedNetworks, state: NetworkState) {
        let (owned, state) = (try owned(running), try runner.state())
        let change = try NetworkChange(networks: call.networks, bondings: call.bondings, owned: owned, state: state)
        try DHCP6Clients.check(change, on: state)
        return (change, owned, state)
    }

    func perform(
        _ change: NetworkChange,
        owned: OwnedNetworks,
        from state: NetworkState,
        _ call: SetupNetworksParameters
    ) async throws {
        let options = call.options
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
            try await awaitLeases(of: change, call)
            if options.connectivityCheck { try await awaitEngine(seconds: options.connectivityTimeout, plan) }
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
            try LeaseRoles(desired).write(to: settings.run)
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
        try putInForce(desired, instead: owned)
    }

    /// The running configuration is the one that is wanted.
    func putInForce(_ desired: OwnedNetworks, instead owned: OwnedNetworks) throws {
        try running.save(desired, instead: owned)
        cache[running.root] = running.tree.map { ($0, desired) }
    }

    /// So many are named in an answer.
    static let deviationsMax = 10
    /// The way back is planned anew, from what is there, this often.
    private static let waysBackMax = 3

    /// `blockingdhcp`: the call ends when the lease is there.
    private func awaitLeases(of change: NetworkChange, _ call: SetupNetworksParameters) async throws {
        let blocking = change.wanted.filter { network in
            (network.addressing == .dhcp || network.addressing6.dhcp)
                && call.networks[network.name]?["blockingdhcp"]?.boolean == true
        }
        var missing = blocking
        let deadline = ContinuousClock.now + .seconds(settings.leaseSeconds)
        while ContinuousClock.now < deadline {
            guard !missing.isEmpty else { return }
            let links = try runner.state().links
            missing = missing.filter { !(links[$0.carrier]?.hasLeases(of: $0) ?? false) }
            if !missing.isEmpty { try await Task.sleep(for: Self.leasePause) }
        }
        guard let network = missing.first else { return }
        throw RPCError(
            .failedIfup,
            "No DHCP server answered on \(network.carrier), which \(network.name) asked to wait for"
        )
    }

    private static let leasePause = Duration.milliseconds(200)

    private func takeBack(_ entry: UndoJournal.Entry) async throws {
        // The way back is the kernel's; what leases may do is no reason to stop on it.
        if let former = try? NetworkConfiguration(entry.tree, beside: running).owned() {
            try? LeaseRoles(former).write(to: settings.run)
        }
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
}
