import BootWire
import HostModel
import NIOCore

/// What machines send to the boot server. The input is several datagrams, each behind its length in two bytes, so that what
/// one leaves behind meets the next.
enum BootFuzz {
    /// More add nothing.
    private static let datagramsMax = 32

    static func datagrams(_ bytes: [UInt8]) -> [ByteBuffer] {
        var (rest, datagrams) = (ByteBuffer(bytes: bytes), [ByteBuffer]())
        while datagrams.count < datagramsMax, let length = rest.readInteger(as: UInt16.self) {
            guard let datagram = rest.readSlice(length: min(Int(length), rest.readableBytes)) else { break }
            datagrams.append(datagram)
        }
        return datagrams
    }
}

// MARK: - DHCP

/// A server with nine addresses of its own network, one of them kept, and a network behind relays.
struct DHCPFuzz {
    private let networks: DHCPNetworks
    private var tables: [LeaseTable]
    private let proxy: ProxyResponder
    private var now = Duration.zero

    init() throws {
        let files = BootFiles(baseURL: "http://10.77.0.1")
        let server = Self.address(0, 1)
        guard let network = IPv4Network(server, prefixLength: 24),
            let relayed = IPv4Network(Self.address(1, 0), prefixLength: 24), let mac = MACAddress("52:54:00:00:00:01")
        else { preconditionFailure("these are an address, a network and a card") }
        let own = try DHCPSettings(
            server: server,
            network: network,
            pool: Self.address(0, 10)...Self.address(0, 18),
            bootFiles: files
        )
        let far = try DHCPSettings(
            server: server,
            relayed: relayed,
            pool: Self.address(1, 10)...Self.address(1, 18),
            router: Self.address(1, 1),
            bootFiles: files
        )
        networks = try DHCPNetworks(own, relayed: [far])
        let kept = AddressReservation(mac: mac, address: Self.address(0, 10))
        tables = networks.all.map { $0.emptyLeaseTable(reservations: [kept]) }
        proxy = ProxyResponder(server: server, files: files)
    }

    private static func address(_ network: UInt32, _ last: UInt32) -> IPv4Address {
        IPv4Address(rawValue: 0x0A4D_0000 + network << 8 + last)
    }

    mutating func take(_ datagram: ByteBuffer) {
        if let sighting = ARPPacket(parsing: datagram) {
            _ = tables[0].note(sighting.senderAddress, heldBy: sighting.sender, at: now)
        }
        guard let packet = try? DHCPPacket(parsing: datagram) else { return }
        Self.writeAndRead(packet)
        for port in [ProxyResponder.Port.discovery, .bootServer] {
            for verdict in [DHCPResponder.BootVerdict.allowed, .stopped] {
                check(proxy.respond(to: packet, at: port, verdict: verdict))
            }
        }
        now += .seconds(Int64(packet.seconds))
        guard let index = networks.index(for: packet) else { return }
        let settings = networks.all[index]
        let outcome = DHCPResponder(settings: settings).respond(to: packet, leases: tables[index], now: now)
        for change in outcome.changes { tables[index].apply(change) }
        check(outcome)
        if let reply = outcome.reply { check(reply, to: packet, settings, tables[index]) }
        precondition(tables[index].leases.count <= 10, "more leases than addresses")
    }

    /// What was read can be written, and is then the same to whoever reads it. The relay's option may be left out: it is.
    private static func writeAndRead(_ packet: DHCPPacket) {
        let encoded = packet.encoded(limit: 1 << 18)
        guard let again = try? DHCPPacket(parsing: encoded.bytes) else { preconditionFailure("written and not read") }
        precondition(encoded.omitted.isEmpty, "there is room for all")
        precondition(Set(again.options) == Set(packet.options), "the options are others")
        precondition(
            again.hardwareAddress == packet.hardwareAddress && again.serverName == packet.serverName
                && again.bootFile == packet.bootFile && again.transactionID == packet.transactionID,
            "the header is another"
        )
    }

    private func check(_ outcome: DHCPOutcome) {
        precondition(outcome.reply == nil || outcome.silence == nil, "an answer and a silence")
        for event in outcome.events {
            precondition(event.detail.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "an event that breaks its line")
        }
        guard let reply = outcome.reply else { return }
        let bytes = reply.packet.encoded(limit: reply.lengthMax).bytes
        precondition(bytes.readableBytes <= max(reply.lengthMax, DHCPPacket.lengthMin), "longer than the client takes")
        precondition((try? DHCPPacket(parsing: bytes)) != nil, "an answer that nobody can read")
    }

    private func check(_ reply: DHCPReply, to request: DHCPPacket, _ settings: DHCPSettings, _ table: LeaseTable) {
        if case .relay(let relay) = reply.destination {
            precondition(networks.index(of: relay) != nil, "an answer to a relay that nobody named")
        }
        if case .client(let address) = reply.destination {
            precondition(settings.network.contains(address), "an answer out of the network")
        }
        guard reply.packet.yourAddress != .any else { return }
        precondition(settings.network.contains(reply.packet.yourAddress), "a foreign address was given")
        guard reply.packet.messageType == .acknowledge else { return }
        let lease = table.lease(at: reply.packet.yourAddress)
        precondition(lease?.state == .bound && lease?.client.mac == request.mac, "acknowledged without a lease")
    }
}

// MARK: - TFTP

/// One transfer: its request, and then what the client sends. An empty datagram is a silence.
enum TFTPFuzz {
    static func run(_ bytes: [UInt8]) {
        var datagrams = BootFuzz.datagrams(Array(bytes.dropFirst(4)))
        for datagram in datagrams { writeAndRead(datagram) }
        guard !datagrams.isEmpty, case .readRequest(let request)? = try? TFTPPacket(parsing: datagrams.removeFirst())
        else { return }
        if let path = TFTPPath(request.fileName) {
            let isSafe = path.components.allSatisfy { $0 != ".." && $0 != "." && !$0.contains("/") && !$0.isEmpty }
            precondition(isSafe, "a way out of the directory")
        }
        // Up to 4 GiB and more, so that block numbers wrap.
        let size = bytes.prefix(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } * 3
        let limits = TFTPTerms.Limits(mtu: 1500)
        let terms = TFTPTerms(settling: request, size: size, limits: limits)
        precondition((8...limits.blockSizeMax).contains(terms.blockSize), "a block that nobody allowed")
        precondition((1...limits.windowSizeMax).contains(terms.windowSize), "a window that nobody allowed")
        transfer(TFTPReadTransfer(size: size, terms: terms), datagrams)
    }

    private static func transfer(_ start: TFTPReadTransfer, _ datagrams: [ByteBuffer]) {
        var machine = start
        var blocksBeforeAnAnswer = 0
        var isAnswered = false
        for event in [.start] + datagrams.compactMap(event) {
            if case .received(.acknowledgement) = event { isAnswered = true }
            let wasFinished = machine.isFinished
            let actions = machine.handle(event)
            precondition(!wasFinished || actions.isEmpty, "an ended transfer acts")
            for case .sendBlocks(let blocks) in actions {
                precondition(blocks.count <= machine.terms.windowSize, "more than a window")
                precondition(blocks.upperBound <= machine.lastIndex, "a block behind the last one")
                let last = machine.block(blocks.upperBound)
                precondition(last.offset + UInt64(last.length) <= machine.size, "bytes behind the file's end")
                if !isAnswered { blocksBeforeAnAnswer += blocks.count }
            }
        }
        let tries = TFTPReadTransfer.triesMax + 1
        precondition(blocksBeforeAnAnswer <= tries * machine.terms.windowSize, "a stranger makes it send and send")
    }

    private static func event(_ datagram: ByteBuffer) -> TFTPReadTransfer.Event? {
        guard datagram.readableBytes > 0 else { return .timedOut }
        return (try? TFTPPacket(parsing: datagram)).map { .received($0) }
    }

    private static func writeAndRead(_ datagram: ByteBuffer) {
        let encoded = Netascii.encoded(datagram)
        precondition(encoded.readableBytes <= 2 * datagram.readableBytes, "text grows to twice its length at most")
        guard let packet = try? TFTPPacket(parsing: datagram) else { return }
        precondition((try? TFTPPacket(parsing: packet.encoded)) == packet, "what was written is read as something else")
    }
}
