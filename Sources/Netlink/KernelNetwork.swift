internal import CNetlink
internal import Glibc
package import HostModel

/// Writes the kernel's network: the steps of a plan, in their order, with as few system calls as the order allows. Needs
/// CAP_NET_ADMIN.
package struct KernelNetwork: ~Copyable {
    private let socket: NetlinkSocket
    private var indexes: [String: Int32] = [:]
    /// Requests that wait to be sent, each with its step.
    private var pending: [(message: NetlinkMessage, step: NetworkStep)] = []
    private var failures: [(step: NetworkStep, error: NetlinkError)] = []
    /// Whether a waiting request makes a link, whose number is known only when it is done.
    private var isMaking = false

    /// As many requests go in one datagram: their answers fit into the receive buffer of a system that nobody tuned.
    private static let pendingMax = 128

    private init(socket: consuming NetlinkSocket) { self.socket = socket }

    package static func open() throws(NetlinkError) -> KernelNetwork { KernelNetwork(socket: try .connect()) }

    /// Whether a step is the kernel's; DHCP clients and resolvers are not.
    package static func takes(_ step: NetworkStep) -> Bool {
        switch step {
        case .startDHCP, .stopDHCP, .startDHCP6, .stopDHCP6, .setNameservers: false
        default: true
        }
    }

    /// Does the steps and throws what the first one that failed met. Steps after it may have been done too: the way back is
    /// planned from what a fresh snapshot shows.
    package mutating func apply(_ steps: some Sequence<NetworkStep>) throws(NetlinkError) {
        failures = []
        for step in steps {
            add(step)
            if let failure = failures.first?.error { throw failure }
        }
        flush()
        if let failure = failures.first?.error { throw failure }
    }

    /// Does every step, whatever fails, and gives what failed.
    package mutating func applyAll(
        _ steps: some Sequence<NetworkStep>
    ) -> [(step: NetworkStep, error: NetlinkError)] {
        failures = []
        for step in steps { add(step) }
        flush()
        return failures
    }

    private mutating func add(_ step: NetworkStep) {
        do throws(NetlinkError) {
            if case .setIPv6(let link, let settings) = step {
                flush()
                return try IPv6Files.write(settings, of: link, step.description)
            }
            for message in try messages(for: step) { pending.append((message, step)) }
            note(step)
            if pending.count >= Self.pendingMax { flush() }
        } catch {
            failures.append((step, error))
        }
    }

    private mutating func note(_ step: NetworkStep) {
        switch step {
        case .createBridge(let name, _, _, _), .createVLAN(let name, _, _, _), .createBond(let name, _, _, _):
            indexes[name] = nil
            isMaking = true
        case .deleteLink(let name): indexes[name] = nil
        default: break
        }
    }

    private mutating func flush() {
        guard !pending.isEmpty else { return }
        let batch = pending
        (pending, isMaking) = ([], false)
        do throws(NetlinkError) {
            let refusals = try socket.perform(batch.map(\.message))
            for (place, refusal) in refusals.sorted(by: { $0.key < $1.key }) where batch.indices.contains(place) {
                let step = batch[place].step
                let text = step.description
                let error = NetlinkError(text, errno: refusal.code, explanation: refusal.explanation)
                if !Self.isOver(step, error) { failures.append((step, error)) }
            }
        } catch {
            failures.append((batch[0].step, error))
        }
    }

    /// What routers advertised runs out by itself, also between the plan and the step.
    private static func isOver(_ step: NetworkStep, _ error: NetlinkError) -> Bool {
        guard case .removeRoute(let route) = step else { return false }
        return route.origin == RouteState.advertised && error.cause == .missing
    }

    private mutating func index(_ name: String, _ step: NetworkStep) throws(NetlinkError) -> Int32 {
        if let index = indexes[name] { return index }
        if isMaking { flush() }
        let number = Int32(if_nametoindex(name))
        guard number > 0 else { throw NetlinkError(step.description, .missing, "there is no link \(name)") }
        indexes[name] = number
        return number
    }

    private mutating func messages(for step: NetworkStep) throws(NetlinkError) -> [NetlinkMessage] {
        switch step {
        case .createBridge(let name, let mac, let mtu, let options):
            return [try .createBridge(name, mac: mac, mtu: mtu, options: options)]
        case .createVLAN(let name, let base, let id, let mtu):
            return [try .createVLAN(name, base: try index(base, step), id: id, mtu: mtu)]
        case .createBond(let name, let mac, let mtu, let options):
            let slaves = try primary(of: options, step)
            return [
                try .createBond(name, mac: mac, mtu: mtu, options: options) { slaves[$0] ?? 0 }
            ]
        case .deleteLink(let name): return [.deleteLink(try index(name, step))]
        case .setBridgeOptions(let name, let from, let to):
            return try NetlinkMessage.setBridge(try index(name, step), from: from, to: to)
        case .setBondOptions(let name, let from, let to):
            let slaves = try primary(of: to, step)
            return try NetlinkMessage.setBond(try index(name, step), from: from, to: to) { slaves[$0] ?? 0 }
        case .setMAC(let link, let mac): return [.setMAC(try index(link, step), mac)]
        case .setMTU(let link, let mtu): return [.setMTU(try index(link, step), mtu)]
        case .setUp(let link, let isUp): return [.setUp(try index(link, step), isUp)]
        case .setMaster(let link, let master):
            guard let master else { return [.setMaster(try index(link, step), 0)] }
            return [.setMaster(try index(link, step), try index(master, step))]
        case .setShaping(let link, let from, let to):
            return NetlinkMessage.shaping(try index(link, step), from: from, to: to)
        case .addAddress(let link, let address): return [.address(address, link: try index(link, step), adding: true)]
        case .removeAddress(let link, let address):
            return [.address(address, link: try index(link, step), adding: false)]
        case .addRoute(let route): return [.route(route, link: try index(route.link, step), adding: true)]
        case .removeRoute(let route): return [.route(route, link: try index(route.link, step), adding: false)]
        case .addRule(let rule): return [.rule(rule, adding: true)]
        case .removeRule(let rule): return [.rule(rule, adding: false)]
        case .setIPv6, .startDHCP, .stopDHCP, .startDHCP6, .stopDHCP6, .setNameservers: return []
        }
    }

    private mutating func primary(of options: BondOptions, _ step: NetworkStep) throws(NetlinkError) -> [String: Int32]
    {
        guard let name = options.values["primary"] else { return [:] }
        return [name: try index(name, step)]
    }
}
