import Glibc
import HostModel
import Logging
import Netlink

/// Does the steps of a plan: the kernel's by netlink, DHCP clients by their programs, resolvers by their file.
struct StepRunner: Sendable {
    let settings: ApplySettings
    let dhcp: DHCPClients
    let logger: Logger

    init(_ settings: ApplySettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
        dhcp = DHCPClients(settings)
    }

    /// The kernel's state with what runs on it.
    func state() throws -> NetworkState {
        var state = try KernelSnapshot.read().state
        state.dhcpClients = dhcp.running(among: state.links.keys)
        state.nameservers = try ResolverFile(settings.resolvConf).nameservers()
        return state
    }

    /// Stops at the first step that fails.
    func perform(_ steps: [NetworkStep]) async throws {
        for step in steps { try await perform(step) }
    }

    /// Does every step, whatever fails: the undo of a change that was not finished meets links and addresses that are
    /// not there, or there already. What fails otherwise is logged.
    func performAll(_ steps: [NetworkStep]) async {
        for step in steps {
            do {
                try await perform(step)
            } catch let error as NetlinkError where error.cause == .exists || error.cause == .missing {
                continue
            } catch {
                logger.error("a step back failed: \(terminalEscaped("\(error)"))")
            }
        }
    }

    private func perform(_ step: NetworkStep) async throws {
        logger.info("\(step)")
        switch step {
        case .startDHCP(let link):
            let links = try KernelSnapshot.read().state.links
            try await dhcp.start(on: link, addresses: links[link]?.addresses ?? [], links: links.keys)
        case .stopDHCP(let link): try await dhcp.stop(on: link)
        case .setNameservers(let servers): try ResolverFile(settings.resolvConf).write(servers)
        default: _ = try KernelNetwork.open().apply(step)
        }
    }
}
