import BootWire
import HostModel
import NIOCore
import Testing

@Suite struct CapturedPacketTests {
    struct Sample: CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var type: DHCPMessageType
        var client: BootClient
        var limit: Int
        /// The file that it is told to load.
        var file: String
        /// The vendor class of the answer.
        var vendor: String?
    }

    static let script = "http://10.77.0.1/boot/ipxe"

    static let samples = [
        Sample(
            testDescription: "iPXE ROM, discover",
            bytes: CapturedPackets.ipxeBIOSDiscover,
            type: .discover,
            client: .ipxe(.bios, hasHTTP: true),
            limit: 1444,
            file: script
        ),
        Sample(
            testDescription: "iPXE ROM, request",
            bytes: CapturedPackets.ipxeBIOSRequest,
            type: .request,
            client: .ipxe(.bios, hasHTTP: true),
            limit: 1444,
            file: script
        ),
        Sample(
            testDescription: "OVMF PXE, discover",
            bytes: CapturedPackets.ovmfDiscover,
            type: .discover,
            client: .pxe(.efi64),
            limit: 1444,
            file: "snponly.efi",
            vendor: "PXEClient"
        ),
        Sample(
            testDescription: "OVMF PXE, request",
            bytes: CapturedPackets.ovmfRequest,
            type: .request,
            client: .pxe(.efi64),
            limit: 1444,
            file: "snponly.efi",
            vendor: "PXEClient"
        ),
        Sample(
            testDescription: "ipxe.efi, discover",
            bytes: CapturedPackets.ipxeEFIDiscover,
            type: .discover,
            client: .ipxe(.efi64, hasHTTP: true),
            limit: 1444,
            file: script
        ),
        Sample(
            testDescription: "ipxe.efi, request",
            bytes: CapturedPackets.ipxeEFIRequest,
            type: .request,
            client: .ipxe(.efi64, hasHTTP: true),
            limit: 1444,
            file: script
        ),
        Sample(
            testDescription: "OVMF HTTP boot, discover",
            bytes: CapturedPackets.ovmfHTTPDiscover,
            type: .discover,
            client: .http(.efi64HTTP),
            limit: 1444,
            file: "http://10.77.0.1/boot/snponly.efi",
            vendor: "HTTPClient"
        ),
    ]

    @Test(arguments: samples)
    func isUnderstood(_ sample: Sample) throws {
        let packet = try DHCPPacket(parsing: ByteBuffer(bytes: sample.bytes))
        #expect(packet.messageType == sample.type)
        #expect(packet.mac?.octets.starts(with: [0x52, 0x54, 0, 0, 0]) == true)
        #expect(BootClient(of: packet) == sample.client)
        #expect(packet.replyLengthMax == sample.limit)
        #expect(packet.hardwareID == nil, "a machine without a UUID sends zeros")
        for case .unknown(let code, _) in packet.options {
            #expect(![53, 55, 57, 60, 93, 94, 97, 175].contains(code.rawValue))
        }
    }

    @Test(arguments: samples)
    func survivesARoundTrip(_ sample: Sample) throws {
        let packet = try DHCPPacket(parsing: ByteBuffer(bytes: sample.bytes))
        let again = packet.encoded(limit: 1444)
        #expect(again.omitted.isEmpty)
        #expect(try DHCPPacket(parsing: again.bytes) == packet)
    }

    @Test(
        "D8, D41: every captured message is answered in full, 300 bytes at least, option 67 with its NUL",
        arguments: samples
    )
    func isAnswered(_ sample: Sample) throws {
        let packet = try DHCPPacket(parsing: ByteBuffer(bytes: sample.bytes))
        var settings = try LeaseTableTests.settings(pool: 10...120)
        settings.router = settings.server
        let responder = DHCPResponder(settings: settings)
        let outcome = responder.respond(to: packet, leases: settings.emptyLeaseTable(), now: .zero)
        let reply = try #require(outcome.reply)
        let encoded = reply.packet.encoded(limit: reply.lengthMax)
        #expect(encoded.omitted.isEmpty)
        #expect((DHCPPacket.lengthMin...sample.limit).contains(encoded.bytes.readableBytes))
        let read = try DHCPPacket(parsing: encoded.bytes)
        #expect(read.messageType == (sample.type == .discover ? .offer : .acknowledge))
        #expect(String(decoding: read.bootFile, as: UTF8.self) == sample.file)
        #expect(read.nextServer == settings.server)
        #expect(read.vendorClass.map { String(decoding: $0, as: UTF8.self) } == sample.vendor)
        #expect(read.clientMachineIdentifier == packet.clientMachineIdentifier)
        let pxe = read.options.contains(.vendorSpecific([6, 1, 8, 255]))
        #expect(pxe == (sample.vendor == "PXEClient"))
        // Whoever asks for the file as an option gets it with its NUL.
        let wire = Array(encoded.bytes.readableBytesView)
        let option = [67, UInt8(sample.file.utf8.count + 1)] + Array(sample.file.utf8) + [0]
        #expect(wire.contains(option) == packet.asks(for: .bootFileName))
    }

    @Test("a denied machine gets an address and nothing to boot", arguments: samples)
    func isDenied(_ sample: Sample) throws {
        let packet = try DHCPPacket(parsing: ByteBuffer(bytes: sample.bytes))
        let settings = try LeaseTableTests.settings(pool: 10...120)
        let responder = DHCPResponder(settings: settings)
        let verdict = DHCPResponder.BootVerdict.denied(profile: "deny", reason: "no\u{1B}[31m")
        let outcome = responder.respond(to: packet, leases: settings.emptyLeaseTable(), verdict: verdict, now: .zero)
        let reply = try #require(outcome.reply?.packet)
        #expect(reply.yourAddress != .any)
        #expect(reply.bootFile.isEmpty && reply.serverName.isEmpty && reply.nextServer == .any)
        let codes: Set<DHCPOptionCode> = [.vendorClass, .vendorSpecific, .bootFileName, .tftpServerName, .ipxe]
        #expect(codes.isDisjoint(with: reply.options.map(\.code)))
        if sample.type == .discover {
            #expect(outcome.events.map(\.stage) == [.denied])
            #expect(outcome.events.first?.outcome == "deny")
            #expect(outcome.events.first?.hardwareID == packet.hardwareID)
            #expect(outcome.events.first?.detail.contains("\u{1B}") == false)
        }
    }

    /// The whole way of a datagram, without the socket: nothing in it may trap.
    static func process(_ bytes: some Sequence<UInt8>, _ responder: DHCPResponder, _ table: inout LeaseTable) {
        guard let packet = try? DHCPPacket(parsing: ByteBuffer(bytes: bytes)) else { return }
        #expect((try? DHCPPacket(parsing: packet.encoded(limit: 65_000).bytes)) != nil)
        let outcome = responder.respond(to: packet, leases: table, now: .zero)
        for change in outcome.changes { table.apply(change) }
        guard let reply = outcome.reply else { return }
        let encoded = reply.packet.encoded(limit: reply.lengthMax).bytes
        #expect(encoded.readableBytes <= reply.lengthMax)
        #expect(throws: Never.self) { try DHCPPacket(parsing: encoded) }
    }

    @Test("D33: every prefix of a packet and every flipped byte is answered or dropped", arguments: samples)
    func survivesDamage(_ sample: Sample) throws {
        let settings = try LeaseTableTests.settings(pool: 10...120)
        let responder = DHCPResponder(settings: settings)
        var table = settings.emptyLeaseTable()
        for length in 0...sample.bytes.count { Self.process(sample.bytes.prefix(length), responder, &table) }
        for index in sample.bytes.indices {
            for mask: UInt8 in [1, 0x10, 0x80, 0xFF] {
                var bytes = sample.bytes
                bytes[index] ^= mask
                Self.process(bytes, responder, &table)
            }
        }
    }

    @Test("noise behind a good header is answered or dropped", arguments: 1...200)
    func survivesNoise(seed: UInt64) throws {
        let settings = try LeaseTableTests.settings(pool: 10...120)
        var table = settings.emptyLeaseTable()
        var noise = LossyLine(state: seed &* 0x9E37_79B9_7F4A_7C15)
        var bytes = Array(CapturedPackets.ipxeEFIRequest.prefix(DHCPPacket.headerLength))
        for _ in 0..<Int(seed * 7) {
            _ = noise.loses()
            bytes.append(UInt8(truncatingIfNeeded: noise.state))
        }
        Self.process(bytes, DHCPResponder(settings: settings), &table)
    }

    @Test func readsTFTP() throws {
        let options = [("blksize", "1468"), ("windowsize", "4")]
        let size = try TFTPPacket(parsing: ByteBuffer(bytes: CapturedPackets.ovmfSizeRequest))
        #expect(size == .readRequest(TFTPPacketTests.request("ipxe.efi", .octet, [("tsize", "0")] + options)))
        let read = try TFTPPacket(parsing: ByteBuffer(bytes: CapturedPackets.ovmfReadRequest))
        #expect(read == .readRequest(TFTPPacketTests.request("ipxe.efi", .octet, options)))
        let abort = try TFTPPacket(parsing: ByteBuffer(bytes: CapturedPackets.ovmfAbort))
        #expect(abort == .error(.optionsRefused, message: TFTPPacketTests.text("User aborted the transfer")))
    }
}
