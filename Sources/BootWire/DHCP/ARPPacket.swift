package import HostModel
package import NIOCore

/// An Ethernet frame with one ARP message about IPv4 (RFC 826).
package struct ARPPacket: Hashable, Sendable {
    package var sender: MACAddress
    package var senderAddress: IPv4Address
    package var targetAddress: IPv4Address
    /// True for an answer, false for a question.
    package var isReply: Bool

    /// Bytes: the Ethernet header and the message. A card fills it up to 60.
    package static let length = 42
    /// The Ethernet type.
    package static let etherType: UInt16 = 0x0806
    private static let ipv4: UInt16 = 0x0800

    /// "Does anybody have this address?" without saying that we do (RFC 5227, section 1.1), so that no table of neighbours
    /// changes by it and no router answers in somebody's place.
    package init(asking address: IPv4Address, from mac: MACAddress) {
        (sender, senderAddress, targetAddress, isReply) = (mac, .any, address, false)
    }

    /// Reads a frame; `nil` for anything but Ethernet's ARP about IPv4 from a machine's own address.
    package init?(parsing frame: ByteBuffer) {
        var frame = frame
        guard frame.readableBytes >= Self.length, frame.readBytes(length: 12) != nil,
            let header = frame.readMultipleIntegers(as: (UInt16, UInt16, UInt16, UInt8, UInt8, UInt16).self),
            header.0 == Self.etherType, header.1 == 1, header.2 == Self.ipv4, header.3 == 6, header.4 == 4,
            (1...2).contains(header.5), let mac = frame.readBytes(length: 6).flatMap({ MACAddress(octets: $0) }),
            let from = frame.readInteger(as: UInt32.self), frame.readBytes(length: 6) != nil,
            let to = frame.readInteger(as: UInt32.self), !mac.isMulticast, mac.rawValue != 0
        else { return nil }
        (sender, isReply) = (mac, header.5 == 2)
        (senderAddress, targetAddress) = (IPv4Address(rawValue: from), IPv4Address(rawValue: to))
    }

    /// The frame, sent to everybody.
    package var encoded: ByteBuffer {
        var frame = ByteBuffer()
        frame.writeRepeatingByte(0xFF, count: 6)
        frame.writeBytes(sender.octets)
        frame.writeMultipleIntegers(Self.etherType, UInt16(1), Self.ipv4, UInt8(6), UInt8(4), UInt16(isReply ? 2 : 1))
        frame.writeBytes(sender.octets)
        frame.writeInteger(senderAddress.rawValue)
        frame.writeRepeatingByte(0, count: 6)
        frame.writeInteger(targetAddress.rawValue)
        return frame
    }
}
