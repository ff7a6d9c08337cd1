import HostModel
import NIOCore
import Testing

@testable import BootWire

/// What a server answers by DHCPv6 (RFC 8415, section 18.3; RFC 5970).
@Suite struct DHCPv6ResponderTests {
    private typealias Wire = DHCPv6MessageTests

    private static func settings(givesAddresses: Bool = true) throws -> DHCPv6Settings {
        let server = try #require(IPv6Network("fd00:77::1/64"))
        let files = BootFiles(server: server.address, httpPort: 80)
        let card = try #require(MACAddress("52:54:00:77:00:01"))
        let link = try #require(LinkPrefix(server))
        return DHCPv6Settings(
            server: server.address,
            link: link,
            card: card,
            givesAddresses: givesAddresses,
            files: files
        )
    }

    private static func answer(
        _ message: DHCPv6Message,
        _ settings: DHCPv6Settings,
        verdict: DHCPResponder.BootVerdict = .allowed,
        relays: [DHCPv6Envelope] = []
    ) throws -> DHCPv6Responder.Outcome {
        let request = DHCPv6Request(message, relays: relays)
        let client = try #require(DHCPv6Client(of: request, from: Wire.peer))
        return DHCPv6Responder(settings: settings)
            .respond(to: request, from: client, addresses: StableAddresses(), verdict: verdict, now: .zero)
    }

    private static func answer(_ message: DHCPv6Message) throws -> DHCPv6Responder.Outcome {
        try answer(message, try settings())
    }

    /// A request to our server, with an address where one is given.
    private static func request(
        _ type: DHCPv6MessageType,
        server: Bool = true,
        address: IPv6Address? = nil
    ) throws -> DHCPv6Message {
        let identifier = DHCPv6Option(.serverID, try settings().identifier)
        var message = Wire.solicit(type, further: server ? [identifier] : [])
        if let address { message.options[1].payload += DHCPv6Option(address, preferred: 1, valid: 1).wire }
        return message
    }

    private static func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    private static func addresses(_ message: DHCPv6Message?) -> [(address: IPv6Address, valid: UInt64)] {
        let association = message?.options.first { $0.code == .addresses }
        return association?.nested(skipping: 12)?.compactMap { option in
            var rest = option.payload.dropFirst(20)
            return option.leasedAddress.map { ($0, rest.number(4)) }
        } ?? []
    }

    @Test("D43: firmware that loads by TFTP is told a tftp URL, an address and no option 60")
    func offersToPXE() throws {
        let outcome = try Self.answer(Wire.solicit())
        let reply = try #require(outcome.reply)
        #expect(reply.type == .advertise && reply.transactionID == 0x12_3456)
        #expect(Self.text(reply[.bootFileURL]) == "tftp://[fd00:77::1]/snponly.efi")
        #expect(reply[.bootFileParameters] == nil)
        #expect(reply[.vendorClass] == nil, "with PXEClient EDK2 would ask port 4011")
        #expect(reply[.clientID] == Wire.solicit()[.clientID])
        #expect(reply[.serverID] == [0, 3, 0, 1, 0x52, 0x54, 0, 0x77, 0, 1])
        #expect(Self.addresses(reply).count == 1 && outcome.given.isEmpty)
        #expect(outcome.events.map(\.stage) == [.discover])
    }

    @Test("D43: HTTP boot is told an http URL, and HTTPClient in option 16; iPXE its script")
    func offersToHTTP() throws {
        let http = Wire.solicit(architecture: 16, vendor: "HTTPClient:Arch:00016:UNDI:003001")
        let reply = try #require(try Self.answer(http).reply)
        #expect(Self.text(reply[.bootFileURL]) == "http://[fd00:77::1]/boot/snponly.efi")
        #expect(reply[.vendorClass] == [0, 0, 1, 0x57, 0, 10] + Array("HTTPClient".utf8))
        let ipxe = Wire.solicit(further: [DHCPv6Option(.userClass, [0, 4] + Array("iPXE".utf8))])
        #expect(Self.text(try Self.answer(ipxe).reply?[.bootFileURL]) == "http://[fd00:77::1]/boot/ipxe")
        let plain = DHCPv6Message(.solicit, transactionID: 1, options: Array(Wire.solicit().options.prefix(2)))
        let other = try #require(try Self.answer(plain).reply)
        #expect(other[.bootFileURL] == nil && other[.vendorClass] == nil && Self.addresses(other).count == 1)
    }

    @Test("a machine keeps its address from offer to renewal, and what it has from elsewhere ends")
    func gives() throws {
        let offered = try #require(Self.addresses(try Self.answer(Wire.solicit()).reply).first?.address)
        for type in [DHCPv6MessageType.request, .renew] {
            let outcome = try Self.answer(try Self.request(type, address: offered))
            #expect(outcome.reply?.type == .reply && outcome.given == [offered])
            #expect(Self.addresses(outcome.reply).map(\.address) == [offered])
        }
        let elsewhere = try #require(IPv6Address("fd00:77::9"))
        let rebound = try Self.answer(try Self.request(.rebind, server: false, address: elsewhere))
        #expect(Self.addresses(rebound.reply).map(\.address) == [offered, elsewhere])
        #expect(Self.addresses(rebound.reply).map(\.valid) == [7200, 0])
        let rapid = try Self.answer(Wire.solicit(further: [DHCPv6Option(.rapidCommit, [])]))
        #expect(rapid.reply?.type == .reply && rapid.reply?[.rapidCommit] == [] && rapid.given == [offered])
    }

    @Test("confirm says whether an address is of this link; release and decline are taken")
    func confirms() throws {
        let ours = try #require(IPv6Address("fd00:77::9"))
        let foreign = try #require(IPv6Address("fd00:78::9"))
        let good = try Self.answer(try Self.request(.confirm, server: false, address: ours))
        #expect(good.reply?[.statusCode]?.starts(with: [0, 0]) == true)
        let bad = try Self.answer(try Self.request(.confirm, server: false, address: foreign))
        #expect(bad.reply?[.statusCode]?.starts(with: [0, 4]) == true)
        #expect(try Self.answer(try Self.request(.confirm, server: false)).silence == .malformed)
        #expect(try Self.answer(try Self.request(.release, address: ours)).reply?.type == .reply)
        let declined = try Self.answer(try Self.request(.decline, address: ours))
        #expect(declined.declined == [.init(address: ours, association: 7)])
        #expect(declined.events.map(\.stage) == [.failed])
    }

    @Test("what is for another server, names none, or names one where it may not, is not answered")
    func ignores() throws {
        var other = try Self.request(.request)
        other.options[6].payload[5] ^= 1
        #expect(try Self.answer(other).silence == .anotherServer)
        #expect(try Self.answer(try Self.request(.request, server: false)).silence == .malformed)
        #expect(try Self.answer(try Self.request(.solicit)).silence == .malformed)
        var nameless = Wire.solicit()
        nameless.options.removeFirst()
        #expect(try Self.answer(nameless).silence == .malformed)
        for type: UInt8 in [0, 2, 7, 10, 14, 255] {
            #expect(try Self.answer(Wire.solicit(.init(rawValue: type))).silence == .notForServers)
        }
    }

    @Test("stateless: only who asks for information is told, and gets no address")
    func informs() throws {
        let settings = try Self.settings(givesAddresses: false)
        #expect(try Self.answer(Wire.solicit(), settings).silence == .anotherServer)
        var question = Wire.solicit(.informationRequest)
        #expect(try Self.answer(question, settings).silence == .malformed, "it holds an association")
        question.options.remove(at: 1)
        let reply = try #require(try Self.answer(question, settings).reply)
        #expect(reply.type == .reply && Self.text(reply[.bootFileURL]) == "tftp://[fd00:77::1]/snponly.efi")
        question.options.removeFirst()
        #expect(try Self.answer(question, settings).reply?[.clientID] == nil, "it need not say who it is")
    }

    @Test("D42: a denied machine gets an address and nothing to boot")
    func denies() throws {
        let verdict = DHCPResponder.BootVerdict.denied(profile: "deny", reason: "no\u{1B}[31m")
        let outcome = try Self.answer(Wire.solicit(), try Self.settings(), verdict: verdict)
        #expect(outcome.reply?[.bootFileURL] == nil && Self.addresses(outcome.reply).count == 1)
        #expect(outcome.events.map(\.stage) == [.denied] && outcome.events.first?.outcome == "deny")
        #expect(outcome.events.first?.detail.contains("\u{1B}") == false)
    }

    @Test("D43: behind a relay a machine gets an address of the link that the relay next to it names")
    func servesLinksBehindRelays() throws {
        var settings = try Self.settings()
        let far = try #require(IPv6Network("fd00:78::/64").flatMap(LinkPrefix.init))
        settings.relayed = [far]
        func relay(_ link: String) throws -> DHCPv6Envelope {
            let link = try #require(IPv6Address(link))
            return DHCPv6Envelope(hops: 0, link: link, peer: Wire.peer, options: [])
        }
        // The outermost first: what the server hears from, then what is next to the machine.
        for (links, prefix) in [
            (["fd00:78::1"], far), (["fd00:99::1", "fd00:78::1"], far), (["fd00:78::1", "::"], far),
            (["fd00:78::1", "fd00:77::9"], settings.link), (["::"], settings.link),
        ] {
            let outcome = try Self.answer(Wire.solicit(), settings, relays: links.map(relay))
            let given = Self.addresses(outcome.reply)
            #expect(given.count == 1 && given.allSatisfy { prefix.contains($0.address) }, "\(links)")
        }
        let outcome = try Self.answer(Wire.solicit(), settings, relays: [relay("fd00:78::1"), relay("fd00:99::1")])
        #expect(outcome.silence == .otherNetwork)
        // An address of the server's own link is not one of the other.
        let near = try #require(IPv6Address("fd00:77::9"))
        let confirm = try Self.request(.confirm, server: false, address: near)
        let reply = try Self.answer(confirm, settings, relays: [relay("fd00:78::1")]).reply
        #expect(reply?[.statusCode]?.starts(with: [0, 4]) == true)
    }

    @Test(
        "a machine that asks for its address of another network is told that it has moved; it cannot decline what is not given"
    )
    func movesOn() throws {
        let elsewhere = try #require(IPv6Address("fd00:78::9"))
        let outcome = try Self.answer(try Self.request(.request, address: elsewhere))
        let association = try #require(outcome.reply?[.addresses])
        #expect(association.dropFirst(12).starts(with: [0, 13]) && association.dropFirst(16).starts(with: [0, 4]))
        #expect(outcome.given.isEmpty && Self.addresses(outcome.reply).isEmpty)
        let declined = try Self.answer(try Self.request(.decline, address: elsewhere))
        #expect(declined.declined.isEmpty && declined.events.isEmpty && declined.reply?.type == .reply)
    }

    @Test("who is answered: the own link; a relay of a link that is served, or one that was named")
    func believesRelays() throws {
        var settings = try Self.settings()
        settings.relayed = [try #require(IPv6Network("fd00:78::/64").flatMap(LinkPrefix.init))]
        settings.relays = [try #require(IPv6Address("fd00:99::1"))]
        for (text, machine, relay) in [
            ("fe80::1", true, true), ("fd00:77::5", true, true), ("fd00:78::1", false, true),
            ("fd00:99::1", false, true), ("fd00:99::2", false, false), ("2001:db8::1", false, false),
        ] {
            let source = try #require(IPv6Address(text))
            #expect(settings.isAnswered(source, isRelay: false) == machine, "\(text)")
            #expect(settings.isAnswered(source, isRelay: true) == relay, "\(text)")
        }
    }

    @Test("prefixes and temporary addresses are not given; a relay of another link is not answered")
    func refuses() throws {
        let further = [
            DHCPv6Option(.prefixes, [0, 0, 0, 1] + Array(repeating: 0, count: 8)),
            DHCPv6Option(.temporaryAddresses, [0, 0, 0, 2]),
        ]
        let reply = try #require(try Self.answer(Wire.solicit(further: further)).reply)
        #expect(reply[.prefixes]?.dropFirst(12).starts(with: [0, 13]) == true)
        #expect(reply[.prefixes]?.dropFirst(16).starts(with: [0, 6]) == true)
        #expect(reply[.temporaryAddresses]?.dropFirst(8).starts(with: [0, 2]) == true)
        let link = try #require(IPv6Address("fd00:99::1"))
        let relay = DHCPv6Envelope(hops: 0, link: link, peer: Wire.peer, options: [])
        let relayed = try Self.answer(Wire.solicit(), try Self.settings(), relays: [relay])
        #expect(relayed.silence == .otherNetwork)
    }
}
