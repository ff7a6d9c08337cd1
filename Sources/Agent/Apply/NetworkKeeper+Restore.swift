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
        defer { isRestoring = false }
        do {
            guard try isForced || settings.run.read(Self.restoredName) == nil else { return [] }
            // Whoever has the lock makes a change now, and has forgotten the former boot before it.
            if !isForced, let lock = try NetworkLock.take(in: settings.run) { try forgetFormerBoot(holding: lock) }
            var failures: [String] = []
            do { failures = try await bringBack(isForced: isForced) } catch let error as Postponed {
                // Not marked: the next start of `apply` does it.
                logger.error("the committed networks were not restored: \(error)")
                return ["\(error)"]
            } catch {
                failures = ["the committed networks could not be restored: \(error)"]
            }
            for failure in failures { logger.error("\(terminalEscaped(failure))") }
            // Afterwards, so that an `apply` that is killed in the middle does it at its next start.
            guard try !isFormerBootKept() else { return failures }
            try settings.run.write([], to: Self.restoredName)
            return failures
        } catch {
            logger.error("it is not kept that the networks were restored: \(terminalEscaped("\(error)"))")
            return ["\(error)"]
        }
    }

    /// Nothing went wrong with the networks; it is not their time.
    private enum Postponed: Error, CustomStringConvertible {
        case locked(NetworkLock.Taken)
        case changing
        case stopped

        var description: String {
            switch self {
            case .locked(let error): error.description
            case .changing: "another network change is running"
            case .stopped: "this program was stopped"
            }
        }
    }

    /// While it is there, a restoration was begun and has not ended.
    private static let restoringName = "networks-restoring"
    private static let restoredName = "networks-restored"
    /// Written at the first start of a boot.
    private static let bootName = "networks-of-this-boot"
    /// How long the boot network is waited for, in seconds: a switch's spanning tree, and DHCP.
    private static let bootNetworkSeconds = 120

    private func bringBack(isForced: Bool) async throws -> [String] {
        if !isForced {
            guard try isToBeRestored() else { return [] }
            isRestoring = true
            await bootNetwork()
        }
        guard !Task.isCancelled else { throw Postponed.stopped }
        guard try isForced || isToBeRestored() else { return [] }
        guard !isChanging else { throw Postponed.changing }
        isChanging = true
        defer { isChanging = false }
        let lock: NetworkLock
        do {
            lock = try await NetworkLock.await(in: settings.run, seconds: settings.networkLockSeconds) { [logger] in
                logger.warning("another program changes the network; the committed networks wait for it")
            }
        } catch let error as NetworkLock.Taken {
            throw Postponed.locked(error)
        } catch is CancellationError {
            throw Postponed.stopped
        }
        try await recover(holding: lock)
        // What the other one made is the engine's or a person's will, and newer.
        guard try isForced || isToBeRestored() else { return [] }
        // A kill between two parts leaves some of them standing: the next start goes on all the same.
        try settings.run.write([], to: Self.restoringName)
        let (committed, unreadable) = try persistent.readable()
        let failures = unreadable.map(\.sentence) + (try await bringBack(committed))
        guard !Task.isCancelled else { throw Postponed.stopped }
        try settings.run.remove(Self.restoringName)
        return failures
    }

    /// From here on until `restore` has ended nothing is changed or committed: what runs is not what is to be kept.
    /// What can not be told is said by `restore`.
    func expectRestoration() {
        isRestoring = (try? settings.run.read(Self.restoredName) == nil && isToBeRestored()) ?? false
    }

    private func isToBeRestored() throws -> Bool {
        let none = OwnedNetworks()
        let isBegun = try settings.run.read(Self.restoringName) != nil
        guard try isBegun || isFormerBootKept() || owned(running) == none else { return false }
        return try owned(persistent) != none || !lost.isEmpty
    }

    /// Where /var outlives a boot, as on a server, what ran before it still stands in the running configuration, and would be
    /// taken for what runs now. Not told by times: the clock may have been wrong in either boot. Done by whoever changes the
    /// network first, under its lock: what a change of this boot has put in force is not forgotten.
    func forgetFormerBoot(holding _: borrowing NetworkLock) throws {
        guard try isFormerBootKept() else { return }
        try running.restore(nil)
        running.sweep()
        try settings.run.write([], to: Self.bootName)
    }

    /// An older agent restored without keeping that it had forgotten.
    private func isFormerBootKept() throws -> Bool {
        try settings.run.read(Self.bootName) == nil && settings.run.read(Self.restoredName) == nil
    }

    /// Gives what could not be restored.
    private func bringBack(_ committed: OwnedNetworks) async throws -> [String] {
        let then = cards.value(NICNames.self, in: Self.cardsName) ?? NICNames()
        let onCards = committed.following(then, to: NICNames(try runner.state())).networks
        let functionless = try await bringBackFunctions(onCards)
        let state = try runner.state()
        let (present, told) = committed.following(then, to: NICNames(state))
        for sentence in told { logger.warning("\(terminalEscaped(sentence))") }
        var (kept, lost) = present.available(in: state)
        lost = functionless + lost

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
        guard settings.waitsForBootNetwork else { return }
        for _ in 0..<Self.bootNetworkSeconds {
            let report = settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
            if report?.stage == .done || report?.stage == .failed { return }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
        }
    }
}
