internal import CNetlink
internal import Glibc
internal import HostModel

/// Owns a packet socket (packet(7)) that gets the LLDP frames of this host's links, those of bridge ports and of a bond's
/// slaves among them. Needs CAP_NET_RAW.
package struct LLDPSocket: ~Copyable {
    private let descriptor: Int32
    /// Kernel indexes of the links whose frames are asked for.
    private var members: Set<Int32> = []

    private static let frameBytesMax = 9216

    package init() throws(NetlinkError) {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_PACKET, type, Int32(LLDPDataUnit.etherType.bigEndian))
        guard descriptor >= 0 else { throw NetlinkError("open a packet socket", errno: errno) }
        // The slave that a frame came over, and not its bond.
        var isOn: Int32 = 1
        _ = setsockopt(descriptor, SOL_PACKET, PACKET_ORIGDEV, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// Has these links, by kernel index, give the frames of LLDP's group, and no others.
    package mutating func listen(on links: Set<Int32>) {
        for link in links.subtracting(members) { change(PACKET_ADD_MEMBERSHIP, link) }
        // One that went away took its membership along.
        for link in members.subtracting(links) { change(PACKET_DROP_MEMBERSHIP, link) }
        members = links
    }

    private func change(_ option: Int32, _ link: Int32) {
        var membership = packet_mreq()
        (membership.mr_ifindex, membership.mr_type) = (link, UInt16(PACKET_MR_MULTICAST))
        membership.mr_alen = UInt16(LLDPDataUnit.group.count)
        withUnsafeMutableBytes(of: &membership.mr_address) { $0.copyBytes(from: LLDPDataUnit.group) }
        _ = setsockopt(descriptor, SOL_PACKET, option, &membership, socklen_t(MemoryLayout<packet_mreq>.size))
    }

    /// The next frame's payload and the index of its link; `nil` when none came within so many milliseconds.
    package func receive(milliseconds: Int32) -> (link: Int32, payload: [UInt8])? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) > 0 else { return nil }
        var payload = [UInt8](repeating: 0, count: Self.frameBytesMax)
        var sender = sockaddr_ll()
        var size = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let count = withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &payload, payload.count, 0, $0, &size)
            }
        }
        // What this host sends itself comes along too.
        guard count > 0, sender.sll_pkttype != PACKET_OUTGOING else { return nil }
        return (sender.sll_ifindex, Array(payload.prefix(count)))
    }
}
