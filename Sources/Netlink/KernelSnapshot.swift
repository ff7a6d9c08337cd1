internal import CNetlink
internal import Glibc
package import HostModel

/// The kernel's network as it is now.
package struct KernelSnapshot: Sendable {
    /// Without DHCP clients and resolvers, which are not the kernel's.
    package var state: NetworkState
    package var counters: [String: LinkCounters]
    package var permanentMACs: [String: MACAddress]

    /// Dumps that the kernel disturbed are repeated this often.
    package static let attemptsMax = 5

    /// Reads links, addresses and routes of this process's network namespace. Needs no privilege.
    package static func read() throws(NetlinkError) -> KernelSnapshot {
        var disturbance = NetlinkError("read the network", .interrupted, "never tried")
        for _ in 1...attemptsMax {
            do {
                return try readOnce()
            } catch {
                guard error.cause == .interrupted else { throw error }
                disturbance = error
            }
        }
        disturbance.detail += " (\(attemptsMax) times in a row)"
        throw disturbance
    }

    private static func readOnce() throws(NetlinkError) -> KernelSnapshot {
        let socket = try NetlinkSocket.connect()
        let links = try socket.dump(.dump(Int(RTM_GETLINK), headerBytes: 16), "list links")
        let addresses = try socket.dump(.dump(Int(RTM_GETADDR), headerBytes: 8), "list addresses")
        let routes = try socket.dump(.dump(Int(RTM_GETROUTE), family: UInt8(AF_INET), headerBytes: 12), "list routes")
        let records = links.map(LinkRecord.init)
        guard !records.contains(where: { $0 == nil }) else {
            throw NetlinkError("list links", .malformed, "a message of the kernel can not be read")
        }
        return KernelSnapshot(
            links: records.compactMap(\.self),
            addresses: addresses.compactMap(AddressRecord.init),
            routes: routes.compactMap(RouteRecord.init)
        )
    }

    init(links: [LinkRecord], addresses: [AddressRecord], routes: [RouteRecord]) {
        let names = Dictionary(links.map { ($0.index, $0.name) }) { $1 }
        state = NetworkState(links: links.map { LinkState($0, names: names) })
        for record in addresses {
            guard let name = names[record.link] else { continue }
            switch record.address {
            case .v4(let network): state.links[name]?.addresses.append(network)
            case .v6(let text): state.links[name]?.ipv6Addresses.append(text)
            }
        }
        state.routes = routes.compactMap { route in names[route.link].map { RouteState(route, link: $0) } }
        counters = Dictionary(links.map { ($0.name, $0.counters) }) { $1 }
        permanentMACs = Dictionary(links.compactMap { link in link.permanentMAC.map { (link.name, $0) } }) { $1 }
    }
}

extension NetlinkMessage {
    /// A request for everything of one kind; the family's fixed header is zero but for the address family.
    fileprivate static func dump(_ type: Int, family: UInt8 = 0, headerBytes: Int) -> NetlinkMessage {
        var message = NetlinkMessage(type: type)
        message.put(family)
        for _ in 1..<headerBytes { message.put(UInt8(0)) }
        return message
    }
}

extension LinkState {
    fileprivate init(_ record: LinkRecord, names: [Int32: String]) {
        self.init(
            name: record.name,
            kind: LinkKind(record, names: names),
            mac: record.mac,
            mtu: record.mtu,
            isUp: record.flags & UInt32(IFF_UP.rawValue) != 0,
            hasCarrier: record.flags & UInt32(IFF_LOWER_UP.rawValue) != 0,
            master: record.master.flatMap { names[$0] },
            takesIPv6: record.takesIPv6
        )
    }
}

extension LinkKind {
    fileprivate init(_ record: LinkRecord, names: [Int32: String]) {
        switch record.kind {
        case nil where record.isLoopback: self = .loopback
        case nil: self = .device
        case "bond": self = .bond
        case "bridge":
            let stp = record.kindData?.integer(Int(IFLA_BR_STP_STATE), as: UInt32.self) ?? 0
            let delay = record.kindData?.integer(Int(IFLA_BR_FORWARD_DELAY), as: UInt32.self) ?? 0
            // The kernel counts in hundredths of a second (USER_HZ).
            self = .bridge(BridgeOptions(stp: stp != 0, forwardDelay: Int(delay) / 100))
        case "vlan":
            let id = record.kindData?.integer(Int(IFLA_VLAN_ID), as: UInt16.self) ?? 0
            self = .vlan(base: record.parent.flatMap { names[$0] } ?? "", id: Int(id))
        case let kind?: self = .other(kind)
        }
    }
}

extension RouteState {
    fileprivate init(_ record: RouteRecord, link: String) {
        self.init(
            destination: record.destination,
            gateway: record.gateway,
            link: link,
            table: record.table,
            metric: record.metric,
            source: record.source,
            origin: record.origin
        )
    }
}
