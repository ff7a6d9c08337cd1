internal import CNetlink
internal import Glibc
internal import HostModel

/// Owns packet sockets (packet(7)) that get the LLDP frames of links of this host, bridge ports and slaves of a bond among
/// them; one bound to each link, so that no other link, for example a guest's, can crowd out what it hears. Needs CAP_NET_RAW.
package struct LLDPSockets: ~Copyable {
    /// By the link's kernel index.
    private var descriptors: [Int32: Int32] = [:]
    private var budget = FrameBudget()
    private var buffer = [UInt8](repeating: 0, count: Self.frameBytesMax)

    private static let frameBytesMax = 9216
    /// Destination, source and type (IEEE 802.3, clause 3).
    private static let headerBytes = 14

    package init() {}

    deinit { for descriptor in descriptors.values { close(descriptor) } }

    /// The links that are listened on, by kernel index.
    package var links: Set<Int32> { Set(descriptors.keys) }

    /// Listens on these links, by kernel index, and on no others. Leaves out links that can not be listened on; throws where
    /// this process may listen on none.
    package mutating func listen(on links: Set<Int32>) throws(NetlinkError) {
        for (link, descriptor) in descriptors where !links.contains(link) {
            close(descriptor)
            descriptors[link] = nil
        }
        for link in links.subtracting(descriptors.keys) {
            do throws(NetlinkError) { descriptors[link] = try Self.open(link) } catch {
                if error.cause == .notPermitted { throw error }
            }
        }
    }

    /// Of protocol 0 until it is bound: nothing of another link comes in between.
    private static func open(_ link: Int32) throws(NetlinkError) -> Int32 {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_PACKET, type, 0)
        guard descriptor >= 0 else { throw NetlinkError("open a packet socket", errno: errno) }
        var address = sockaddr_ll()
        (address.sll_family, address.sll_ifindex) = (sa_family_t(AF_PACKET), link)
        address.sll_protocol = LLDPDataUnit.etherType.bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
        }
        var group = packet_mreq()
        (group.mr_ifindex, group.mr_type) = (link, UInt16(PACKET_MR_MULTICAST))
        group.mr_alen = UInt16(LLDPDataUnit.group.count)
        withUnsafeMutableBytes(of: &group.mr_address) { $0.copyBytes(from: LLDPDataUnit.group) }
        let length = socklen_t(MemoryLayout<packet_mreq>.size)
        guard isBound, setsockopt(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, length) == 0 else {
            let number = errno
            close(descriptor)
            throw NetlinkError("listen for LLDP", errno: number)
        }
        return descriptor
    }

    /// The payload of the next frame to LLDP's group and the index of its link; `nil` when none came within so many
    /// milliseconds, or one that is none. A link is not read for the rest of a second in which it gave more than
    /// `FrameBudget.framesMax` frames; the kernel drops what it gives then.
    package mutating func receive(milliseconds: Int32) -> (link: Int32, payload: [UInt8])? {
        let now = ContinuousClock.now
        let links = descriptors.keys.filter { budget.allows($0, at: now) }
        var wanted = links.map { pollfd(fd: descriptors[$0] ?? -1, events: Int16(POLLIN), revents: 0) }
        guard poll(&wanted, nfds_t(wanted.count), milliseconds) > 0,
            let place = wanted.firstIndex(where: { $0.revents != 0 })
        else { return nil }
        let link = links[place]
        budget.take(link)
        return read(wanted[place].fd, link).map { (link, $0) }
    }

    private mutating func read(_ descriptor: Int32, _ link: Int32) -> [UInt8]? {
        var sender = sockaddr_ll()
        var size = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let count = withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, 0, $0, &size)
            }
        }
        guard count >= 0 else {
            // A link that is down comes up again with its socket. Whatever else is wrong: `listen` opens it anew.
            if ![EAGAIN, EINTR, ENETDOWN].contains(errno) {
                close(descriptor)
                descriptors[link] = nil
            }
            return nil
        }
        // What this host sends itself comes along too.
        guard count > Self.headerBytes, sender.sll_pkttype != PACKET_OUTGOING, buffer.starts(with: LLDPDataUnit.group)
        else { return nil }
        return Array(buffer[Self.headerBytes..<count])
    }
}

/// How many frames each link may give: switches send one in 30 s, attackers as many as the wire carries.
struct FrameBudget: Sendable {
    /// Of one link in one second.
    static let framesMax = 16

    private var began: ContinuousClock.Instant?
    private var taken: [Int32: Int] = [:]

    /// Whether the link may give one more now.
    mutating func allows(_ link: Int32, at now: ContinuousClock.Instant) -> Bool {
        if began.map({ $0.duration(to: now) >= .seconds(1) }) ?? true { (began, taken) = (now, [:]) }
        return taken[link, default: 0] < Self.framesMax
    }

    mutating func take(_ link: Int32) { taken[link, default: 0] += 1 }
}
