import BootWire
import HostModel
import NIOCore
import Testing

/// PXE answers without addresses, for what firmware asks on 67 and on 4011.
@Suite struct ProxyResponderTests {
    private typealias Client = BootClientTests

    private static let server = IPv4Address(rawValue: 0x0A4D_0001)
    private static let responder = ProxyResponder(server: server, files: BootFiles(baseURL: "http://10.77.0.1"))
    private static let uuid = DHCPOption.clientMachineIdentifier([0] + Array(1...16))

    private static func discover(_ options: [DHCPOption]) throws -> DHCPOutcome {
        responder.respond(to: try DHCPPacketTests.discover(options), at: .discovery)
    }

    /// What firmware sends to port 4011 once it has an address.
    private static func ask(
        _ options: [DHCPOption],
        type: DHCPMessageType = .request
    ) throws -> DHCPOutcome {
        var packet = try DHCPPacketTests.discover(options)
        packet.options[0] = .messageType(type)
        (packet.clientAddress, packet.isBroadcast) = (IPv4Address(rawValue: 0x0A4D_0032), false)
        return responder.respond(to: packet, at: .bootServer)
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func vendorClass(_ packet: DHCPPacket) -> String? { packet.vendorClass.map(text) }

    @Test("D2: a BIOS ROM is told of its loader beside somebody else's address, and to boot it at once")
    func tellsBIOS() throws {
        let reply = try #require(try Self.discover([Client.pxe, Client.architecture(0), Self.uuid]).reply)
        #expect(reply.destination == .broadcast)
        #expect(reply.packet.messageType == .offer && reply.packet.serverIdentifier == Self.server)
        #expect(Self.text(reply.packet.bootFile) == "undionly.kpxe" && reply.packet.nextServer == Self.server)
        #expect(Self.vendorClass(reply.packet) == "PXEClient")
        #expect(reply.packet.vendorSpecific == [6, 1, 8, 255])
        #expect(reply.packet.options.contains(Self.uuid), "firmware drops an offer without its UUID")
    }

    @Test("D3: each architecture has its file, and an unknown one is met with silence")
    func tellsArchitectures() throws {
        let files: [UInt16: String] = [
            0: "undionly.kpxe", 6: "snponly-i386.efi", 7: "snponly.efi", 9: "snponly.efi", 11: "snponly-arm64.efi",
        ]
        for (number, file) in files {
            let outcome = try Self.discover([Client.pxe, Client.architecture(number)])
            #expect(outcome.reply.map { Self.text($0.packet.bootFile) } == file)
            #expect(outcome.events.map(\.stage) == [.discover])
        }
        let unknown = try Self.discover([Client.pxe, Client.architecture(99)])
        #expect(unknown.reply == nil && unknown.silence == .noLoader)
        #expect(
            unknown.events.map(\.detail) == ["PXE firmware, architecture 99 is not answered: there is no loader for it"]
        )
    }

    @Test("D4: of several architectures the first known counts; a malformed option is no architecture")
    func readsArchitectures() throws {
        let several = try Self.discover([Client.pxe, Client.architecture(99, 7)])
        #expect(several.reply.map { Self.text($0.packet.bootFile) } == "snponly.efi")
        for payload: [UInt8] in [[], [0], [0, 7, 0]] {
            let odd = DHCPOption.unknown(code: .clientArchitecture, payload: payload)
            #expect(try Self.discover([Client.vendor("PXEClient"), odd]).silence == .doesNotBoot)
        }
    }

    @Test("D5: iPXE gets its script by either form of its user class, in an offer that it takes")
    func tellsIPXE() throws {
        let name = Array("iPXE".utf8)
        for userClass in [name, [4] + name] {
            let reply = try #require(
                try Self.discover([Client.pxe, Client.architecture(7), .userClass(userClass), Client.withHTTP]).reply
            )
            #expect(Self.text(reply.packet.bootFile) == Client.script)
            #expect(Self.vendorClass(reply.packet) == "PXEClient", "without it iPXE takes no proxy's offer")
            #expect(reply.packet.nextServer == Self.server, "without it iPXE asks port 4011")
            #expect(reply.packet.vendorSpecific == nil)
        }
    }

    @Test("D7: iPXE without HTTP is given the loader that has it")
    func readsFeatures() throws {
        let outcome = try Self.discover([Client.pxe, Client.architecture(0), Client.ipxe, Client.withoutHTTP])
        #expect(outcome.reply.map { Self.text($0.packet.bootFile) } == "undionly.kpxe")
    }

    @Test("D8: firmware that boots by HTTP gets a URL, and HTTPClient back")
    func tellsHTTP() throws {
        let options = [Client.http, Client.architecture(16), .parameterRequestList([.bootFileName, .vendorClass])]
        let reply = try #require(try Self.discover(options).reply?.packet)
        #expect(Self.vendorClass(reply) == "HTTPClient" && reply.vendorSpecific == nil)
        let url = Array("http://10.77.0.1/boot/snponly.efi".utf8)
        #expect(reply.bootFile == url && reply.options.contains(.bootFileName(url)))
    }

    @Test("D9: who says HTTP's number but asks as PXE is answered as PXE")
    func believesTheVendorClass() throws {
        let reply = try #require(try Self.discover([Client.pxe, Client.architecture(16)]).reply?.packet)
        #expect(Self.vendorClass(reply) == "PXEClient" && Self.text(reply.bootFile) == "snponly.efi")
    }

    @Test("D10: who does not ask what to boot is not answered")
    func ignoresOthers() throws {
        #expect(try Self.discover([]).silence == .doesNotBoot)
        #expect(try Self.discover([Client.architecture(7)]).silence == .doesNotBoot)
        #expect(try Self.discover([Client.vendor("MSFT 5.0"), Client.architecture(7)]).silence == .doesNotBoot)
        #expect(try Self.discover([Client.vendor("PXEClient")]).silence == .doesNotBoot)
    }

    @Test("D11: a proxy's offer gives no address, no lease and no network", arguments: [0, 7, 16] as [UInt16])
    func givesNoAddress(number: UInt16) throws {
        let vendor = number == 16 ? Client.http : Client.pxe
        let packet = try #require(try Self.discover([vendor, Client.architecture(number)]).reply?.packet)
        #expect(packet.yourAddress == .any && packet.clientAddress == .any)
        let codes: Set<DHCPOptionCode> = [
            .subnetMask, .router, .domainNameServer, .leaseTime, .renewalTime, .rebindingTime, .broadcastAddress,
        ]
        #expect(codes.isDisjoint(with: packet.options.map(\.code)))
    }

    @Test("D12: requests on 67 are another server's, whomever they name")
    func leavesRequestsAlone() throws {
        for type: DHCPMessageType in [.request, .inform, .decline, .release] {
            for named in [Self.server, IPv4Address(rawValue: 0x0A4D_0002)] {
                var packet = try DHCPPacketTests.discover([
                    Client.pxe, Client.architecture(7), .serverIdentifier(named),
                ])
                packet.options[0] = .messageType(type)
                let outcome = Self.responder.respond(to: packet, at: .discovery)
                #expect(outcome.reply == nil && outcome.events.isEmpty && outcome.silence == .anotherServer)
            }
        }
    }

    @Test("D13: unicast REQUEST on 4011 (arch 7) is acknowledged to its sender, with server and file")
    func answersTheBootServersPort() throws {
        let outcome = try Self.ask([Client.pxe, Client.architecture(7), Self.uuid, .serverIdentifier(Self.server)])
        let reply = try #require(outcome.reply)
        #expect(reply.destination == .sender)
        #expect(reply.packet.messageType == .acknowledge && reply.packet.serverIdentifier == Self.server)
        #expect(reply.packet.clientAddress == IPv4Address(rawValue: 0x0A4D_0032) && reply.packet.yourAddress == .any)
        #expect(Self.text(reply.packet.bootFile) == "snponly.efi" && reply.packet.nextServer == Self.server)
        #expect(Self.vendorClass(reply.packet) == "PXEClient" && reply.packet.options.contains(Self.uuid))
        #expect(outcome.events.map(\.detail) == ["PXE firmware, x64 UEFI asked port 4011 and was told of snponly.efi"])
        // So that firmware asks there: the offer says nothing of option 43 to UEFI.
        #expect(try Self.discover([Client.pxe, Client.architecture(7)]).reply?.packet.vendorSpecific == nil)
        #expect(try Self.ask([Client.pxe, Client.architecture(7)], type: .inform).reply != nil)
        #expect(try Self.ask([Client.pxe, Client.architecture(7)], type: .discover).silence == .notForServers)
        let foreign = DHCPOption.serverIdentifier(IPv4Address(rawValue: 0x0A4D_0009))
        #expect(try Self.ask([Client.pxe, Client.architecture(7), foreign]).silence == .anotherServer)
    }

    @Test("D14: boot item 71 comes back; one that asks for credentials, or another server's, is ignored")
    func echoesTheBootItem() throws {
        func ask(_ item: [UInt8]) throws -> DHCPOutcome {
            try Self.ask([Client.pxe, Client.architecture(0), .vendorSpecific([71, UInt8(item.count)] + item + [255])])
        }
        #expect(try ask([0, 0, 0, 0]).reply?.packet.vendorSpecific == [71, 4, 0, 0, 0, 0, 255])
        for item: [UInt8] in [[0, 0, 0x80, 0], [0x80, 0, 0, 0], [0, 1, 0, 0], [], [0]] {
            #expect(try ask(item).silence == .otherBootItem)
        }
        let malformed = try Self.ask([Client.pxe, Client.architecture(0), .vendorSpecific([71, 9, 0])])
        #expect(malformed.reply != nil, "what cannot be read asks for nothing")
    }

    @Test("D15: without a UUID, or with one of another form, a machine is known by its MAC address")
    func doesWithoutAUUID() throws {
        let odd: [[DHCPOption]] = [
            [], [.clientMachineIdentifier(Array(repeating: 1, count: 16))],
            [.clientMachineIdentifier([1] + Array(1...16))],
        ]
        for options in odd {
            let outcome = try Self.discover([Client.pxe, Client.architecture(7)] + options)
            #expect(outcome.reply != nil)
            #expect(outcome.events.map(\.hardwareID) == [nil])
            #expect(outcome.events.map(\.mac) == [MACAddress("52:54:00:12:34:56")])
        }
    }

    @Test("D16: a relay gets a proxy's offer too, with the hops it counted and its option last")
    func answersRelays() throws {
        let options = [.relayAgentInformation([1, 1, 7]), Client.pxe, Client.architecture(7)]
        var packet = try DHCPPacketTests.discover(options)
        (packet.relayAddress, packet.hops) = (IPv4Address(rawValue: 0x0A4E_0001), 1)
        #expect(Self.responder.respond(to: packet, at: .discovery).silence == .unknownRelay)
        var responder = Self.responder
        responder.relays.addresses = [packet.relayAddress]
        let reply = try #require(responder.respond(to: packet, at: .discovery).reply)
        #expect(reply.destination == .relay(IPv4Address(rawValue: 0x0A4E_0001)) && reply.packet.hops == 1)
        #expect(reply.packet.options.last == .relayAgentInformation([1, 1, 7]))
        packet.hops = 17
        #expect(responder.respond(to: packet, at: .discovery).silence == .tooManyHops)
    }

    @Test("D42: a denied machine is told nothing on either port")
    func denies() throws {
        let verdict = DHCPResponder.BootVerdict.denied(profile: "deny", reason: "no\u{1B}[31m")
        for port in [ProxyResponder.Port.discovery, .bootServer] {
            var packet = try DHCPPacketTests.discover([Client.pxe, Client.architecture(7)])
            if port == .bootServer { packet.options[0] = .messageType(.request) }
            let outcome = Self.responder.respond(to: packet, at: port, verdict: verdict)
            #expect(outcome.reply == nil && outcome.silence == .denied)
            #expect(outcome.events.map(\.stage) == [.denied] && outcome.events.first?.outcome == "deny")
            #expect(outcome.events.first?.detail.contains("\u{1B}") == false)
        }
    }

    @Test(
        "every captured discover is answered in full within what its firmware takes",
        arguments: CapturedPacketTests.samples
    )
    func answersCaptures(_ sample: CapturedPacketTests.Sample) throws {
        let packet = try DHCPPacket(parsing: ByteBuffer(bytes: sample.bytes))
        let outcome = Self.responder.respond(to: packet, at: .discovery)
        guard sample.type == .discover else {
            #expect(outcome.silence == .anotherServer)
            return
        }
        let reply = try #require(outcome.reply)
        let encoded = reply.packet.encoded(limit: reply.lengthMax)
        #expect(encoded.omitted.isEmpty && encoded.bytes.readableBytes >= DHCPPacket.lengthMin)
        #expect(Self.text(try DHCPPacket(parsing: encoded.bytes).bootFile) == sample.file)
    }
}
