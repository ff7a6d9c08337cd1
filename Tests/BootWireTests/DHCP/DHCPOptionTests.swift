import BootWire
import HostModel
import Testing

@Suite struct DHCPOptionTests {
    static let address = IPv4Address(rawValue: 0x0A4D_0001)

    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var code: UInt8
        var payload: [UInt8]
        var option: DHCPOption

        init(_ name: String, _ code: UInt8, _ payload: [UInt8], _ option: DHCPOption) {
            (testDescription, self.code, self.payload, self.option) = (name, code, payload, option)
        }
    }

    static let cases = [
        Case("mask", 1, [255, 255, 255, 0], .subnetMask(IPv4Address(rawValue: 0xFFFF_FF00))),
        Case("two routers", 3, [10, 77, 0, 1, 10, 77, 0, 1], .routers([address, address])),
        Case("name servers", 6, [10, 77, 0, 1], .domainNameServers([address])),
        Case("host name", 12, [0x24, 0x28, 10], .hostName([0x24, 0x28, 10])),
        Case("vendor specific", 43, [6, 1, 8, 255], .vendorSpecific([6, 1, 8, 255])),
        Case("requested address", 50, [10, 77, 0, 1], .requestedAddress(address)),
        Case("lease time", 51, [0, 0, 14, 16], .leaseTime(seconds: 3600)),
        Case("message type", 53, [1], .messageType(.discover)),
        Case("message type of tomorrow", 53, [99], .messageType(DHCPMessageType(rawValue: 99))),
        Case(
            "parameter list",
            55,
            [1, 67, 200],
            .parameterRequestList([.subnetMask, .bootFileName, .init(rawValue: 200)])
        ),
        Case("message size", 57, [5, 192], .maximumMessageSize(1472)),
        Case("client identifier", 61, [1, 2, 3], .clientIdentifier([1, 2, 3])),
        Case("boot file with NUL", 67, [97, 98, 0], .bootFileName([97, 98])),
        Case("architectures", 93, [0, 16, 0, 7], .clientArchitecture([.efi64HTTP, .efi64])),
        Case("architecture of tomorrow", 93, [1, 44], .clientArchitecture([ClientArchitecture(rawValue: 300)])),
        Case("network interface", 94, [1, 3, 16], .clientNetworkInterface(type: 1, major: 3, minor: 16)),
        Case("iPXE", 175, [176, 1, 1], .ipxe(EncapsulatedOptions([.init(code: 176, payload: [1])]))),
        Case("unknown", 224, [1, 2], .unknown(code: DHCPOptionCode(rawValue: 224), payload: [1, 2])),
        // A payload without its option's form survives.
        Case("short mask", 1, [255, 255], .unknown(code: .subnetMask, payload: [255, 255])),
        Case(
            "two masks",
            1,
            [0, 0, 0, 0, 0, 0, 0, 0],
            .unknown(code: .subnetMask, payload: Array(repeating: 0, count: 8))
        ),
        Case("no router", 3, [], .unknown(code: .router, payload: [])),
        Case("empty type", 53, [], .unknown(code: .messageType, payload: [])),
        Case("odd architecture", 93, [0], .unknown(code: .clientArchitecture, payload: [0])),
        Case("no architecture", 93, [], .unknown(code: .clientArchitecture, payload: [])),
        Case("iPXE past its end", 175, [176, 9, 1], .unknown(code: .ipxe, payload: [176, 9, 1])),
    ]

    @Test(arguments: cases)
    func roundTrips(_ sample: Case) {
        let code = DHCPOptionCode(rawValue: sample.code)
        let option = DHCPOption(code: code, payload: sample.payload)
        #expect(option == sample.option)
        #expect(option.code == code)
        #expect(option.payload == sample.payload)
    }

    @Test("any payload under any code survives", arguments: UInt8.min...UInt8.max)
    func survives(code: UInt8) {
        for length in 0...40 {
            let payload = (0..<length).map { UInt8($0 % 7 + 1) }
            let option = DHCPOption(code: DHCPOptionCode(rawValue: code), payload: payload)
            #expect(option.code.rawValue == code)
            let again = DHCPOption(code: option.code, payload: option.payload)
            #expect(again == option)
        }
    }

    @Test func readsEncapsulatedOptions() throws {
        let pads = try #require(EncapsulatedOptions(parsing: [0, 6, 1, 8, 0, 255, 0, 0]))
        #expect(pads == EncapsulatedOptions([.init(code: 6, payload: [8])], hasEnd: true))
        #expect(pads.encoded == [6, 1, 8, 255])
        #expect(EncapsulatedOptions(parsing: [6, 2, 8]) == nil)
        #expect(EncapsulatedOptions(parsing: [6]) == nil)
        #expect(EncapsulatedOptions(parsing: [255, 1]) == nil)
    }
}
