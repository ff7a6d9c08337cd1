import HostModel

/// The server's side of DHCP (RFC 2131, section 4.3) without socket, clock or disk: a message and the leases in, an
/// outcome out.
package struct DHCPResponder: Sendable {
    package var settings: DHCPSettings

    package init(settings: DHCPSettings) { self.settings = settings }

    /// What the boot directory said about the machine.
    package enum BootVerdict: Hashable, Sendable {
        /// Also when nobody could be asked: the script asks again.
        case allowed
        case denied(profile: String, reason: String)
        /// The machine goes in a circle and is to go on to its next boot entry.
        case stopped
        /// The firmware is to load this program, by its path below the servers' roots: x64 UEFI, or BIOS by TFTP. Every other
        /// client is told what `allowed` tells.
        case program(String, isBIOS: Bool)
    }

    /// Answers one message. The changes are not applied yet; what is durable in them must be on disk before the reply
    /// goes out.
    package func respond(
        to packet: DHCPPacket,
        leases: LeaseTable,
        verdict: BootVerdict = .allowed,
        now: Duration
    ) -> DHCPOutcome {
        guard packet.operation == .request else { return .silence(.notARequest) }
        guard let client = client(of: packet) else { return .silence(.noMachine) }
        guard packet.hops <= DHCPPacket.hopsMax else { return .silence(.tooManyHops) }
        if let link = packet.linkAddress, !settings.network.contains(link) { return .silence(.otherNetwork) }
        let exchange = Exchange(
            packet: packet,
            client: client,
            boot: BootClient(of: packet),
            verdict: verdict,
            leases: leases,
            now: now
        )
        switch packet.messageType {
        case .discover: return offer(exchange)
        case .request: return answerRequest(exchange)
        case .decline: return quarantine(exchange)
        case .release: return release(exchange)
        case .inform: return inform(exchange)
        default: return .silence(.notForServers)
        }
    }

    /// Who asks; `nil` for what is no Ethernet machine.
    package func client(of packet: DHCPPacket) -> LeaseClient? {
        packet.mac.map { LeaseClient(key: key(of: packet, mac: $0), mac: $0) }
    }

    private func key(of packet: DHCPPacket, mac: MACAddress) -> ClientKey {
        guard settings.identity == .clientIdentifier, let identifier = packet.clientIdentifier,
            (1...ClientKey.identifierLengthMax).contains(identifier.count)
        else { return .hardware(mac) }
        return .identifier(identifier)
    }
}

/// One message and all that its answer depends on.
struct Exchange {
    let packet: DHCPPacket
    let client: LeaseClient
    let boot: BootClient
    let verdict: DHCPResponder.BootVerdict
    let leases: LeaseTable
    let now: Duration

    func standing(of address: IPv4Address) -> AddressStanding { leases.standing(of: address, for: client, at: now) }

    func lease(_ address: IPv4Address, _ state: Lease.State, for time: Duration) -> LeaseChange {
        .set(Lease(address: address, client: client, state: state, expiry: now + time))
    }

    func event(
        _ stage: BootEvent.Stage,
        _ detail: String,
        _ address: IPv4Address? = nil,
        outcome: String? = nil
    ) -> BootEvent {
        BootEvent(
            mac: client.mac,
            stage: stage,
            detail: detail,
            address: address,
            hardwareID: packet.hardwareID,
            outcome: outcome
        )
    }
}

// MARK: - The five messages of a client

extension DHCPResponder {
    private func offer(_ exchange: Exchange) -> DHCPOutcome {
        let requested = exchange.packet.requestedAddress
        guard let address = exchange.leases.choose(for: exchange.client, requested: requested, at: exchange.now) else {
            var outcome = DHCPOutcome.silence(.poolExhausted)
            outcome.events = [exchange.event(.failed, "asked for an address, but the pool has none left")]
            return outcome
        }
        var outcome = DHCPOutcome(reply: reply(.offer, giving: address, to: exchange))
        // A client that asks again while its lease runs keeps the lease: an offer in its place would be forgotten.
        let current = exchange.leases.lease(at: address)
        if current?.state != .bound || current?.isActive(at: exchange.now) == false {
            outcome.changes = [exchange.lease(address, .offered, for: settings.offerTime)]
        }
        outcome.events = bootEvents(exchange, offering: address)
        if exchange.leases.isContested(address, for: exchange.client, at: exchange.now) {
            let detail = "was offered \(address), for which another machine answers by ARP: the pool has no other left"
            outcome.events.append(exchange.event(.failed, detail, address))
        }
        return outcome
    }

    private func bootEvents(_ exchange: Exchange, offering address: IPv4Address) -> [BootEvent] {
        guard exchange.boot != .addressOnly else { return [] }
        if case .denied(let profile, let reason) = exchange.verdict {
            let detail = "\(exchange.boot) gets nothing to boot: \(terminalEscaped(reason))"
            return [exchange.event(.denied, detail, address, outcome: profile)]
        }
        if exchange.verdict == .stopped { return [] }
        let file = settings.bootFiles?.file(for: exchange.boot, exchange.verdict) ?? "nothing to boot"
        return [exchange.event(.discover, "\(exchange.boot) was offered \(address) and \(file)", address)]
    }

    /// RFC 2131, table 4: which of its four states the client is in shows in three fields.
    private func answerRequest(_ exchange: Exchange) -> DHCPOutcome {
        let packet = exchange.packet
        if packet.serverIdentifier != nil {
            guard packet.names(server: settings.server) else { return anotherServerWasChosen(exchange) }
            guard let address = packet.requestedAddress ?? packet.clientAddress.ifSet else {
                return .silence(.malformed)
            }
            return exchange.standing(of: address).isObtainable
                ? bind(address, exchange) : refuse(exchange, "the address \(address) is not free")
        }
        guard let address = packet.clientAddress.ifSet else { return verifyAfterReboot(exchange) }
        // Renewing or rebinding.
        if exchange.leases.mayRenew(address, exchange.client, at: exchange.now) { return bind(address, exchange) }
        switch exchange.standing(of: address) {
        case .own, .free: return bind(address, exchange)
        case .taken: return refuse(exchange, "the address \(address) belongs to another machine")
        case .foreign: return .silence(.foreignAddress)
        }
    }

    private func verifyAfterReboot(_ exchange: Exchange) -> DHCPOutcome {
        guard let address = exchange.packet.requestedAddress else { return .silence(.malformed) }
        guard settings.network.contains(address) else {
            return refuse(exchange, "the address \(address) is not of this network")
        }
        let known = exchange.leases.lease(of: exchange.client.key)
        switch exchange.standing(of: address) {
        case .own: return bind(address, exchange)
        case .taken: return refuse(exchange, "the address \(address) belongs to another machine")
        case .free where known != nil: return refuse(exchange, "this machine has another address")
        case .free where settings.isAuthoritative: return refuse(exchange, "nobody knows this lease")
        case .free, .foreign: return .silence(.foreignAddress)
        }
    }

    private func anotherServerWasChosen(_ exchange: Exchange) -> DHCPOutcome {
        var outcome = DHCPOutcome.silence(.anotherServer)
        if let lease = exchange.leases.lease(of: exchange.client.key), lease.state == .offered {
            outcome.changes = [.withdraw(lease.address)]
        }
        return outcome
    }

    private func bind(_ address: IPv4Address, _ exchange: Exchange) -> DHCPOutcome {
        var outcome = DHCPOutcome(reply: reply(.acknowledge, giving: address, to: exchange))
        outcome.changes = [exchange.lease(address, .bound, for: .seconds(Int64(leaseTime(exchange))))]
        if exchange.packet.clientAddress == .any {
            outcome.events = [exchange.event(.address, "\(exchange.boot) took the address \(address)", address)]
        }
        return outcome
    }

    private func quarantine(_ exchange: Exchange) -> DHCPOutcome {
        guard let address = exchange.packet.requestedAddress, isForUs(exchange.packet),
            let lease = exchange.leases.lease(at: address), lease.client.key == exchange.client.key,
            lease.state == .bound
        else { return .silence(.notTheirs) }
        var outcome = DHCPOutcome.silence(.noReplyDue)
        outcome.events = [exchange.event(.failed, "found the address \(address) in use by another machine", address)]
        // Anybody can decline in a machine's name: a kept address stays the machine's.
        guard !exchange.leases.isKept(address) else { return outcome }
        let others = exchange.leases.quarantined(at: exchange.now).filter { $0 != address }
        let freed = others.prefix(max(0, others.count + 1 - settings.quarantinedMax))
        outcome.changes = freed.map { .withdraw($0) }
        outcome.changes.append(exchange.lease(address, .quarantined, for: settings.quarantineTime))
        return outcome
    }

    /// Seconds: all of it only for machines that are known.
    func leaseTime(_ exchange: Exchange) -> UInt32 {
        let isKnown = exchange.leases.knows(exchange.client, at: exchange.now)
        return isKnown ? settings.leaseTime : min(settings.firstLeaseTime, settings.leaseTime)
    }

    private func release(_ exchange: Exchange) -> DHCPOutcome {
        let address = exchange.packet.clientAddress
        guard isForUs(exchange.packet), let lease = exchange.leases.lease(at: address),
            lease.client.key == exchange.client.key, lease.state == .bound
        else { return .silence(.notTheirs) }
        var outcome = DHCPOutcome.silence(.noReplyDue)
        outcome.changes = [exchange.lease(address, .released, for: .zero)]
        return outcome
    }

    private func isForUs(_ packet: DHCPPacket) -> Bool {
        packet.serverIdentifier == nil || packet.names(server: settings.server)
    }

    private func inform(_ exchange: Exchange) -> DHCPOutcome {
        // Answering any other address would make this server throw packets at strangers.
        guard settings.network.contains(exchange.packet.clientAddress) else { return .silence(.foreignAddress) }
        return DHCPOutcome(reply: reply(.acknowledge, giving: nil, to: exchange))
    }
}

extension AddressStanding {
    fileprivate var isObtainable: Bool { self == .own || self == .free }
}

extension IPv4Address {
    /// `nil` for 0.0.0.0, which means "none" in a DHCP header.
    fileprivate var ifSet: IPv4Address? { self == .any ? nil : self }
}
