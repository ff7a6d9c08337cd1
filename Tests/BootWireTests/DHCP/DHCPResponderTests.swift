import BootWire
import HostModel
import Testing

/// RFC 2131, section 4.3, message by message. The machine is pure: a test is a message and a look at the outcome.
@Suite struct DHCPResponderTests {
    typealias Leases = LeaseTableTests

    /// A responder with its leases, as a server holds them.
    struct Server {
        var responder: DHCPResponder
        var table: LeaseTable
        var now: Duration = .zero
        var verdict = DHCPResponder.BootVerdict.allowed

        init(pool: ClosedRange<UInt32> = 10...12, reservations: [AddressReservation] = []) throws {
            responder = DHCPResponder(settings: try Leases.settings(pool: pool))
            table = responder.settings.emptyLeaseTable(reservations: reservations)
        }

        mutating func ask(_ packet: DHCPPacket) -> DHCPOutcome {
            let outcome = responder.respond(to: packet, leases: table, verdict: verdict, now: now)
            for change in outcome.changes { table.apply(change) }
            return outcome
        }

        /// Discover, offer, request, acknowledgement; returns the address.
        mutating func lease(_ number: UInt8) throws -> IPv4Address {
            let offer = try #require(ask(try message(.discover, number)).reply)
            let request = try message(
                .request,
                number,
                [
                    .requestedAddress(offer.packet.yourAddress), .serverIdentifier(Leases.address(1)),
                ]
            )
            let reply = try #require(ask(request).reply)
            #expect(reply.packet.messageType == .acknowledge)
            #expect(reply.packet.yourAddress == offer.packet.yourAddress)
            return reply.packet.yourAddress
        }
    }

    static func message(
        _ type: DHCPMessageType,
        _ number: UInt8,
        _ options: [DHCPOption] = [],
        ciaddr: IPv4Address = .any
    ) throws -> DHCPPacket {
        var packet = DHCPPacket(
            operation: .request,
            transactionID: UInt32(number),
            mac: try Leases.client(number).mac,
            options: [.messageType(type)] + options
        )
        packet.clientAddress = ciaddr
        return packet
    }

    @Test func offersAndBinds() throws {
        var server = try Server()
        let outcome = server.ask(try message(.discover, 1, [.clientIdentifier([1, 2])]))
        let reply = try #require(outcome.reply)
        #expect(reply.destination == .broadcast)
        #expect(reply.packet.messageType == .offer)
        #expect(reply.packet.operation == .reply && reply.packet.transactionID == 1)
        #expect(reply.packet.options.contains(.serverIdentifier(Leases.address(1))))
        #expect(reply.packet.options.contains(.leaseTime(seconds: 900)))
        #expect(reply.packet.options.contains(.renewalTime(seconds: 450)))
        #expect(reply.packet.options.contains(.rebindingTime(seconds: 788)))
        #expect(reply.packet.options.contains(.clientIdentifier([1, 2])), "RFC 6842")
        #expect(outcome.changes.map(\.isDurable) == [false])
        let address = try server.lease(1)
        #expect(address == reply.packet.yourAddress)
        #expect(server.table.lease(at: address)?.expiry == .seconds(900))
    }

    @Test("D18: whether the client asks for it or not, the answer to a client without an address is a broadcast")
    func broadcasts() throws {
        for isBroadcast in [true, false] {
            var server = try Server()
            var packet = try message(.discover, 1)
            packet.isBroadcast = isBroadcast
            let reply = try #require(server.ask(packet).reply)
            #expect(reply.destination == .broadcast && reply.packet.isBroadcast == isBroadcast)
        }
    }

    @Test("D36: a host name of any kind goes nowhere: not into the answer, not into an event")
    func forgetsHostNames() throws {
        for name in ["$(reboot)", "a\nb", String(repeating: "x", count: 255)] {
            var server = try Server()
            let outcome = server.ask(
                try message(
                    .discover,
                    1,
                    [.hostName(Array(name.utf8)), .vendorClass(Array("PXEClient:Arch:00007".utf8))]
                )
            )
            #expect(outcome.reply?.packet.options.map(\.code).contains(.hostName) == false)
            #expect(outcome.events.count == 1 && !outcome.events[0].detail.contains(name))
        }
    }

    @Test("D25, D26: two machines ask for the last address, and one gets it; the other when it is free again")
    func offersOnce() throws {
        var server = try Server(pool: 10...10)
        #expect(server.ask(try message(.discover, 1)).reply != nil)
        let second = server.ask(try message(.discover, 2))
        #expect(second.silence == .poolExhausted)
        #expect(second.events.map(\.stage) == [.failed])
        server.now = .seconds(11)
        #expect(server.ask(try message(.discover, 2)).reply != nil, "the offer has ended")
    }

    @Test func keepsALeaseThatRunsWhenItsMachineAsksAgain() throws {
        var server = try Server()
        let address = try server.lease(1)
        let again = server.ask(try message(.discover, 1))
        #expect(again.reply?.packet.yourAddress == address)
        #expect(again.changes.isEmpty)
        #expect(server.table.lease(at: address)?.state == .bound)
    }

    @Test("D19: an offer is withdrawn, in silence, when another server was chosen")
    func withdrawsItsOfferWhenAnotherServerWasChosen() throws {
        var server = try Server()
        _ = server.ask(try message(.discover, 1))
        let outcome = server.ask(
            try message(.request, 1, [.requestedAddress(Leases.address(10)), .serverIdentifier(Leases.address(77))])
        )
        #expect(outcome.silence == .anotherServer)
        #expect(server.table.leases.isEmpty)
    }

    @Test("D29: after a restart between offer and request the address is still given, but not twice")
    func selectsWithoutAnOffer() throws {
        var server = try Server()
        let request: [DHCPOption] = [.requestedAddress(Leases.address(11)), .serverIdentifier(Leases.address(1))]
        #expect(server.ask(try message(.request, 1, request)).reply?.packet.messageType == .acknowledge)
        let refusal = try #require(server.ask(try message(.request, 2, request)).reply)
        #expect(refusal.packet.messageType == .refuse)
        #expect(refusal.destination == .broadcast)
        #expect(refusal.packet.yourAddress == .any)
        #expect(!refusal.packet.options.map(\.code).contains(.leaseTime))
        #expect(refusal.packet.isBroadcast)
    }

    struct Reboot: CustomTestStringConvertible {
        var testDescription: String
        var address: String
        var isKnown: Bool
        var isAuthoritative: Bool
        var answer: DHCPMessageType?

        init(_ name: String, _ address: String, known: Bool, authoritative: Bool = true, _ answer: DHCPMessageType?) {
            (testDescription, self.address, isKnown) = (name, address, known)
            (isAuthoritative, self.answer) = (authoritative, answer)
        }
    }

    @Test(
        "D20: a machine that comes up with its old address is confirmed, refused or left to others",
        arguments: [
            Reboot("wrong network", "10.99.0.5", known: false, .refuse),
            Reboot("its own address", "own", known: true, .acknowledge),
            Reboot("another address", "other", known: true, .refuse),
            Reboot("unknown, authoritative", "10.77.0.11", known: false, .refuse),
            Reboot("unknown, not authoritative", "10.77.0.11", known: false, authoritative: false, nil),
            Reboot("not of the pool", "10.77.0.200", known: false, nil),
        ]
    )
    func verifiesAfterAReboot(_ sample: Reboot) throws {
        var server = try Server()
        server.responder.settings.isAuthoritative = sample.isAuthoritative
        let own = sample.isKnown ? try server.lease(1) : Leases.address(10)
        let other = try #require([10, 11].map(Leases.address).first { $0 != own })
        let address = try #require(["own": own, "other": other][sample.address] ?? IPv4Address(sample.address))
        let outcome = server.ask(try message(.request, 1, [.requestedAddress(address)]))
        #expect(outcome.reply?.packet.messageType == sample.answer)
    }

    @Test("D21: a lease is renewed, an ended one too, and one that somebody else has is not")
    func renews() throws {
        var server = try Server()
        let address = try server.lease(1)
        server.now = .seconds(450)
        let renewed = try #require(server.ask(try message(.request, 1, ciaddr: address)).reply)
        #expect(renewed.packet.messageType == .acknowledge)
        #expect(renewed.packet.clientAddress == address && renewed.packet.yourAddress == address)
        #expect(renewed.destination == .client(address))
        #expect(server.table.lease(at: address)?.expiry == .seconds(4050), "known by now")
        server.now = .seconds(90_000)
        #expect(server.ask(try message(.request, 1, ciaddr: address)).reply?.packet.messageType == .acknowledge)
        #expect(server.ask(try message(.request, 2, ciaddr: address)).reply?.packet.messageType == .refuse)
        #expect(server.ask(try message(.request, 2, ciaddr: Leases.address(200))).silence == .foreignAddress)
    }

    @Test("D22: a declined address is in quarantine, with an event, and its machine gets another")
    func quarantinesADeclinedAddress() throws {
        var server = try Server()
        let address = try server.lease(1)
        let decline: [DHCPOption] = [.requestedAddress(address), .serverIdentifier(Leases.address(1))]
        #expect(server.ask(try message(.decline, 2, decline)).silence == .notTheirs)
        let outcome = server.ask(try message(.decline, 1, decline))
        #expect(outcome.reply == nil)
        #expect(outcome.events.map(\.stage) == [.failed])
        #expect(server.ask(try message(.discover, 1)).reply?.packet.yourAddress != address)
        #expect(server.table.lease(at: address)?.state == .quarantined)
    }

    @Test("machines that decline all they get keep an eighth of the pool, and only what they took before")
    func boundsTheQuarantine() throws {
        var server = try Server(pool: 10...25)
        for number: UInt8 in 1...100 {
            server.now += .seconds(1)
            guard let offer = server.ask(try message(.discover, number)).reply else { continue }
            let decline: [DHCPOption] = [
                .requestedAddress(offer.packet.yourAddress), .serverIdentifier(Leases.address(1)),
            ]
            #expect(server.ask(try message(.decline, number, decline)).silence == .notTheirs, "only offered")
            #expect(server.ask(try message(.request, number, decline)).reply?.packet.messageType == .acknowledge)
            #expect(server.ask(try message(.decline, number, decline)).silence == .noReplyDue)
        }
        #expect(server.table.leases.count { $0.state == .quarantined && $0.isActive(at: server.now) } == 2)
        #expect(throws: Never.self) { try server.lease(200) }
    }

    @Test("nobody takes a kept address away from its machine: not by declining, not by releasing in its name")
    func protectsKeptAddresses() throws {
        let kept = AddressReservation(mac: try Leases.client(1).mac, address: Leases.address(10))
        var server = try Server(pool: 10...11, reservations: [kept])
        #expect(try server.lease(1) == kept.address)
        #expect(server.table.lease(at: kept.address)?.expiry == .seconds(3600), "known from the first lease on")
        let decline = server.ask(
            try message(.decline, 1, [.requestedAddress(kept.address), .serverIdentifier(Leases.address(1))])
        )
        #expect(decline.events.map(\.stage) == [.failed] && decline.changes.isEmpty)
        #expect(server.ask(try message(.release, 1, ciaddr: kept.address)).silence == .noReplyDue)
        for number: UInt8 in 2...9 {
            let offer = server.ask(try message(.discover, number, [.requestedAddress(kept.address)])).reply
            #expect(offer?.packet.yourAddress != kept.address)
        }
        #expect(server.ask(try message(.request, 1, ciaddr: kept.address)).reply?.packet.messageType == .acknowledge)
    }

    @Test("an address that is fixed for a machine while it runs counts from its next boot on")
    func leavesARunningLeaseAlone() throws {
        var server = try Server(pool: 10...20)
        let old = try server.lease(1)
        let mac = try Leases.client(1).mac
        server.table.keep([AddressReservation(mac: mac, address: Leases.address(99))])
        #expect(server.ask(try message(.request, 1, ciaddr: old)).reply?.packet.messageType == .acknowledge)
        #expect(try server.lease(1) == Leases.address(99))
        // Kept for another, it is not renewed.
        let second = try server.lease(2)
        server.table.keep([AddressReservation(mac: mac, address: second)])
        #expect(server.ask(try message(.request, 2, ciaddr: second)).reply?.packet.messageType == .refuse)
    }

    @Test("D23: a release with a wrong address or server is ignored")
    func releasesOnlyToItsOwner() throws {
        var server = try Server()
        let address = try server.lease(1)
        #expect(server.ask(try message(.release, 2, ciaddr: address)).silence == .notTheirs)
        #expect(server.ask(try message(.release, 1, ciaddr: Leases.address(99))).silence == .notTheirs)
        let wrong: [DHCPOption] = [.serverIdentifier(Leases.address(9))]
        #expect(server.ask(try message(.release, 1, wrong, ciaddr: address)).silence == .notTheirs)
        #expect(server.table.lease(at: address)?.state == .bound)
        let right: [DHCPOption] = [.serverIdentifier(Leases.address(1))]
        #expect(server.ask(try message(.release, 1, right, ciaddr: address)).silence == .noReplyDue)
        #expect(server.table.lease(at: address)?.state == .released)
        #expect(try server.lease(1) == address, "history")
    }

    @Test("D24: an INFORM is answered without address and lease")
    func informs() throws {
        var server = try Server()
        let reply = try #require(server.ask(try message(.inform, 1, ciaddr: Leases.address(50))).reply)
        #expect(reply.packet.messageType == .acknowledge)
        #expect(reply.packet.yourAddress == .any)
        #expect(!reply.packet.options.map(\.code).contains(.leaseTime))
        #expect(reply.destination == .client(Leases.address(50)))
        #expect(
            server.ask(try message(.inform, 1, ciaddr: IPv4Address(rawValue: 0x0808_0808))).silence == .foreignAddress
        )
        #expect(server.ask(try message(.inform, 1)).silence == .foreignAddress)
    }

    @Test func answersRelays() throws {
        var server = try Server()
        var packet = try message(.discover, 1, [.relayAgentInformation([1, 1, 7])])
        (packet.relayAddress, packet.hops) = (Leases.address(2), 1)
        let reply = try #require(server.ask(packet).reply)
        #expect(reply.destination == .relay(Leases.address(2)))
        #expect(reply.packet.relayAddress == Leases.address(2))
        #expect(reply.packet.options.last == .relayAgentInformation([1, 1, 7]))
        packet.relayAddress = IPv4Address(rawValue: 0x0A09_0001)
        #expect(server.ask(packet).silence == .otherNetwork)
    }

    @Test("D34: replies, other hardware and what is not for servers are met with silence")
    func ignoresWhatIsNotForIt() throws {
        var server = try Server()
        var reply = try message(.discover, 1)
        reply.operation = .reply
        #expect(server.ask(reply).silence == .notARequest)
        var infiniband = try message(.discover, 1)
        (infiniband.hardwareType, infiniband.hardwareLength) = (32, 16)
        #expect(server.ask(infiniband).silence == .noMachine)
        for type: DHCPMessageType in [.offer, .acknowledge, .refuse, DHCPMessageType(rawValue: 99)] {
            #expect(server.ask(try message(type, 1)).silence == .notForServers)
        }
        #expect(server.ask(try message(.request, 1)).silence == .malformed)
    }

    @Test("D27: by client identifier one machine is several clients, by hardware address one")
    func knowsClientsByTheRule() throws {
        for (rule, count) in [(ClientKey.Rule.hardwareAddress, 1), (.clientIdentifier, 2)] {
            var server = try Server()
            server.responder.settings.identity = rule
            _ = server.ask(try message(.discover, 1))
            _ = server.ask(try message(.discover, 1, [.clientIdentifier([255, 1, 2, 3])]))
            #expect(server.table.leases.count == count)
        }
    }

    @Test("settings that cannot be served are refused")
    func refusesSettings() throws {
        let network = try #require(IPv4Network("10.77.0.1/24"))
        let pool = Leases.address(10)...Leases.address(20)
        let outside = IPv4Address(rawValue: 0x0A4E_0001)
        #expect(throws: DHCPSettingsError.serverOutsideNetwork(outside, network)) {
            try DHCPSettings(server: outside, network: network, pool: pool)
        }
        #expect(throws: DHCPSettingsError.poolOutsideNetwork(Leases.address(10)...outside, network)) {
            try DHCPSettings(server: Leases.address(1), network: network, pool: Leases.address(10)...outside)
        }
        let wide = try #require(IPv4Network("10.0.0.1/8"))
        #expect(throws: DHCPSettingsError.poolTooLarge(65_537)) {
            try DHCPSettings(
                server: IPv4Address(rawValue: 0x0A00_0001),
                network: wide,
                pool: IPv4Address(rawValue: 0x0A01_0000)...IPv4Address(rawValue: 0x0A02_0000)
            )
        }
    }

    private func message(
        _ type: DHCPMessageType,
        _ number: UInt8,
        _ options: [DHCPOption] = [],
        ciaddr: IPv4Address = .any
    ) throws -> DHCPPacket {
        try Self.message(type, number, options, ciaddr: ciaddr)
    }
}

extension DHCPResponderTests.Server {
    private func message(_ type: DHCPMessageType, _ number: UInt8, _ options: [DHCPOption] = []) throws -> DHCPPacket {
        try DHCPResponderTests.message(type, number, options)
    }
}
