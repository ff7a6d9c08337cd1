import HostModel
import Testing

@testable import Netlink

/// Messages as bytes, without a kernel.
@Suite struct NetlinkMessageTests {
    /// What `ip link add br0 address 52:54:00:00:00:01 type bridge forward_delay 0 stp_state 0` says, after the header.
    @Test func bridgeBytes() {
        let message = NetlinkMessage.createBridge("br0", mac: MACAddress("52:54:00:00:00:01"), options: BridgeOptions())
        let expected: [UInt8] =
            [UInt8](repeating: 0, count: 16)
            + [8, 0, 3, 0] + Array("br0\0".utf8)
            + [10, 0, 1, 0, 0x52, 0x54, 0, 0, 0, 1, 0, 0]
            + [36, 0, 18, 0]
            + [11, 0, 1, 0] + Array("bridge\0".utf8) + [0]
            + [20, 0, 2, 0] + [8, 0, 1, 0, 0, 0, 0, 0] + [8, 0, 5, 0, 0, 0, 0, 0]
        #expect(message.payload == expected)
    }

    @Test func attributesRoundTrip() throws {
        var message = NetlinkMessage(type: 0)
        message.putAttribute(3, text: "eth0")
        message.putAttribute(4, value: UInt32(1500))
        message.putNested(18) { $0.putAttribute(1, text: "vlan") }
        let attributes = try #require(NetlinkAttributes(message.payload[...]))
        #expect(attributes.text(3) == "eth0")
        #expect(attributes.integer(4, as: UInt32.self) == 1500)
        #expect(attributes.nested(18)?.text(1) == "vlan")
        #expect(attributes[5] == nil)
    }

    @Test("every prefix and every flipped bit is read or refused, never trapped over")
    func survivesDamage() {
        var link = NetlinkMessage.createVLAN("eth0.12", base: 2, id: 12).payload
        link += NetlinkMessage.createBridge("b", mac: nil, options: BridgeOptions(stp: true)).payload.dropFirst(16)
        let network = IPv4Network("10.0.0.2/24") ?? .everything
        let address = NetlinkMessage.address(network, link: 2, adding: true).payload
        let route = RouteState(destination: network, gateway: IPv4Address("10.0.0.1"), link: "", metric: 9)
        let samples = [link, address, NetlinkMessage.route(route, link: 2, adding: true).payload]
        var read = 0
        for sample in samples {
            for length in 0...sample.count { read += decodes(Array(sample.prefix(length))) }
            for bit in 0..<sample.count * 8 {
                var damaged = sample
                damaged[bit / 8] ^= 1 << (bit % 8)
                read += decodes(damaged)
            }
        }
        #expect(read > 0)
    }

    @Test("what is written for an address and a route reads back")
    func recordsRoundTrip() throws {
        let network = try #require(IPv4Network("10.0.0.2/24"))
        let address = AddressRecord(NetlinkMessage.address(network, link: 7, adding: true).payload)
        #expect(address?.address == .v4(network))
        #expect(address?.link == 7)
        let route = RouteState(
            destination: .everything,
            gateway: IPv4Address("10.0.0.1"),
            link: "eth0",
            table: 1000,
            metric: 20,
            source: IPv4Address("10.0.0.2")
        )
        let record = try #require(RouteRecord(NetlinkMessage.route(route, link: 7, adding: true).payload))
        #expect((record.destination, record.gateway, record.table) == (route.destination, route.gateway, 1000))
        #expect((record.metric, record.source, record.origin, record.link) == (20, route.source, 4, 7))
    }

    private func decodes(_ payload: [UInt8]) -> Int {
        (LinkRecord(payload) == nil ? 0 : 1) + (AddressRecord(payload) == nil ? 0 : 1)
            + (RouteRecord(payload) == nil ? 0 : 1)
    }
}
