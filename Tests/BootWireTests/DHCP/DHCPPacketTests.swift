import BootWire
import HostModel
import NIOCore
import Testing

@Suite struct DHCPPacketTests {
    static func discover(_ options: [DHCPOption] = []) throws -> DHCPPacket {
        let mac = try #require(MACAddress("52:54:00:12:34:56"))
        var packet = DHCPPacket(
            operation: .request,
            transactionID: 0x1234_5678,
            mac: mac,
            options: [.messageType(.discover)] + options
        )
        packet.isBroadcast = true
        return packet
    }

    /// The header of a discover, then these bytes as options.
    static func bytes(options: [UInt8]) throws -> [UInt8] {
        Array(try discover().encoded().bytes.readableBytesView.prefix(DHCPPacket.headerLength)) + options
    }

    @Test func writesTheHeader() throws {
        let encoded = try Self.discover().encoded()
        let bytes = Array(encoded.bytes.readableBytesView)
        #expect(bytes.prefix(12) == [1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0])
        #expect(bytes[28..<34] == [0x52, 0x54, 0, 0x12, 0x34, 0x56])
        #expect(bytes[236..<244] == [0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255])
        #expect(bytes.count == DHCPPacket.lengthMin, "some ROMs drop shorter ones")
        #expect(encoded.omitted.isEmpty)
    }

    @Test("D33: a long option is split and joined again")
    func splitsAndJoinsLongOptions() throws {
        let long = (0..<600).map { UInt8($0 % 251) }
        let packet = try Self.discover([.unknown(code: DHCPOptionCode(rawValue: 224), payload: long)])
        let bytes = packet.encoded(limit: 1444).bytes
        #expect(try DHCPPacket(parsing: bytes) == packet)
    }

    @Test("D33: options that do not fit go to file, then to sname, then nowhere")
    func overloads() throws {
        let options = [250, 100, 60, 200].enumerated().map { index, length in
            DHCPOption.unknown(
                code: DHCPOptionCode(rawValue: UInt8(200 + index)),
                payload: Array(repeating: 7, count: length)
            )
        }
        let packet = try Self.discover(options)
        let encoded = packet.encoded(limit: DHCPPacket.lengthAlwaysTaken)
        #expect(encoded.bytes.readableBytes <= DHCPPacket.lengthAlwaysTaken)
        let small = packet.encoded(limit: 300)
        #expect(small.bytes.readableBytes <= 300)
        #expect(small.omitted == [DHCPOptionCode(rawValue: 200), DHCPOptionCode(rawValue: 203)])
        let decoded = try DHCPPacket(parsing: small.bytes)
        #expect(Set(decoded.options.map(\.code.rawValue)) == [53, 201, 202])
        #expect(decoded.bootFile.isEmpty && decoded.serverName.isEmpty)
    }

    @Test func keepsTheNamesWhenOptionsDoNotFit() throws {
        var packet = try Self.discover([
            .unknown(code: DHCPOptionCode(rawValue: 200), payload: Array(repeating: 7, count: 100))
        ])
        (packet.bootFile, packet.serverName) = (Array("ipxe.efi".utf8), Array("10.77.0.1".utf8))
        let small = packet.encoded(limit: 300)
        #expect(small.omitted == [DHCPOptionCode(rawValue: 200)])
        let decoded = try DHCPPacket(parsing: small.bytes)
        #expect(decoded.bootFile == Array("ipxe.efi".utf8))
        #expect(decoded.serverName == Array("10.77.0.1".utf8))
    }

    @Test func writesTheRelaysOptionLast() throws {
        let packet = try Self.discover([.relayAgentInformation([1, 2, 3, 4]), .hostName([97]), .leaseTime(seconds: 1)])
        let bytes = Array(packet.encoded().bytes.readableBytesView.dropFirst(DHCPPacket.headerLength))
        #expect(bytes.starts(with: [53, 1, 1, 12, 1, 97, 51, 4, 0, 0, 0, 1, 82, 4, 1, 2, 3, 4, 255]))
    }

    @Test(
        "D32: the client's longest message is honoured between 576 and 1472",
        arguments: [
            (nil, 548), (300, 548), (0, 548), (576, 548), (1000, 972), (1472, 1444), (1500, 1444), (65280, 1444),
        ] as [(UInt16?, Int)]
    )
    func clampsTheMessageSize(asked: UInt16?, limit: Int) throws {
        let options = asked.map { [DHCPOption.maximumMessageSize($0)] } ?? []
        #expect(try Self.discover(options).replyLengthMax == limit)
    }

    struct Odd: CustomTestStringConvertible {
        var testDescription: String
        var options: [UInt8]
        var result: Result<[DHCPOption], DHCPWireError>

        init(_ name: String, _ options: [UInt8], _ result: Result<[DHCPOption], DHCPWireError>) {
            (testDescription, self.options, self.result) = (name, options, result)
        }
    }

    @Test(
        "D33: odd options are read or refused, and never past the end",
        arguments: [
            Odd("none", [], .success([])),
            Odd("no end mark", [53, 1, 1], .success([.messageType(.discover)])),
            Odd("pads only", [0, 0, 0], .success([])),
            Odd("option behind the end", [53, 1, 1, 255, 12, 1, 97], .success([.messageType(.discover)])),
            Odd("code without length", [53], .failure(.truncatedOption(.messageType))),
            Odd("length past the end", [12, 200, 97], .failure(.truncatedOption(.hostName))),
            Odd(
                "in two pieces",
                [12, 1, 97, 53, 1, 1, 12, 1, 98],
                .success([.hostName([97, 98]), .messageType(.discover)])
            ),
            Odd("overload of a wrong value", [52, 1, 9, 53, 1, 1], .success([.messageType(.discover)])),
            Odd("overload of a wrong length", [52, 2, 1, 1, 53, 1, 1], .success([.messageType(.discover)])),
        ]
    )
    func readsOddOptions(_ sample: Odd) throws {
        let bytes = ByteBuffer(bytes: try Self.bytes(options: sample.options))
        let result = Result { () throws(DHCPWireError) in try DHCPPacket(parsing: bytes).options }
        #expect(result == sample.result)
    }

    @Test("D34: what is no DHCP message is refused with its reason")
    func refuses() throws {
        let good = Array(try Self.discover().encoded().bytes.readableBytesView)
        func error(_ change: (inout [UInt8]) -> Void) -> DHCPWireError? {
            var bytes = good
            change(&bytes)
            do throws(DHCPWireError) {
                _ = try DHCPPacket(parsing: ByteBuffer(bytes: bytes))
                return nil
            } catch { return error }
        }
        #expect(error { $0 = Array($0.prefix(200)) } == .shorterThanHeader(length: 200))
        #expect(error { $0[0] = 3 } == .badOperation(3))
        #expect(error { $0[2] = 17 } == .badHardwareLength(17))
        #expect(error { $0[2] = 255 } == .badHardwareLength(255))
        #expect(error { $0[236] = 0 } == .badCookie(0x0082_5363))
    }

    @Test(
        "D34: hardware without an Ethernet address has none",
        arguments: [
            (1, 0), (1, 16), (32, 6), (1, 5),
        ] as [(UInt8, UInt8)]
    )
    func readsHardware(type: UInt8, length: UInt8) throws {
        var packet = try Self.discover()
        #expect(packet.mac != nil)
        (packet.hardwareType, packet.hardwareLength) = (type, length)
        #expect(packet.mac == nil)
    }

    @Test("D5: user classes are read raw and with their lengths")
    func readsUserClasses() throws {
        func classes(_ bytes: [UInt8]) throws -> [[UInt8]] { try Self.discover([.userClass(bytes)]).userClasses }
        let ipxe = Array("iPXE".utf8)
        #expect(try classes(ipxe) == [ipxe])
        #expect(try classes([4] + ipxe) == [ipxe])
        #expect(try classes([1, 97, 4] + ipxe) == [[97], ipxe])
        #expect(try classes([9] + ipxe) == [[9] + ipxe])
        #expect(try classes([0, 1, 97]) == [[0, 1, 97]])
        #expect(try Self.discover().userClasses.isEmpty)
    }

    @Test("D15: the UUID is read as Linux prints it; one of another type or length is none")
    func readsTheMachinesUUIDAsLinuxPrintsIt() throws {
        let wire: [UInt8] = [
            0, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
        ]
        func uuid(_ bytes: [UInt8]) throws -> HardwareID? {
            try Self.discover([.clientMachineIdentifier(bytes)]).hardwareID
        }
        #expect(try uuid(wire)?.rawValue == "00112233-4455-6677-8899-aabbccddeeff")
        #expect(try uuid([1] + wire.dropFirst()) == nil)
        #expect(try uuid(Array(wire.prefix(16))) == nil)
        #expect(try uuid(Array(repeating: 0, count: 17)) == nil)
    }

    @Test func readsTheLinkOfARelay() throws {
        var packet = try Self.discover([.relayAgentInformation([1, 1, 9, 5, 4, 10, 9, 0, 1])])
        packet.relayAddress = IPv4Address(rawValue: 0x0A4D_0001)
        #expect(packet.linkAddress == IPv4Address("10.9.0.1"))
        packet.options = [.relayAgentInformation([5, 200])]
        #expect(packet.linkAddress == IPv4Address("10.77.0.1"))
        packet.relayAddress = .any
        #expect(packet.linkAddress == nil)
    }
}
