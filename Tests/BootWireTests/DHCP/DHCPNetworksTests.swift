import BootWire
import HostModel
import NIOCore
import Testing

/// Which network a message is of, and what its machine gets there.
@Suite struct DHCPNetworksTests {
    private static let server = LeaseTableTests.address(1)

    private static func relayed(_ third: UInt8) throws -> DHCPSettings {
        func address(_ last: UInt32) -> IPv4Address { IPv4Address(rawValue: 0x0A4D_0000 | UInt32(third) << 8 | last) }
        return try DHCPSettings(
            server: server,
            relayed: try #require(IPv4Network(address(0), prefixLength: 24)),
            pool: address(100)...address(120),
            router: address(1),
            bootFiles: BootFiles(baseURL: "http://10.77.0.1")
        )
    }

    private static func networks() throws -> DHCPNetworks {
        try DHCPNetworks(try LeaseTableTests.settings(), relayed: [try relayed(8), try relayed(9)])
    }

    private static func discover(giaddr: String = "0.0.0.0", ciaddr: String = "0.0.0.0", option82: [UInt8] = []) throws
        -> DHCPPacket
    {
        var packet = try DHCPPacketTests.discover(option82.isEmpty ? [] : [.relayAgentInformation(option82)])
        packet.relayAddress = try #require(IPv4Address(giaddr))
        packet.clientAddress = try #require(IPv4Address(ciaddr))
        return packet
    }

    @Test("D16: the relay's address says the network, and the reply goes to the relay with the hops it counted")
    func repliesToTheRelay() throws {
        var packet = try Self.discover(giaddr: "10.77.8.1")
        packet.hops = 1
        let networks = try Self.networks()
        let settings = networks.all[try #require(networks.index(for: packet))]
        let responder = DHCPResponder(settings: settings)
        let reply = try #require(responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply)
        let router = try #require(IPv4Address("10.77.8.1"))
        #expect(reply.destination == .relay(router) && reply.packet.hops == 1)
        #expect(settings.pool.contains(reply.packet.yourAddress))
        #expect(reply.packet.options.contains(.routers([router])))
        #expect(reply.packet.serverIdentifier == Self.server)
        packet.hops = 17
        let lost = responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero)
        #expect(lost.silence == .tooManyHops)
        #expect(try networks.index(for: Self.discover(giaddr: "10.99.0.1")) == nil, "not served here")
    }

    @Test(
        "D17: option 82 comes back last and to the byte; its link selection says the network, before the relay's address"
    )
    func obeysLinkSelection() throws {
        let option82: [UInt8] = [1, 4, 0, 7, 0, 9, 2, 2, 0xFF, 0, 5, 4, 10, 77, 9, 0]
        let packet = try Self.discover(giaddr: "10.77.8.1", option82: option82)
        let networks = try Self.networks()
        let settings = networks.all[try #require(networks.index(for: packet))]
        #expect(settings.network == IPv4Network("10.77.9.0/24"))
        let reply = try #require(
            DHCPResponder(settings: settings).respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply
        )
        #expect(reply.destination == .relay(packet.relayAddress), "the reply goes to the relay all the same")
        let bytes = Array(reply.packet.encoded(limit: reply.lengthMax).bytes.readableBytesView)
        let end = try #require(bytes.lastIndex(of: 255))
        #expect(Array(bytes[..<end].suffix(option82.count + 2)) == [82, UInt8(option82.count)] + option82)
        let malformed = try Self.discover(giaddr: "10.77.8.1", option82: [5, 4, 10])
        #expect(networks.index(for: malformed) == 1, "what cannot be read selects nothing")
        let unrelayed = try Self.discover(option82: option82)
        #expect(networks.index(for: unrelayed) == 0, "a machine does not choose its network itself")
    }

    @Test("A22: a relay that nobody named is not answered, whatever network its option 82 selects")
    func believesKnownRelays() throws {
        let selection: [UInt8] = [5, 4, 10, 77, 9, 0]
        let stranger = try Self.discover(giaddr: "192.0.2.7", option82: selection)
        #expect(try Self.networks().index(for: stranger) == nil)
        let relay = try #require(IPv4Address("192.0.2.7"))
        let own = try LeaseTableTests.settings()
        let named = try DHCPNetworks(own, relayed: [try Self.relayed(9)], relays: [relay])
        #expect(named.index(for: stranger) == 1)
        #expect(named.index(for: try Self.discover(giaddr: "192.0.2.8", option82: selection)) == nil)
        #expect(named.index(for: try Self.discover(giaddr: "192.0.2.7")) == nil, "it must say the network then")
        #expect(named.index(for: try Self.discover(giaddr: "10.77.9.1")) == 1, "relays of a network that is served")
    }

    @Test("D17: a relay's name for the server (sub-option 11) is what its machines are told and what they answer with")
    func takesTheRelaysName() throws {
        let relay = try #require(IPv4Address("10.77.8.1"))
        let option82: [UInt8] = [11, 4, 10, 77, 8, 1]
        let networks = try Self.networks()
        var packet = try Self.discover(giaddr: "10.77.8.1", option82: option82)
        let settings = networks.all[try #require(networks.index(for: packet))]
        let responder = DHCPResponder(settings: settings)
        let offer = try #require(responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero).reply)
        #expect(offer.packet.serverIdentifier == relay)
        packet.options += [.serverIdentifier(relay), .requestedAddress(offer.packet.yourAddress)]
        packet.options[0] = .messageType(.request)
        let answer = responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero)
        #expect(answer.reply?.packet.messageType == .acknowledge && answer.reply?.packet.serverIdentifier == relay)
        packet.options.removeAll { $0.code == .relayAgentInformation }
        let other = responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero)
        #expect(other.silence == .anotherServer, "without the relay's word it is another server")
        let unrelayed = try Self.discover(option82: option82)
        #expect(unrelayed.serverIdentifierOverride == nil, "a machine does not name its server itself")
    }

    @Test("D21: a machine that renews without its relay is known by the address that it has")
    func knowsWhoRenews() throws {
        let networks = try Self.networks()
        #expect(networks.index(for: try Self.discover(ciaddr: "10.77.9.100")) == 2)
        #expect(networks.index(for: try Self.discover(ciaddr: "10.99.9.100")) == 0)
        #expect(networks.index(for: try Self.discover()) == 0)
    }

    @Test("networks that cannot be served together are refused")
    func refuses() throws {
        let own = try LeaseTableTests.settings()
        let eight = try Self.relayed(8)
        #expect(throws: DHCPSettingsError.networksOverlap(eight.network, eight.network)) {
            try DHCPNetworks(own, relayed: [eight, eight])
        }
        #expect(throws: DHCPSettingsError.serverInsideRelayedNetwork(Self.server, own.network)) {
            try DHCPSettings(server: Self.server, relayed: own.network, pool: own.pool, router: own.server)
        }
        #expect(throws: DHCPSettingsError.routerOutsideNetwork(own.server, eight.network)) {
            try DHCPSettings(server: Self.server, relayed: eight.network, pool: eight.pool, router: own.server)
        }
        #expect(throws: DHCPSettingsError.tooManyNetworks(257)) {
            try DHCPNetworks(own, relayed: Array(repeating: eight, count: 256))
        }
    }
}
