import HostModel
package import NIOCore

extension DHCPPacket {
    /// The shortest message sent, in bytes: some ROMs drop what is shorter than BOOTP's 300.
    package static let lengthMin = 300
    /// What every client takes (RFC 2131, section 2): 576 bytes of IP datagram without its IP and UDP headers.
    package static let lengthAlwaysTaken = 576 - ipAndUDPHeaders
    private static let ipAndUDPHeaders = 28
    private static let datagramMax: UInt16 = 1472

    /// The longest message that may answer this one, in bytes: its option 57, at least 576 and at most 1472, less the IP
    /// and UDP headers. OVMF asks with 1472 first and with the same number byte-swapped (65280 and more) next.
    package var replyLengthMax: Int {
        Int(min(max(maximumMessageSize ?? 576, 576), Self.datagramMax)) - Self.ipAndUDPHeaders
    }

    /// A message as bytes, and the options that it has no room for.
    package struct Encoded: Hashable, Sendable {
        package var bytes: ByteBuffer
        package var omitted: [DHCPOptionCode]
    }

    /// Writes the message in at most `limit` bytes (at least 300), padded to 300.
    ///
    /// Options keep their order, but the relay's comes last (RFC 3046, section 2.2). What does not fit goes to the `file`
    /// and `sname` fields when these are free (option 52), and is left out when it does not fit there either.
    package func encoded(limit: Int = lengthAlwaysTaken) -> Encoded {
        let layout = OptionLayout(of: self, capacity: max(limit, Self.lengthMin) - Self.headerLength)
        var buffer = ByteBuffer()
        buffer.reserveCapacity(max(limit, Self.lengthMin))
        buffer.writeMultipleIntegers(operation.rawValue, hardwareType, hardwareLength, hops)
        buffer.writeMultipleIntegers(transactionID, seconds, flags)
        buffer.writeMultipleIntegers(clientAddress.rawValue, yourAddress.rawValue)
        buffer.writeMultipleIntegers(nextServer.rawValue, relayAddress.rawValue)
        buffer.writeBytes(hardwareAddress)
        buffer.writeField(layout.serverName.isEmpty ? serverName : layout.serverName, length: Self.serverNameLength)
        buffer.writeField(layout.file.isEmpty ? bootFile : layout.file, length: Self.bootFileLength)
        buffer.writeInteger(Self.cookie)
        buffer.writeBytes(layout.main)
        buffer.writeInteger(DHCPOptionCode.end.rawValue)
        buffer.writeRepeatingByte(0, count: max(0, Self.lengthMin - buffer.readableBytes))
        return Encoded(bytes: buffer, omitted: layout.omitted)
    }
}

/// Which option stands in which field.
private struct OptionLayout {
    private(set) var main: [UInt8] = []
    private(set) var file: [UInt8] = []
    private(set) var serverName: [UInt8] = []
    private(set) var omitted: [DHCPOptionCode] = []

    private static let overloadLength = 3
    private static let endLength = 1

    init(of packet: DHCPPacket, capacity: Int) {
        var relay = packet.options.filter { $0.code == .relayAgentInformation }.flatMap(\.wire)
        // A relay's text of this length would push the answer itself out of the message.
        if relay.count > capacity / 2 { (relay, omitted) = ([], [.relayAgentInformation]) }
        let options = packet.options.filter { $0.code != .relayAgentInformation && $0.code != .overload }
        let room = capacity - relay.count - Self.endLength
        if options.reduce(0, { $0 + $1.wire.count }) <= room {
            main = options.flatMap(\.wire) + relay
            return
        }
        place(options, in: packet, room: room - Self.overloadLength)
        let overload: UInt8 = (file.isEmpty ? 0 : 1) + (serverName.isEmpty ? 0 : 2)
        if overload != 0 { main += [DHCPOptionCode.overload.rawValue, 1, overload] }
        main += relay
        if !file.isEmpty { file.append(DHCPOptionCode.end.rawValue) }
        if !serverName.isEmpty { serverName.append(DHCPOptionCode.end.rawValue) }
    }

    private mutating func place(_ options: [DHCPOption], in packet: DHCPPacket, room: Int) {
        let fileRoom = packet.bootFile.isEmpty ? DHCPPacket.bootFileLength - Self.endLength : 0
        let nameRoom = packet.serverName.isEmpty ? DHCPPacket.serverNameLength - Self.endLength : 0
        for option in options {
            let wire = option.wire
            if main.count + wire.count <= room {
                main += wire
            } else if file.count + wire.count <= fileRoom {
                file += wire
            } else if serverName.count + wire.count <= nameRoom {
                serverName += wire
            } else {
                omitted.append(option.code)
            }
        }
    }
}

extension DHCPOption {
    /// Code, length and payload, in pieces of at most 255 bytes (RFC 3396).
    fileprivate var wire: [UInt8] {
        var rest = payload[...]
        var wire: [UInt8] = []
        repeat {
            let piece = rest.prefix(255)
            wire += [code.rawValue, UInt8(piece.count)] + piece
            rest = rest.dropFirst(255)
        } while !rest.isEmpty
        return wire
    }
}

extension ByteBuffer {
    /// Writes a field of fixed length: the text cut so that a NUL follows it, or the options, and zeros.
    fileprivate mutating func writeField(_ bytes: [UInt8], length: Int) {
        let kept = bytes.prefix(length)
        writeBytes(kept)
        writeRepeatingByte(0, count: length - kept.count)
    }
}
