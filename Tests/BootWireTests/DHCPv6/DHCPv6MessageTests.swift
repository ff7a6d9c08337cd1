import HostModel
import NIOCore
import Testing

@testable import BootWire

/// DHCPv6 on the wire.
@Suite struct DHCPv6MessageTests {
    static let peer = IPv6Address(high: 0xFE80 << 48, low: 0x5054_00FF_FE00_0001)

    /// What OVMF's PXE sends, by its source (NetworkPkg/UefiPxeBcDxe): DUID-UUID, one association, options 59 and 60 asked for.
    static func solicit(
        _ type: DHCPv6MessageType = .solicit,
        architecture: UInt8 = 7,
        vendor: String = "PXEClient:Arch:00007:UNDI:003000",
        further: [DHCPv6Option] = []
    ) -> DHCPv6Message {
        let text = Array(vendor.utf8)
        return DHCPv6Message(
            type,
            transactionID: 0x12_3456,
            options: [
                DHCPv6Option(.clientID, [0, 4] + Array(1...16)),
                DHCPv6Option(.addresses, [0, 0, 0, 7] + Array(repeating: 0, count: 8)),
                DHCPv6Option(.request, [0, 59, 0, 60, 0, 23, 0, 16]),
                DHCPv6Option(.clientNetworkInterface, [1, 3, 0]),
                DHCPv6Option(.clientArchitecture, [0, architecture]),
                DHCPv6Option(.vendorClass, [0, 0, 1, 0x57, 0, UInt8(text.count)] + text),
            ] + further
        )
    }

    static func relayed(_ message: DHCPv6Message, times: Int = 1) -> DHCPv6Request {
        let relays = (0..<times).map { number in
            DHCPv6Envelope(
                hops: UInt8(times - 1 - number),
                link: .any,
                peer: peer,
                options: [
                    DHCPv6Option(.interfaceID, [1, 2, UInt8(number)]),
                    DHCPv6Option(.clientLinkLayerAddress, [0, 1, 0x52, 0x54, 0, 0, 0, 9]),
                ]
            )
        }
        return DHCPv6Request(message, relays: relays)
    }

    @Test("what is written is read", arguments: [0, 1, 8])
    func roundTrip(relays: Int) throws {
        let request = Self.relayed(Self.solicit(), times: relays)
        #expect(try DHCPv6Request(parsing: request.encoded) == request)
    }

    @Test("nine relays are too many, a relay's answer is for no server, and an envelope holds a message")
    func refuses() {
        #expect(throws: DHCPv6WireError.tooManyRelays) {
            try DHCPv6Request(parsing: Self.relayed(Self.solicit(), times: 9).encoded)
        }
        var answer = Array(Self.relayed(Self.solicit()).encoded.readableBytesView)
        answer[0] = 13
        #expect(throws: DHCPv6WireError.relayed) { try DHCPv6Request(parsing: ByteBuffer(bytes: answer)) }
        let empty = [UInt8](repeating: 0, count: 33)
        #expect(throws: DHCPv6WireError.emptyEnvelope) { try DHCPv6Request(parsing: ByteBuffer(bytes: [12] + empty)) }
    }

    @Test("every prefix and every flipped byte is read or refused, and what is read is within the message")
    func damaged() {
        let bytes = Array(Self.relayed(Self.solicit(), times: 2).encoded.readableBytesView)
        var read = 0
        for length in 0..<bytes.count {
            if (try? DHCPv6Request(parsing: ByteBuffer(bytes: bytes.prefix(length)))) != nil { read += 1 }
        }
        #expect(read == 0, "the envelope says how long it is")
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                guard let request = try? DHCPv6Request(parsing: ByteBuffer(bytes: damaged)) else { continue }
                #expect(request.encoded.readableBytes <= bytes.count)
            }
        }
    }

    @Test("an answer goes back through every relay, with what each knows its client by")
    func wraps() throws {
        let request = Self.relayed(Self.solicit(), times: 2)
        let answer = DHCPv6Message(.advertise, transactionID: 0x12_3456, options: [])
        let expected: [UInt8] = [13, 1] + IPv6Address.any.octets + Self.peer.octets
        let bytes = Array(request.wrapped(answer).readableBytesView)
        #expect(bytes.starts(with: expected + [0, 18, 0, 3, 1, 2, 0, 0, 9]))
        #expect(Array(bytes.suffix(4)) == [2, 0x12, 0x34, 0x56])
    }

    @Test("a relay with a port of its own (RFC 8357) is answered there, and is told what it said")
    func knowsTheRelaysPort() throws {
        var request = Self.relayed(Self.solicit(), times: 2)
        #expect(!request.isAnsweredToSourcePort)
        request.relays[1].options.append(DHCPv6Option(.relaySourcePort, [0, 0]))
        #expect(!request.isAnsweredToSourcePort, "the one further on has none")
        request.relays[0].options.append(DHCPv6Option(.relaySourcePort, [3, 232]))
        #expect(request.isAnsweredToSourcePort)
        let wrapped = Array(request.wrapped(DHCPv6Message(.advertise, transactionID: 1, options: [])).readableBytesView)
        #expect(Array(wrapped[41..<47]) == [0, 135, 0, 2, 3, 232])
    }

    @Test("who asked a relay is told from the first bytes; of others nothing is")
    func peeks() throws {
        let relayed = Self.relayed(Self.solicit()).encoded
        #expect(DHCPv6Request.peer(peeking: relayed) == Self.peer)
        #expect(DHCPv6Request.peer(peeking: DHCPv6Request(Self.solicit()).encoded) == nil)
        for length in 0..<34 {
            let part = ByteBuffer(relayed.readableBytesView.prefix(length))
            #expect(DHCPv6Request.peer(peeking: part) == nil)
        }
        var late = ByteBuffer(bytes: [1, 2])
        late.writeImmutableBuffer(relayed)
        late.moveReaderIndex(forwardBy: 2)
        #expect(DHCPv6Request.peer(peeking: late) == Self.peer)
    }

    /// Who is meant, from what is in the message and where it comes from.
    @Test func knowsTheCard() throws {
        func card(_ identifier: [UInt8], _ source: IPv6Address, relays: Int = 0) -> String? {
            var message = Self.solicit()
            message.options[0].payload = identifier
            return DHCPv6Client(of: Self.relayed(message, times: relays), from: source)?.mac?.description
        }
        let duid: [UInt8] = [0, 3, 0, 1, 0x52, 0x54, 0, 0, 0, 2]
        let stranger = IPv6Address(high: 0xFE80 << 48, low: 0x1234)
        #expect(card([0, 4] + Array(1...16), Self.peer) == "52:54:00:00:00:01", "from its link-local address")
        #expect(card(duid, Self.peer) == "52:54:00:00:00:01", "the card that asks, not the one of the identifier")
        #expect(card(duid, stranger) == "52:54:00:00:00:02")
        #expect(card([0, 1, 0, 1, 9, 9, 9, 9] + duid.suffix(6), stranger) == "52:54:00:00:00:02")
        #expect(card(duid, stranger, relays: 1) == "52:54:00:00:00:09", "what the relay saw")
        #expect(card([0, 4] + Array(1...16), stranger) == nil)
        #expect(card([0, 3, 0, 1, 0x53, 0x54, 0, 0, 0, 2], stranger) == nil, "a group's address")
        let client = try #require(DHCPv6Client(of: DHCPv6Request(Self.solicit()), from: Self.peer))
        #expect(client.hardwareID?.rawValue == "04030201-0605-0807-090a-0b0c0d0e0f10")
        #expect(card([0, 3], stranger) == nil)
        #expect(card(Array(repeating: 1, count: 131), stranger) == nil)
    }

    @Test("D43: the kind of firmware, by architecture, vendor class and user class")
    func knowsTheFirmware() {
        #expect(BootClient(of: Self.solicit()) == .pxe(.efi64))
        let http = Self.solicit(architecture: 16, vendor: "HTTPClient:Arch:00016:UNDI:003001")
        #expect(BootClient(of: http) == .http(.efi64HTTP))
        let class0 = DHCPv6Option(.userClass, [0, 4] + Array("iPXE".utf8))
        #expect(BootClient(of: Self.solicit(further: [class0])) == .ipxe(.efi64, hasHTTP: true))
        #expect(BootClient(of: DHCPv6Message(.solicit, transactionID: 1, options: [])) == .addressOnly)
    }
}

/// Addresses that are computed.
@Suite struct StableAddressesTests {
    private static func prefix(_ text: String = "fd00:77::1/64") throws -> LinkPrefix {
        try #require(IPv6Network(text).flatMap(LinkPrefix.init))
    }

    @Test(
        "a link's prefix is 64 bits long, and one that routers forward",
        arguments: ["fd00:77::1/56", "fd00:77::1/65", "fe80::1/64", "ff02::1/64"]
    )
    func refusesPrefixes(_ text: String) throws {
        let network = try #require(IPv6Network(text))
        #expect(LinkPrefix(network) == nil)
    }

    @Test("the same machine has the same address for ever, others have others, all of the prefix")
    func isStable() throws {
        let (addresses, prefix) = (StableAddresses(), try Self.prefix())
        let given = (0..<5000).compactMap { number in
            addresses.address(
                of: [0, 4, UInt8(number >> 8), UInt8(number & 0xFF)],
                association: 7,
                in: prefix,
                at: .zero
            )
        }
        #expect(Set(given).count == 5000 && given.allSatisfy { prefix.contains($0) })
        #expect(given.allSatisfy { $0.low >> 60 == 1 })
        #expect(addresses.address(of: [0, 4, 0, 3], association: 7, in: prefix, at: .seconds(9)) == given[3])
        #expect(addresses.address(of: [0, 4, 0, 3], association: 8, in: prefix, at: .zero) != given[3])
        // As it was when it was first written: machines keep their addresses over versions.
        #expect(given[3].description == "fd00:77::1341:da44:d38a:a4cf")
        let other = try Self.prefix("fd00:78::/64")
        #expect(addresses.address(of: [0, 4, 0, 3], association: 7, in: other, at: .zero)?.low == given[3].low)
    }

    @Test("an address that its client found in use is not given for a while; nobody declines another's")
    func declines() throws {
        var addresses = StableAddresses()
        let prefix = try Self.prefix()
        let first = try #require(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero))
        addresses.decline(first, by: [9, 9, 9], association: 1, at: .zero)
        #expect(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero) == first)
        addresses.decline(first, by: [1, 2, 3], association: 1, at: .zero)
        let second = try #require(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero))
        #expect(second != first)
        #expect(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: StableAddresses.declineTime) == first)
        for _ in 1..<StableAddresses.choices {
            let next = try #require(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero))
            addresses.decline(next, by: [1, 2, 3], association: 1, at: .zero)
        }
        #expect(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero) == nil)
    }

    @Test("an address that a client has it keeps, though another of its own is free again or somebody declined it")
    func keeps() throws {
        var addresses = StableAddresses()
        let prefix = try Self.prefix()
        let first = try #require(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero))
        addresses.decline(first, by: [1, 2, 3], association: 1, at: .zero)
        let second = try #require(addresses.address(of: [1, 2, 3], association: 1, in: prefix, at: .zero))
        let late = StableAddresses.declineTime
        func address(held: IPv6Address, isInUse: Bool, at now: Duration) -> IPv6Address? {
            addresses.address(of: [1, 2, 3], association: 1, in: prefix, held: [held], isInUse: isInUse, at: now)
        }
        #expect(address(held: second, isInUse: true, at: late) == second)
        #expect(address(held: second, isInUse: false, at: late) == second)
        // Forged: the client goes on with it.
        #expect(address(held: first, isInUse: true, at: .zero) == first)
        #expect(address(held: first, isInUse: false, at: .zero) == second)
        // What is not its own it does not get.
        let other = try #require(addresses.address(of: [9], association: 1, in: prefix, at: .zero))
        #expect(address(held: other, isInUse: true, at: late) == first)
        // The second one can be declined, too.
        addresses.decline(second, by: [1, 2, 3], association: 1, at: late)
        #expect(address(held: second, isInUse: false, at: late) == first)
    }
}
