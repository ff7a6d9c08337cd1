import HostModel
import Testing

@testable import Netlink

/// Messages as bytes, without a kernel.
@Suite struct NetlinkMessageTests {
    /// What `ip link add br0 address 52:54:00:00:00:01 type bridge forward_delay 0 stp_state 0` says, after the header.
    @Test func bridgeBytes() throws {
        let message = try NetlinkMessage.createBridge(
            "br0",
            mac: MACAddress("52:54:00:00:00:01"),
            mtu: 1500,
            options: BridgeOptions()
        )
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
        // A part of a longer buffer, with the kernel's flags in a type; of two with one type the last counts.
        message.putAttribute(0x8004, value: UInt32(9000))
        let part = ([9, 9, 9, 9, 9] + message.payload + [9, 9])[5..<5 + message.payload.count]
        let again = try #require(NetlinkAttributes(part))
        #expect(again.text(3) == "eth0" && again.integer(4, as: UInt32.self) == 9000)
        #expect(again.nested(18)?.text(1) == "vlan" && again.all.count == 3)
        #expect(ArraySlice<UInt8>([1, 2]).integer(at: 1, as: UInt16.self) == nil)
    }

    @Test("every prefix and every flipped bit is read or refused, never trapped over")
    func survivesDamage() throws {
        var link = try NetlinkMessage.createVLAN("eth0.12", base: 2, id: 12, mtu: 1500).payload
        let stp = BridgeOptions(stp: true, forwardDelay: 200, values: ["priority": 4096])
        link += try NetlinkMessage.createBridge("b", mac: nil, mtu: 1400, options: stp).payload.dropFirst(16)
        let network = IPv4Network("10.0.0.2/24") ?? .everything
        let address = NetlinkMessage.address(.v4(network), link: 2, adding: true).payload
        let route = RouteState(destination: network, gateway: IPv4Address("10.0.0.1"), link: "", metric: 9)
        var options = BondOptions(mode: .activeBackup)
        for (name, value) in [("arp_interval", "100"), ("arp_ip_target", "10.0.0.1,10.0.0.2")] {
            options[try #require(BondOption.byName[name])] = value
        }
        let bond = try NetlinkMessage.createBond("bond0", mac: nil, mtu: 1500, options: options) { _ in 0 }.payload
        let rule = NetlinkMessage.rule(RuleState(.from, network, table: 77), adding: true).payload
        let share = TrafficShare(linkShare: ServiceCurve(m1: 8_000_000, d: 100, m2: 4_000_000))
        let shaping = NetlinkMessage.shaping(2, from: nil, to: [TrafficClass.untagged: share])
        let samples = [
            link, address, bond, rule, shaping[1].payload, NetlinkMessage.route(route, link: 2, adding: true).payload,
        ]
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

    @Test("what is written for a share reads back, in whole octets; a share that loses a curve is made anew")
    func sharesRoundTrip() throws {
        let share = TrafficShare(
            linkShare: ServiceCurve(m1: 8_000_001, d: 100, m2: 4_000_000),
            upperLimit: ServiceCurve(m2: 9_000_000),
            realTime: ServiceCurve(m2: ServiceCurve.bitsMax)
        )
        let made = NetlinkMessage.shaping(2, from: nil, to: [TrafficClass.untagged: share, 7: share])
        // The root, and class, fairness and filter of each.
        #expect(made.count == 7)
        let records = made.compactMap { ClassRecord($0.payload) }
        #expect(records.map(\.id) == [TrafficClass.untagged, 7])
        #expect(records.allSatisfy { $0.share == share.inOctets })
        let less = TrafficShare(linkShare: share.linkShare)
        #expect(NetlinkMessage.shaping(2, from: [7: less], to: [7: share]).count == 1, "in place")
        #expect(NetlinkMessage.shaping(2, from: [7: share], to: [7: less]).count == 5)
        #expect(NetlinkMessage.shaping(2, from: [7: share], to: nil).count == 1)
    }

    @Test("what is written for an address and a route reads back")
    func recordsRoundTrip() throws {
        let network = try #require(IPv4Network("10.0.0.2/24"))
        let address = AddressRecord(NetlinkMessage.address(.v4(network), link: 7, adding: true).payload)
        #expect(address?.address == .v4(network))
        #expect(address?.link == 7)
        let six = try #require(IPv6Network("2001:db8::2/64"))
        #expect(AddressRecord(NetlinkMessage.address(.v6(six), link: 7, adding: true).payload)?.address == .v6(six))
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
        let route6 = RouteState(destination6: .everything, gateway: IPv6Address("2001:db8::1"), link: "eth0")
        let record6 = try #require(RouteRecord(NetlinkMessage.route(route6, link: 7, adding: true).payload))
        #expect((record6.destination, record6.gateway, record6.metric) == (route6.destination, route6.gateway, 1024))
        for selector in RuleState.Selector.allCases {
            let rule = RuleState(selector, network, table: RuleState.table(of: "ovirtmgmt"))
            #expect(RuleRecord(NetlinkMessage.rule(rule, adding: true).payload)?.rule == rule)
        }
    }

    @Test("every option of a bond and of a bridge reads back as it was written")
    func optionsRoundTrip() throws {
        for mode in BondMode.allCases {
            var options = BondOptions(mode: mode)
            for option in BondOption.all where option.modes.contains(mode) {
                options[option] =
                    switch option.form {
                    case .number: String(option.range.upperBound == 1 ? 0 : option.range.upperBound)
                    case .addresses: "10.0.0.1,10.0.0.2"
                    case .addresses6: "2001:db8::1"
                    case .link: "eth0"
                    case .mac: "02:00:00:00:00:01"
                    }
            }
            let message = try NetlinkMessage.createBond("bond0", mac: nil, mtu: 1500, options: options) { _ in 7 }
            let data = NetlinkAttributes(message.payload.dropFirst(16))?.nested(18)?.nested(2)
            #expect(BondOptions(data, names: [7: "eth0"]) == options)
        }
        var bridge = BridgeOptions(stp: true, forwardDelay: 300)
        for option in BridgeOption.all { bridge[option.name] = option.range.lowerBound }
        let message = try NetlinkMessage.createBridge("br0", mac: nil, mtu: 1500, options: bridge)
        let data = NetlinkAttributes(message.payload.dropFirst(16))?.nested(18)?.nested(2)
        #expect(BridgeOptions(data) == bridge)
    }

    @Test("a bridge's option of eight octets may be any (found by libFuzzer)")
    func wideOptions() throws {
        let wide = BridgeOption.all.filter { $0.width == 8 }
        #expect(!wide.isEmpty)
        for value in [Int.min, .max, -1] {
            var bridge = BridgeOptions()
            for option in wide { bridge[option.name] = value }
            let message = try NetlinkMessage.createBridge("br0", mac: nil, mtu: 1500, options: bridge)
            let data = NetlinkAttributes(message.payload.dropFirst(16))?.nested(18)?.nested(2)
            #expect(BridgeOptions(data) == bridge)
        }
    }

    @Test("the kernel's answers: a yes, a no, a no with words, and any prefix of them")
    func answers() {
        func answer(_ number: UInt32, _ code: Int32, _ words: String? = nil) -> [UInt8] {
            var body = NetlinkMessage(type: 2, flags: words == nil ? 0x100 : 0x300)
            body.put(code)
            for _ in 0..<4 { body.put(UInt32(0)) }
            if let words { body.putAttribute(1, text: words) }
            var bytes: [UInt8] = []
            body.append(to: &bytes, number: number, flags: 0)
            return bytes
        }
        let datagram = answer(1, 0) + answer(2, -17) + answer(3, -1, "Device can not be enslaved while up")
        let answers = NetlinkRefusal.answers(datagram[...])
        #expect(answers.map(\.number) == [1, 2, 3])
        #expect(answers.map { $0.refusal?.code } == [nil, 17, 1])
        #expect(answers[2].refusal?.explanation == "Device can not be enslaved while up")
        for length in 0..<datagram.count {
            #expect(NetlinkRefusal.answers(datagram[..<length]).count < 3)
        }
        #expect(NetlinkRefusal.answers(answer(1, .min)[...]).first?.refusal?.code == .max, "found by libFuzzer")
    }

    private func decodes(_ payload: [UInt8]) -> Int {
        (LinkRecord(payload).map { _ = KernelSnapshot(links: [$0], addresses: [], routes: []) } == nil ? 0 : 1)
            + (AddressRecord(payload) == nil ? 0 : 1)
            + (RouteRecord(payload) == nil ? 0 : 1) + (RuleRecord(payload) == nil ? 0 : 1)
            + (ClassRecord(payload) == nil ? 0 : 1)
    }
}
