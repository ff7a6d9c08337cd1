import AgentWire
import HostModel
import NIOCore
import XMLWire

@testable import Netlink

/// A decoder of what others send. Whatever the bytes are, there is an answer, an error or a wait; a trap is a defect, and so is
/// a result that depends on how the bytes were cut.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Messages of the kernel, each behind its header (struct nlmsghdr).
    case netlink
    /// What a peer of the agent sends.
    case stomp
    /// Bodies of calls and answers.
    case json
    /// Bodies of the REST API in XML.
    case xml
    /// What machines send to DHCP's ports, and ARP.
    case dhcp
    /// What machines and relays send to DHCPv6's port.
    case dhcp6
    /// A client's side of a TFTP transfer.
    case tftp
    /// Requests to the boot server's HTTP port.
    case http

    package func run(_ bytes: [UInt8]) {
        switch self {
        case .netlink: Self.netlink(bytes)
        case .stomp: Self.stomp(bytes)
        case .json: Self.json(bytes)
        case .xml: Self.xml(bytes)
        case .dhcp: Self.dhcp(bytes)
        case .dhcp6:
            var server = DHCPv6Fuzz()
            for datagram in BootFuzz.datagrams(bytes) { server.take(datagram) }
        case .tftp: TFTPFuzz.run(bytes)
        case .http: HTTPFuzz.run(bytes)
        }
    }

    private static func dhcp(_ bytes: [UInt8]) {
        guard var server = try? DHCPFuzz() else { preconditionFailure("the server's settings are good") }
        for datagram in BootFuzz.datagrams(bytes) { server.take(datagram) }
    }

    private static func netlink(_ bytes: [UInt8]) {
        _ = NetlinkRefusal.answers(bytes[...])
        var (links, addresses, routes, rules) = ([LinkRecord](), [AddressRecord](), [RouteRecord](), [RuleRecord]())
        var rest = bytes[...]
        while let length = rest.integer(at: 0, as: UInt32.self), length >= 16, Int(length) <= rest.count {
            let payload = Array(rest.prefix(Int(length)).dropFirst(16))
            // RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE; everything else is read as traffic control's.
            switch rest.integer(at: 4, as: UInt16.self) {
            case 16: if let record = LinkRecord(payload) { links.append(record) }
            case 20: if let record = AddressRecord(payload) { addresses.append(record) }
            case 24: if let record = RouteRecord(payload) { routes.append(record) }
            case 32: if let record = RuleRecord(payload) { rules.append(record) }
            default: _ = (ClassRecord(payload), QdiscRecord(payload))
            }
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        let snapshot = KernelSnapshot(links: links, addresses: addresses, routes: routes, rules: rules)
        // What was read must be fit to plan with.
        plan(
            [
                "n": ["nic": "eth0", "vlan": "7", "ipaddr": "192.0.2.2", "prefix": "24", "defaultRoute": "true"],
                "red": ["bonding": "bond0", "custom": .map(["bridge_opts": "ageing_time=1 priority=4096"])],
            ],
            ["bond0": ["nics": .list(["eth1"]), "options": "mode=1 primary=eth1"]],
            from: snapshot.state
        )
    }

    private static func plan(
        _ networks: [String: [String: AttributeValue]],
        _ bonds: [String: [String: AttributeValue]],
        from state: NetworkState
    ) {
        for (networks, bonds) in [(networks, [:]), ([:], bonds), (networks, bonds)] {
            let change = try? NetworkChange(
                networks: networks.mapValues { NetworkAttributes($0) },
                bondings: bonds.mapValues { NetworkAttributes($0) },
                owned: OwnedNetworks(),
                state: state
            )
            guard let change else { continue }
            _ = NetworkPlan.change(change, owned: OwnedNetworks(), from: state).text
        }
    }

    private static func stomp(_ bytes: [UInt8]) {
        let whole = frames(bytes, step: max(bytes.count, 1))
        let pieces = frames(bytes, step: 1 + Int(bytes.first ?? 0) % 7)
        precondition(whole == pieces, "frames depend on how the bytes were cut")
        var (server, client) = (StompServerSession(), StompClientSession())
        for frame in whole {
            for action in server.receive(frame) {
                guard case .request(let request) = action else { continue }
                for call in RPCRequest.decode(request.body) { _ = try? call.get().encoded() }
                _ = server.messages(to: request.replyTo, body: request.body)
            }
            _ = client.receive(frame)
            var buffer = ByteBuffer()
            buffer.writeStompFrame(frame)
        }
        _ = StompDetector.verdict(on: bytes)
    }

    private static func frames(_ bytes: [UInt8], step: Int) -> [StompFrame] {
        var (decoder, frames) = (StompDecoder(), [StompFrame]())
        for start in stride(from: 0, to: bytes.count, by: step) {
            decoder.append(ByteBuffer(bytes: bytes[start..<min(start + step, bytes.count)]))
            do {
                while let frame = try decoder.nextFrame() { frames.append(frame) }
            } catch { break }
        }
        return frames
    }

    private static func json(_ bytes: [UInt8]) {
        let body = ByteBuffer(bytes: bytes)
        for call in RPCRequest.decode(body) {
            guard let request = try? call.get() else { continue }
            setupNetworks(request.params)
            guard let again = try? request.encoded() else { continue }
            precondition(RPCRequest.decode(again).count == 1, "a call that was read can not be written")
        }
        guard case .reply(let reply)? = try? RPCIncoming.decode(body), case .success(let result) = reply.outcome else {
            return
        }
        _ = (try? HostCapabilities(result: result), try? HostStatistics(result: result))
        setupNetworks(result)
    }

    private static func setupNetworks(_ params: JSONValue) {
        guard let call = try? SetupNetworksParameters(params: params) else { return }
        let state = NetworkState(links: ["eth0", "eth1"].map { LinkState(name: $0) })
        let change = try? NetworkChange(
            networks: call.networks,
            bondings: call.bondings,
            owned: OwnedNetworks(),
            state: state
        )
        if let change { _ = NetworkPlan.change(change, owned: OwnedNetworks(), from: state).text }
    }

    private static func xml(_ bytes: [UInt8]) {
        guard let element = try? XMLElement(document: bytes) else { return }
        for type in [
            HostResource.self, HostOrder.self, NewHostResource.self, ServerActionResource.self, ClusterResource.self,
            ClusterResource.Order.self, DataCenterResource.Order.self, NetworkOrder.self, TagResource.Order.self,
            MACPoolResource.Order.self, AffinityLabelResource.self, SetupNetworksResource.self,
            FenceAgentResource.self, EventCollection.self, JobResource.self, FaultResource.self, BootProfile.self,
            HostKickstart.self, ImageManifest.self,
        ] as [any (Codable & Sendable).Type] { same(type, bytes, element.name) }
    }

    /// What was read can be written, and is then the same to whoever reads it.
    private static func same<Value: Codable>(_ type: Value.Type, _ bytes: [UInt8], _ root: String) {
        guard let value = try? XMLDecoder().decode(type, from: bytes, root: root) else { return }
        guard let written = try? XMLEncoder().encode(value, root: root) else {
            preconditionFailure("what was read can not be written")
        }
        let limits = XMLLimits.roomy
        guard let again = try? XMLDecoder(limits: limits).decode(type, from: written, root: root),
            let twice = try? XMLEncoder().encode(again, root: root)
        else { preconditionFailure("what was written can not be read") }
        precondition(written.count == twice.count, "what was written is read as something else")
    }
}

extension XMLLimits {
    /// Escapes take more octets than what they stand for.
    fileprivate static var roomy: XMLLimits {
        var limits = XMLLimits.usual
        (limits.bytes, limits.elements) = (16 << 20, 1 << 20)
        return limits
    }
}
