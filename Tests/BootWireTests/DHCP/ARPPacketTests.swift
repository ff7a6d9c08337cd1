import BootWire
import HostModel
import NIOCore
import Testing

@Suite struct ARPPacketTests {
    private static func probe() throws -> ARPPacket {
        ARPPacket(asking: LeaseTableTests.address(10), from: try #require(MACAddress("52:54:00:12:34:56")))
    }

    @Test("the question of RFC 5227: to everybody, from no address")
    func writes() throws {
        let bytes = Array(try Self.probe().encoded.readableBytesView)
        #expect(bytes.prefix(14) == [255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 6])
        #expect(bytes[14..<22] == [0, 1, 8, 0, 6, 4, 0, 1])
        #expect(bytes[28..<32] == [0, 0, 0, 0] && bytes.suffix(4) == [10, 77, 0, 10])
        #expect(bytes.count == ARPPacket.length)
    }

    @Test("what was written is read, with a card's filling behind it; every prefix and every other protocol is refused")
    func reads() throws {
        let packet = try Self.probe()
        var frame = packet.encoded
        frame.writeRepeatingByte(0, count: 18)
        #expect(ARPPacket(parsing: frame) == packet)
        let bytes = Array(packet.encoded.readableBytesView)
        for length in 0..<bytes.count { #expect(ARPPacket(parsing: ByteBuffer(bytes: bytes.prefix(length))) == nil) }
        for index in 12..<22 where index != 20 {
            var other = bytes
            other[index] ^= 0x40
            #expect(ARPPacket(parsing: ByteBuffer(bytes: other)) == nil)
        }
    }
}
