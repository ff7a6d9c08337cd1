import HostModel
import Testing

@Suite struct LLDPDataUnitTests {
    /// As a switch of a rack sends it.
    static let unit = try? LLDPDataUnit([
        .init(type: 1, value: [4, 0x00, 0x1C, 0x73, 0xAA, 0xBB, 0x0C]),
        .init(type: 2, value: [5] + Array("Ethernet7/1".utf8)), .init(type: 3, value: [0, 120]),
        .init(type: 4, value: Array("kvm-7 port 1".utf8)), .init(type: 5, value: Array("leaf-3".utf8)),
        .init(type: 6, value: Array("Arista EOS".utf8)), .init(type: 7, value: [0, 0x14, 0, 0x14]),
        .init(type: 8, value: [5, 1, 10, 0, 0, 3, 2, 0, 0, 0, 7, 0]),
        .init(type: 127, value: [0x00, 0x80, 0xC2, 1, 0, 100]),
        .init(type: 127, value: [0x00, 0x80, 0xC2, 3, 0, 100, 4] + Array("prod".utf8)),
        .init(type: 127, value: [0x00, 0x12, 0x0F, 3, 3, 0, 0, 0, 9]),
        .init(type: 127, value: [0x00, 0x12, 0x0F, 4, 0x23, 0xF0]), .init(type: 127, value: [1, 2, 3, 4, 5]),
        .init(type: 99, value: [7]),
    ])

    @Test("a unit comes back as it went, unknown TLVs too") func roundTrip() throws {
        let unit = try #require(Self.unit)
        #expect(try LLDPDataUnit(unit.bytes) == unit)
        #expect(try LLDPDataUnit(unit.bytes + [9, 9, 9]) == unit, "padding")
        #expect(try LLDPDataUnit(unit.bytes.dropLast(2)) == unit, "without an end")
        #expect(unit.timeToLive == 120)
    }

    @Test("what it says, in VDSM's words") func elements() throws {
        let elements = try #require(Self.unit).elements
        #expect(
            elements.map(\.name) == [
                "Chassis ID", "Port ID", "Time to Live", "Port Description", "System Name", "System Description",
                "System Capabilities", "Management Address", "Port VLAN ID", "VLAN Name", "Link Aggregation", "MTU",
            ]
        )
        let all = elements.reduce(into: [String: String]()) { said, element in
            for (name, value) in element.properties { said[name] = value.raw }
        }
        #expect(
            all == [
                "chassis ID subtype": "MAC", "chassis ID": "00:1c:73:aa:bb:0c", "port ID subtype": "Ifname",
                "port ID": "Ethernet7/1", "time to live": "120", "port description": "kvm-7 port 1",
                "system name": "leaf-3",
                "system description": "Arista EOS", "system capabilities": "Bridge, Router",
                "enabled capabilities": "Bridge, Router", "management address subtype": "IPv4",
                "management address": "10.0.0.3", "interface numbering subtype": "Ifindex", "interface numbering": "7",
                "Port VLAN ID": "100", "VLAN ID": "100", "VLAN Name": "prod", "Aggregation capable": "True",
                "Currently aggregated": "True", "Aggregated Port ID": "9", "mtu": "9200",
            ]
        )
        #expect(elements.last?.oui == 0x00120F && elements.last?.subtype == 4)
    }

    @Test("every prefix is refused or is a shorter unit, and every flipped bit is refused or comes back as it is")
    func damage() throws {
        let bytes = try #require(Self.unit).bytes
        for count in 0..<bytes.count - 2 {
            guard let part = try? LLDPDataUnit(bytes.prefix(count)) else { continue }
            #expect(part.tlvs.count < 14 && part.bytes.dropLast(2).elementsEqual(bytes.prefix(count)))
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                guard let unit = try? LLDPDataUnit(flipped) else { continue }
                #expect(try LLDPDataUnit(unit.bytes) == unit)
                _ = unit.elements
            }
        }
    }

    @Test(
        "what is no unit",
        arguments: [
            [], [0, 0], [2, 2, 4, 1, 0, 0], [4, 2, 5, 1, 2, 2, 4, 1, 6, 2, 0, 1, 0, 0],
            [2, 2, 4, 1, 4, 2, 5, 1, 6, 1, 0, 0, 0], [2, 2, 4, 1, 4, 2, 5, 1, 6, 2, 0, 1, 6, 2, 0, 1, 0, 0],
            [2, 1, 4, 4, 2, 5, 1, 6, 2, 0, 1, 0, 0], [2, 255, 4],
        ] as [[UInt8]]
    )
    func refused(bytes: [UInt8]) { #expect(throws: LLDPDataUnit.Refusal.self) { try LLDPDataUnit(bytes) } }

    @Test("a unit of too many TLVs is refused") func tooMany() {
        let head: [UInt8] = [2, 2, 4, 1, 4, 2, 5, 1, 6, 2, 0, 1]
        #expect(throws: LLDPDataUnit.Refusal.tooMany) {
            try LLDPDataUnit(head + Array(repeating: [198, 0], count: 200).flatMap { $0 } + [0, 0])
        }
    }

    @Test(
        "addresses of other kinds",
        arguments: [
            ([5, 1, 10, 0, 0, 3], "IPv4", "10.0.0.3"),
            ([5, 2] + [UInt8](repeating: 0, count: 15) + [1], "IPv6", "0:0:0:0:0:0:0:1"),
            ([5, 9, 1, 2], "Address", "09:01:02"), ([9, 1, 2], "Reserved", "01:02"), ([7, 65], "Local", "A"),
        ] as [([UInt8], String, String)]
    )
    func chassis(value: [UInt8], kind: String, text: String) throws {
        let unit = try LLDPDataUnit([
            .init(type: 1, value: value), .init(type: 2, value: [7, 66]), .init(type: 3, value: [0, 0]),
        ])
        let properties = try #require(unit.elements.first?.properties)
        #expect(properties["chassis ID subtype"]?.raw == kind && properties["chassis ID"]?.raw == text)
    }
}
