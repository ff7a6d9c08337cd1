import AgentWire
import HostModel
import Logging

extension NetworkKeeper {
    /// At the start of the machine: the networks that were committed stand again, once the boot network does. The engine is
    /// not asked: it agreed to them when it committed them. Once a boot, unless it is forced: what was taken away since, and
    /// not committed, stays away when `apply` is started again.
    ///
    /// Gives what could not be restored, a sentence each. One network's failure is no other's: what fails together is tried
    /// one by one.
    @discardableResult
    package func restore(isForced: Bool = false) async -> [String] {
        do {
            guard try isForced || settings.run.read(Self.restoredName) == nil else { return [] }
            var failures: [String] = []
            do { failures = try await bringBack(isForced: isForced) } catch {
                failures = ["the committed networks could not be restored: \(error)"]
            }
            for failure in failures { logger.error("\(terminalEscaped(failure))") }
            // Afterwards, so that an `apply` that is killed in the middle does it at its next start.
            try settings.run.write([], to: Self.restoredName)
            return failures
        } catch {
            logger.error("it is not kept that the networks were restored: \(terminalEscaped("\(error)"))")
            return ["\(error)"]
        }
    }

    private static let restoredName = "networks-restored"
    /// How long the boot network is waited for, in seconds: a switch's spanning tree, and DHCP.
    private static let bootNetworkSeconds = 120

    private func bringBack(isForced: Bool) async throws -> [String] {
        if !isForced {
            guard try isToBeRestored() else { return [] }
            await bootNetwork()
            guard try isToBeRestored() else { return [] }
        }
        guard !isChanging else { return ["another network change is running"] }
        isChanging = true
        defer { isChanging = false }
        guard let lock = try NetworkLock.take(in: settings.run) else { return ["another program changes the network"] }
        try await recover(holding: lock)
        // Nothing of it stands: what carries the boot network now is not to be taken for a network of then.
        if !isForced, try owned(running) != OwnedNetworks() { try running.save(OwnedNetworks()) }
        return try await bringBack(try owned(persistent))
    }

    /// A running configuration that was written before the machine started says what stood then.
    private func isToBeRestored() throws -> Bool {
        let none = OwnedNetworks()
        guard try owned(running) != none else { return try owned(persistent) != none }
        return running.isOlderThanBoot
    }

    private func bringBack(_ committed: OwnedNetworks) async throws -> [String] {
        let (kept, lost) = committed.available(in: try runner.state())
        let whole = NetworkChange(restoring: kept, instead: try owned(running))
        do {
            try await make(whole)
            logger.notice("the committed networks stand again", metadata: ["networks": "\(kept.networks.count)"])
            return lost
        } catch {
            logger.warning("the committed networks are restored one by one: \(terminalEscaped("\(error)"))")
        }
        var failures = lost
        for (name, part) in whole.parts {
            do { try await make(part.over(try owned(running))) } catch {
                failures.append("\(name) could not be restored: \(error)")
            }
        }
        return failures
    }

    private func make(_ change: NetworkChange) async throws {
        var call = SetupNetworksParameters()
        call.options.connectivityCheck = false
        try await perform(change, owned: try owned(running), from: try runner.state(), call)
    }

    private func bootNetwork() async {
        for _ in 0..<Self.bootNetworkSeconds {
            let report = settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
            if report?.stage == .done || report?.stage == .failed { return }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
