import Glibc
import HostModel
import Logging
import Netlink

/// Does the steps of a plan: the kernel's by netlink, DHCP clients by their programs, resolvers by their file.
struct StepRunner: Sendable {
    let settings: ApplySettings
    let dhcp: DHCPClients
    let dhcp6: DHCP6Clients
    let logger: Logger

    init(_ settings: ApplySettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
        dhcp = DHCPClients(settings)
        dhcp6 = DHCP6Clients(settings)
    }

    /// The kernel's state with what runs on it.
    func state() throws -> NetworkState {
        var state = try KernelSnapshot.read().state
        state.dhcpClients = dhcp.running(among: state.links.keys)
        state.hasDHCP6Program = dhcp6.isInstalled
        state.dhcp6Clients = dhcp6.running(among: state.links.keys)
        state.nameservers = try ResolverFile(settings.resolvConf).nameservers()
        return state
    }

    /// Stops at the first step that fails; steps of the kernel behind it may have been done too.
    func perform(_ steps: [NetworkStep]) async throws {
        var rest = steps[...]
        while !rest.isEmpty {
            let batch = rest.prefix(while: KernelNetwork.takes)
            if batch.isEmpty, let step = rest.first {
                try await performOther(step)
                rest = rest.dropFirst()
            } else {
                var kernel = try KernelNetwork.open()
                try kernel.apply(batch)
                for step in batch { logger.info("\(step)") }
                rest = rest.dropFirst(batch.count)
            }
        }
    }

    /// Does every step, whatever fails; what fails, but for what is there or gone already, is logged.
    func performAll(_ steps: [NetworkStep]) async {
        var rest = steps[...]
        while !rest.isEmpty {
            let batch = rest.prefix(while: KernelNetwork.takes)
            rest = rest.dropFirst(max(batch.count, 1))
            do {
                if batch.isEmpty, let step = steps.dropLast(rest.count).last {
                    try await performOther(step)
                } else {
                    var kernel = try KernelNetwork.open()
                    for failure in kernel.applyAll(batch) where !failure.error.isMoot { log(failure.error) }
                }
            } catch {
                log(error)
            }
        }
    }

    private func log(_ error: any Error) { logger.error("a step back failed: \(terminalEscaped("\(error)"))") }

    /// A client that died, or that was started again after another had, does not take its address along.
    func dropLeases6(of link: String) throws {
        let leased = try KernelSnapshot.readLinks().state.links[link]?.leased6 ?? []
        guard !leased.isEmpty else { return }
        var kernel = try KernelNetwork.open()
        let steps = leased.map { NetworkStep.removeAddress(link: link, address: .v6($0)) }
        for failure in kernel.applyAll(steps) where !failure.error.isMoot { log(failure.error) }
    }

    private func performOther(_ step: NetworkStep) async throws {
        logger.info("\(step)")
        switch step {
        case .startDHCP(let link):
            let links = try KernelSnapshot.read().state.links
            try await dhcp.start(on: link, addresses: links[link]?.addresses ?? [], links: links.keys)
        case .stopDHCP(let link): try await dhcp.stop(on: link)
        case .startDHCP6(let link): try await dhcp6.start(on: link)
        case .stopDHCP6(let link):
            try await dhcp6.stop(on: link)
            try dropLeases6(of: link)
        case .setNameservers(let servers): try ResolverFile(settings.resolvConf).write(servers)
        default: break
        }
    }
}

extension NetlinkError {
    /// Nothing was left to do.
    fileprivate var isMoot: Bool { cause == .exists || cause == .missing }
}
