import Foundation
import NIOCore
import Testing

@testable import AgentWire

/// The text is Foundation's own, octet for octet: what peers compare, and what lies on disks, stays as it is.
@Suite struct JSONFragmentTests {
    private static func foundation(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func ours(_ value: some Encodable) throws -> String {
        String(decoding: try #require(try JSONFragmentEncoder.text(of: value)), as: UTF8.self)
    }

    private static func random(_ depth: Int, _ generator: inout some RandomNumberGenerator) -> JSONValue {
        let texts = [
            "", "a/b", "\"\\\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}", "ü\u{2028}🦆e\u{301}", "eth0", "Z", "a", "a10", "a2",
        ]
        let numbers = [0, -0.0, 1.5, 1e300, 1e-7, 123_456_789.25, 1e16, -2.0, 0.1]
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .boolean(.random(using: &generator))
        case 2: return .integer(.random(in: Int64.min...Int64.max, using: &generator))
        case 3: return .number(numbers.randomElement(using: &generator) ?? 0)
        case 4: return .string(texts.randomElement(using: &generator) ?? "")
        case 5: return .array((0..<Int.random(in: 0..<4, using: &generator)).map { _ in random(depth - 1, &generator) })
        default:
            let names = texts.shuffled(using: &generator).prefix(Int.random(in: 0..<9, using: &generator))
            return .object(Dictionary(uniqueKeysWithValues: names.map { ($0, random(depth - 1, &generator)) }))
        }
    }

    @Test("what was written before is sent as it is, and other encoders read it") func written() throws {
        var generator = SeededGenerator(seed: 7)
        let value = Self.random(4, &generator)
        let written = try WrittenJSON(["of": value])
        let whole = try Self.ours(["a": written, "b": written])
        #expect(whole == #"{"a":{"of":\#(try Self.ours(value))},"b":{"of":\#(try Self.ours(value))}}"#)
        #expect(try Self.foundation(["a": written, "b": written]) == whole)
    }

    @Test("random values", arguments: 0..<300)
    func randomValues(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let value = Self.random(4, &generator)
        #expect(try Self.ours(value) == Self.foundation(value))
        #expect(try Self.ours(["x": [value]]) == Self.foundation(["x": [value]]))
    }

    @Test func payloads() throws {
        var capabilities = HostCapabilities()
        var address = AddressReport()
        (address.addr, address.ipv4addrs) = ("10.0.0.2", ["10.0.0.2/24"])
        var nic = NICReport(hwaddr: "52:54:00:00:00:01", speed: 1000, address: address)
        nic.qos = [LinkShareReport(hostQos: .object(["out": .object(["ls": .integer(5)])]), vlan: nil)]
        capabilities.nics = ["eth0": nic, "eth1": nic]
        capabilities.bridges["b"] = BridgeReport(ports: [], stp: "off", opts: ["priority": "1"], address: address)
        capabilities.numaNodes["0"] = .init(cpus: [0, 1], totalMemory: "1", hugepages: ["2048": .init(totalPages: 3)])
        #expect(try Self.ours(capabilities) == Self.foundation(capabilities))
        var statistics = HostStatistics()
        statistics.network["eth0"] = .init(name: "eth0", state: "up", speed: "1", duplex: "full", sampleTime: 1.25)
        #expect(try Self.ours(statistics) == Self.foundation(statistics))
    }

    private struct Wide: Encodable {
        var z: Int8 = -8
        var y: UInt64 = .max
        var x: Float = 0.1
        var w: Int? = nil
        var v: [Int?] = [1, nil]
        var u: [[String]] = [[], ["a"]]
        var t = [3: "by number"]
        var s = Nothing()
        struct Nothing: Encodable {}
    }

    /// Names one member twice, as a value that is flat in another may.
    private struct Twice: Encodable {
        enum CodingKeys: String, CodingKey {
            case a
            case b
        }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode("first", forKey: .b)
            try container.encode(1, forKey: .a)
            try container.encode("last", forKey: .b)
        }
    }

    @Test func scalars() throws {
        #expect(try Self.ours(Wide()) == Self.foundation(Wide()))
        #expect(try Self.ours(Twice()) == Self.foundation(Twice()))
        for text in ["plain", ""] { #expect(try Self.ours(text) == Self.foundation(text)) }
        #expect(try Self.ours(true) == "true")
        #expect(throws: (any Error).self) { try Self.ours(["a": Double.infinity]) }
        #expect(throws: (any Error).self) { try Self.ours(JSONValue.number(.nan)) }
    }

    private struct Nested: Encodable {
        enum CodingKeys: String, CodingKey { case a }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            var inner = container.nestedUnkeyedContainer(forKey: .a)
            try inner.encode(1)
        }
    }

    @Test("a value that asks for nested containers is left to Foundation")
    func nested() throws {
        #expect(try JSONFragmentEncoder.text(of: Nested()) == nil)
        #expect(String(buffer: try JSONText.encode(Nested())) == #"{"a":[1]}"#)
    }
}

/// SplitMix64: the same values for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
