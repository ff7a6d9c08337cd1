package import AgentWire
import HostModel
import Logging
import NIOPosix

// Virtual functions of network cards (SR-IOV): VDSM's hostdevChangeNumvfs, and what it keeps of them.

extension NetworkKeeper {
    /// Gives a card so many functions, and keeps it in the running configuration; a commit makes it the one of the next boot.
    package func changeVirtualFunctions(_ order: VirtualFunctionsOrder) async throws(RPCError) {
        try await alone {
            let card = NetworkCard(order.device, sysfs: settings.sysfs)
            guard let link = card.link else {
                throw RPCError(
                    .badNIC,
                    "\(order.device) is no network card of this host; Host.getCapabilities names them"
                )
            }
            let former = try owned(running)
            let before = card.functionCounts?.now ?? 0
            try await setFunctions(order.count, of: card, link)
            var wanted = former
            wanted.virtualFunctions[link] = order.count
            do { try putInForce(wanted, instead: former) } catch {
                try? await setFunctions(before, of: card, link)
                throw error
            }
        }
    }

    /// At the start of the machine, before the networks: some may stand on functions. Gives what failed, a sentence each.
    func bringBackFunctions(_ committed: OwnedNetworks) async throws -> [String] {
        guard !committed.virtualFunctions.isEmpty else { return [] }
        let former = try owned(running)
        var (wanted, failures, isChanged) = (former, [String](), false)
        wanted.virtualFunctions.merge(committed.virtualFunctions) { $1 }
        if wanted != former { try putInForce(wanted, instead: former) }
        for (link, count) in committed.virtualFunctions.sorted(by: { $0.key < $1.key }) {
            do {
                guard let card = NetworkCard(link: link, sysfs: settings.sysfs) else {
                    throw RPCError(.badNIC, "this host has no such card")
                }
                guard card.functionCounts?.now != count else { continue }
                try await setFunctions(count, of: card, link)
                isChanged = true
            } catch {
                let reason = (error as? RPCError)?.message ?? "\(error)"
                failures.append("the virtual functions of \(link) could not be restored: \(reason)")
            }
        }
        if isChanged { try await awaitLinks(of: committed) }
        return failures
    }

    /// The driver of a function may be loaded only now. What does not come is said with the networks that miss it.
    private func awaitLinks(of committed: OwnedNetworks) async throws {
        let onNICs = committed.networks.values.compactMap { network in
            if case .nic(let nic)? = network.southbound { nic } else { nil }
        }
        var missing = Set(onNICs + committed.bonds.values.flatMap(\.nics))
        let deadline = ContinuousClock.now + .seconds(settings.functionSeconds)
        while true {
            missing.subtract(try runner.state().links.keys)
            guard !missing.isEmpty, ContinuousClock.now < deadline else { return }
            try await Task.sleep(for: Self.linkPause)
        }
    }

    private static let linkPause = Duration.milliseconds(200)

    private func setFunctions(_ count: Int, of card: NetworkCard, _ link: String) async throws {
        guard let (now, max) = card.functionCounts else {
            throw RPCError(.badNIC, "\(link) cannot have virtual functions: its card or driver has no SR-IOV")
        }
        guard count <= max else {
            throw RPCError(.badParameters, "\(link) can have 0 to \(max) virtual functions, not \(count)")
        }
        guard count != now else { return }
        if now > 0 { try checkFree(card, link) }
        logger.notice("virtual functions: \(now) become \(count)", metadata: ["nic": "\(link)"])
        do { try await NIOThreadPool.singleton.runIfActive { try card.setFunctions(count) } } catch {
            throw RPCError(.failedIfup, "\(link): \(error)")
        }
    }

    /// All functions go before others come. One in use would take its network or its guest's card along, and the kernel waits
    /// for ever for one that a guest has.
    private func checkFree(_ card: NetworkCard, _ link: String) throws {
        let functions = card.functions
        if let taken = functions.first(where: \.isHandedOut) {
            throw RPCError(
                .usedNIC,
                "The virtual function \(taken.address) of \(link) is a guest's (vfio-pci): stop the guest first"
            )
        }
        let (links, owned) = (try runner.state().links, try owned(running))
        let bases = Set(links.values.compactMap(\.vlanBase) + owned.networks.values.compactMap { $0.southbound?.link })
        for name in functions.compactMap(\.link) {
            guard bases.contains(name) || links[name]?.master != nil else { continue }
            throw RPCError(
                .usedNIC,
                "\(name) is a virtual function of \(link), and a network, bond or VLAN stands on it: detach that first"
            )
        }
    }

    /// What the cards have that was not asked for, by nic.
    func functionDrift(of owned: OwnedNetworks) -> [(nic: String, difference: String)] {
        owned.virtualFunctions.sorted { $0.key < $1.key }.compactMap { nic, count in
            let now = NetworkCard(link: nic, sysfs: settings.sysfs)?.functionCounts?.now ?? 0
            return now == count ? nil : (nic, "give \(nic) \(count) virtual functions; it has \(now)")
        }
    }
}
