package import AgentWire
import HostModel
package import Logging

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
        guard let entry = try journal.read() else { return }
        logger.warning("an unfinished network change is taken back")
        try await takeBack(entry)
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
            try await change(call)
        } catch let error as RPCError {
            throw error
        } catch let error as NetworkRefusal {
            throw RPCError(.init(rawValue: error.code.rawValue), error.message)
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
        do { try persistent.save(try running.networks()) } catch {
            throw RPCError(.unexpected, "The network configuration could not be kept: \(error)")
        }
    }

    package func ownership() throws -> NetworkOwnership {
        let (owned, state) = (try running.networks(), try runner.state())
        var report = NetworkOwnership()
        report.networks = owned.mapValues(\.canonical)
        report.dhcpClients = state.dhcpClients.sorted()
        report.nameservers = state.nameservers
        report.isDirty = try isChanging || persistent.networks() != owned
        return report
    }

    /// Starts the DHCP clients that fell.
    package func tendDHCPClients() async {
        guard !isChanging, let owned = try? running.networks(), let state = try? runner.state() else { return }
        for network in owned.values where network.addressing == .dhcp {
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
            try settings.run.write([], to: Self.restoredName)
            guard try running.networks().isEmpty, !(try persistent.networks().isEmpty) else { return }
            await bootNetwork()
            let kept = try persistent.networks()
            guard !isChanging, try running.networks().isEmpty else { return }
            isChanging = true
            defer { isChanging = false }
            var change = try NetworkChange(networks: [:], bondings: [:], owned: [:], state: try runner.state())
            (change.wanted, change.desired) = (kept.sorted { $0.key < $1.key }.map(\.value), kept)
            var options = SetupNetworksParameters.Options()
            options.connectivityCheck = false
            try await perform(change, owned: [:], from: try runner.state(), options)
            logger.notice("the committed networks stand again", metadata: ["networks": "\(kept.keys.sorted())"])
        } catch {
            logger.error("the committed networks could not be restored: \(terminalEscaped("\(error)"))")
        }
    }

    private static let restoredName = "networks-restored"
    /// How long the boot network is waited for, in seconds: a switch's spanning tree, and DHCP.
    private static let bootNetworkSeconds = 120

    private func bootNetwork() async {
        for _ in 0..<Self.bootNetworkSeconds {
            let report = settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
            if report?.stage == .done || report?.stage == .failed { return }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func change(_ call: SetupNetworksParameters) async throws {
        let (owned, state) = (try running.networks(), try runner.state())
        let change = try NetworkChange(networks: call.networks, bondings: call.bondings, owned: owned, state: state)
        logger.notice("network change", metadata: ["networks": "\(call.networks.keys.sorted())"])
        try await perform(change, owned: owned, from: state, call.options)
    }

    private func perform(
        _ change: NetworkChange,
        owned: [String: WantedNetwork],
        from state: NetworkState,
        _ options: SetupNetworksParameters.Options
    ) async throws {
        let plan = NetworkPlan.change(change, owned: owned, from: state)
        logger.notice("network change: \(plan.steps.count) steps")
        let entry = UndoJournal.Entry(undo: plan.undo, networks: owned.mapValues(\.canonical))
        try journal.write(entry)
        do {
            try await runner.perform(plan.steps)
            let deviations = plan.deviations(in: try runner.state())
            guard deviations.isEmpty else {
                throw RPCError(.failedIfup, "The kernel did not take the change: \(deviations.joined(separator: "; "))")
            }
            try running.save(change.desired)
            if options.connectivityCheck { try await awaitEngine(seconds: options.connectivityTimeout) }
            // From here on a killed `apply` leaves the change as it is: the engine has been heard.
            try journal.clear()
            if options.commitOnSuccess { try persistent.save(change.desired) }
        } catch {
            logger.warning("the network change is taken back: \(terminalEscaped("\(error)"))")
            // In a task of its own: a service that is told to stop in the middle still goes all the way back.
            try await Task { try await self.takeBack(entry) }.value
            throw error
        }
    }

    private func takeBack(_ entry: UndoJournal.Entry) async throws {
        await runner.performAll(entry.undo)
        var networks: [String: WantedNetwork] = [:]
        for (name, attributes) in entry.networks {
            networks[name] = try WantedNetwork(name: name, canonical: attributes)
        }
        try running.save(networks)
        try journal.clear()
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
