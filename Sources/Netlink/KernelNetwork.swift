internal import CNetlink
internal import Glibc
package import HostModel

/// Writes the kernel's network, one step of a plan at a time. Needs CAP_NET_ADMIN.
package struct KernelNetwork: ~Copyable {
    private let socket: NetlinkSocket

    private init(socket: consuming NetlinkSocket) { self.socket = socket }

    package static func open() throws(NetlinkError) -> KernelNetwork { KernelNetwork(socket: try .connect()) }

    /// Does one step. `false`: the step is not the kernel's (DHCP clients, resolvers) and nothing was done.
    package borrowing func apply(_ step: NetworkStep) throws(NetlinkError) -> Bool {
        switch step {
        case .startDHCP, .stopDHCP, .setNameservers: return false
        case .setIPv6(let link, let enabled): try Self.setIPv6(link, enabled: enabled, step.description)
        default: for message in try Self.messages(for: step) { try socket.perform(message, step.description) }
        }
        return true
    }

    private static func messages(for step: NetworkStep) throws(NetlinkError) -> [NetlinkMessage] {
        func index(_ name: String) throws(NetlinkError) -> Int32 {
            let number = if_nametoindex(name)
            guard number > 0 else { throw NetlinkError(step.description, .missing, "there is no link \(name)") }
            return Int32(number)
        }
        switch step {
        case .createBridge(let name, let mac, let options): return [.createBridge(name, mac: mac, options: options)]
        case .createVLAN(let name, let base, let id): return [.createVLAN(name, base: try index(base), id: id)]
        case .deleteLink(let name): return [.deleteLink(try index(name))]
        case .setBridgeOptions(let name, let options):
            return NetlinkMessage.setBridge(try index(name), options: options)
        case .setMTU(let link, let mtu): return [.setMTU(try index(link), mtu)]
        case .setUp(let link, let isUp): return [.setUp(try index(link), isUp)]
        case .setMaster(let link, let master):
            guard let master else { return [.setMaster(try index(link), 0)] }
            return [.setMaster(try index(link), try index(master))]
        case .addAddress(let link, let address): return [.address(address, link: try index(link), adding: true)]
        case .removeAddress(let link, let address): return [.address(address, link: try index(link), adding: false)]
        case .addRoute(let route): return [.route(route, link: try index(route.link), adding: true)]
        case .removeRoute(let route): return [.route(route, link: try index(route.link), adding: false)]
        case .setIPv6, .startDHCP, .stopDHCP, .setNameservers: return []
        }
    }

    /// `disable_ipv6` has no netlink attribute that can be written; the file is the interface. A kernel without IPv6
    /// has no such file and nothing to turn off.
    private static func setIPv6(_ link: String, enabled: Bool, _ operation: String) throws(NetlinkError) {
        let file = Glibc.open("/proc/sys/net/ipv6/conf/\(link)/disable_ipv6", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT { return }
            throw NetlinkError(operation, code == EACCES ? .notPermitted : .other, String(cString: strerror(code)))
        }
        defer { close(file) }
        guard write(file, enabled ? "0\n" : "1\n", 2) == 2 else {
            throw NetlinkError(operation, .other, String(cString: strerror(errno)))
        }
    }
}
