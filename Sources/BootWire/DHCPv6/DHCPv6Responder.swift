package import HostModel

/// The server's side of DHCPv6 (RFC 8415, section 18.3, with RFC 5970 for booting) without socket or clock.
package struct DHCPv6Responder: Hashable, Sendable {
    package let settings: DHCPv6Settings

    package init(settings: DHCPv6Settings) { self.settings = settings }

    /// What follows from one message.
    package struct Outcome: Hashable, Sendable {
        package var reply: DHCPv6Message?
        package var silence: DHCPOutcome.Silence?
        package var events: [BootEvent] = []
        /// The client has these from here now.
        package var given: [IPv6Address] = []
        /// The client found these in use.
        package var declined: [Declined] = []

        package struct Declined: Hashable, Sendable {
            package var address: IPv6Address
            package var association: UInt32
        }

        init(_ silence: DHCPOutcome.Silence) { self.silence = silence }
        init(_ reply: DHCPv6Message) { self.reply = reply }
    }

    /// The associations of one message that are answered; no client of ours has more than one.
    static let associationsMax = 4

    /// Answers one message, or says why not.
    package func respond(
        to request: DHCPv6Request,
        from client: DHCPv6Client,
        addresses: StableAddresses,
        verdict: DHCPResponder.BootVerdict = .allowed,
        now: Duration
    ) -> Outcome {
        guard let prefix = settings.prefix(of: request) else { return Outcome(.otherNetwork) }
        if let silence = silence(for: request.message, client) { return Outcome(silence) }
        let exchange = Exchange6(
            message: request.message,
            client: client,
            prefix: prefix,
            addresses: addresses,
            verdict: verdict,
            now: now
        )
        switch request.message.type {
        case .solicit: return answerSolicit(exchange)
        case .request, .renew, .rebind: return give(exchange, .reply)
        case .confirm: return confirm(exchange)
        case .release: return Outcome(reply(.reply, exchange, [DHCPv6Status.success.option()]))
        case .decline: return takeBack(exchange)
        case .informationRequest: return inform(exchange)
        default: return Outcome(.notForServers)
        }
    }

    /// RFC 8415, section 16: which messages are thrown away unread.
    private func silence(for message: DHCPv6Message, _ client: DHCPv6Client) -> DHCPOutcome.Silence? {
        let isForUs = message[.serverID].map { $0 == settings.identifier }
        switch message.type {
        case .informationRequest: return isForUs == false ? .anotherServer : nil
        case .solicit, .confirm, .rebind:
            guard isForUs == nil, !client.identifier.isEmpty else { return .malformed }
        case .request, .renew, .release, .decline:
            guard let isForUs, !client.identifier.isEmpty else { return .malformed }
            guard isForUs else { return .anotherServer }
        default: return .notForServers
        }
        return settings.givesAddresses ? nil : .anotherServer
    }

    private func answerSolicit(_ exchange: Exchange6) -> Outcome {
        guard exchange.message[.rapidCommit] != nil else { return give(exchange, .advertise) }
        var outcome = give(exchange, .reply)
        outcome.reply?.options.append(DHCPv6Option(.rapidCommit, []))
        return outcome
    }

    /// An address for each association that asks for one.
    private func give(_ exchange: Exchange6, _ type: DHCPv6MessageType) -> Outcome {
        var (options, given) = ([DHCPv6Option](), [IPv6Address]())
        for option in exchange.message.options.filter(\.isAssociation).prefix(Self.associationsMax) {
            let association = association(option, exchange)
            options.append(association.option)
            if let address = association.address { given.append(address) }
        }
        var outcome = Outcome(reply(type, exchange, options + settings.boot(exchange)))
        if type == .reply { outcome.given = given }
        outcome.events = events(exchange, given, type)
        return outcome
    }

    private func association(
        _ option: DHCPv6Option,
        _ exchange: Exchange6
    ) -> (option: DHCPv6Option, address: IPv6Address?) {
        var rest = option.payload[...]
        guard option.code == .addresses, rest.count >= 12 else {
            let status = option.code == .prefixes ? DHCPv6Status.noPrefixAvailable : .noAddressAvailable
            let fields = Array(option.payload.prefix(option.code == .temporaryAddresses ? 4 : 12))
            return (DHCPv6Option(option.code, fields + status.option("none is given here").wire), nil)
        }
        let number = UInt32(rest.number(4))
        let identifier = exchange.client.identifier
        let wanted = option.nested(skipping: 12)?.compactMap(\.leasedAddress) ?? []
        // It has moved (RFC 8415, section 18.3.2), and begins anew.
        guard exchange.message.type != .request || wanted.allSatisfy({ exchange.prefix.contains($0) }) else {
            let status = DHCPv6Status.notOnLink.option("the address is of another network")
            return (Self.empty(number, status), nil)
        }
        let address = exchange.addresses.address(
            of: identifier,
            association: number,
            in: exchange.prefix,
            held: wanted,
            isInUse: [.renew, .rebind].contains(exchange.message.type),
            at: exchange.now
        )
        guard let address else {
            let status = DHCPv6Status.noAddressAvailable.option("all of this machine's addresses are in use")
            return (Self.empty(number, status), nil)
        }
        let (valid, preferred) = (settings.validTime, settings.validTime / 8 * 5)
        var inside = [DHCPv6Option(address, preferred: preferred, valid: valid)]
        // What it has from elsewhere is not to be used here.
        inside += wanted.filter { $0 != address }.prefix(Self.associationsMax)
            .map { DHCPv6Option($0, preferred: 0, valid: 0) }
        let times = [UInt8].bigEndian(preferred / 2) + [UInt8].bigEndian(preferred / 5 * 4)
        return (DHCPv6Option(.addresses, [UInt8].bigEndian(number) + times + inside.flatMap(\.wire)), address)
    }

    /// An association without an address, and why.
    private static func empty(_ association: UInt32, _ status: DHCPv6Option) -> DHCPv6Option {
        DHCPv6Option(.addresses, [UInt8].bigEndian(association) + Array(repeating: 0, count: 8) + status.wire)
    }

    /// Whether the addresses that a machine comes back with are of this link (RFC 8415, section 18.3.3).
    private func confirm(_ exchange: Exchange6) -> Outcome {
        let claimed = exchange.leases.map(\.address)
        guard !claimed.isEmpty else { return Outcome(.malformed) }
        let status: DHCPv6Status = claimed.allSatisfy { exchange.prefix.contains($0) } ? .success : .notOnLink
        return Outcome(reply(.reply, exchange, [status.option()]))
    }

    private func takeBack(_ exchange: Exchange6) -> Outcome {
        var outcome = Outcome(reply(.reply, exchange, [DHCPv6Status.success.option()]))
        // One of another link is none of ours.
        outcome.declined = exchange.leases.filter { exchange.prefix.contains($0.address) }
        if let mac = exchange.client.mac, let first = outcome.declined.first {
            let detail = "found the address \(first.address) in use by another machine"
            outcome.events = [BootEvent(mac: mac, stage: .failed, detail: detail)]
        }
        return outcome
    }

    private func inform(_ exchange: Exchange6) -> Outcome {
        // RFC 8415, section 16.12.
        guard !exchange.message.options.contains(where: \.isAssociation) else { return Outcome(.malformed) }
        var outcome = Outcome(reply(.reply, exchange, settings.boot(exchange)))
        outcome.events = events(exchange, [], .reply)
        return outcome
    }

    private func reply(
        _ type: DHCPv6MessageType,
        _ exchange: Exchange6,
        _ options: [DHCPv6Option]
    ) -> DHCPv6Message {
        var all = [DHCPv6Option(.serverID, settings.identifier)]
        if !exchange.client.identifier.isEmpty { all.append(DHCPv6Option(.clientID, exchange.client.identifier)) }
        return DHCPv6Message(type, transactionID: exchange.message.transactionID, options: all + options)
    }

    private func events(_ exchange: Exchange6, _ given: [IPv6Address], _ type: DHCPv6MessageType) -> [BootEvent] {
        guard let mac = exchange.client.mac, exchange.client.boot != .addressOnly else { return [] }
        func event(_ stage: BootEvent.Stage, _ detail: String, outcome: String? = nil) -> BootEvent {
            let hardwareID = exchange.client.hardwareID
            return BootEvent(mac: mac, stage: stage, detail: detail, hardwareID: hardwareID, outcome: outcome)
        }
        if case .denied(let profile, let reason) = exchange.verdict {
            let detail = "\(exchange.client.boot) gets nothing to boot: \(terminalEscaped(reason))"
            return [event(.denied, detail, outcome: profile)]
        }
        if type == .reply, let address = given.first {
            return [event(.address, "\(exchange.client.boot) took the address \(address)")]
        }
        guard exchange.verdict == .allowed else { return [] }
        let file = settings.files.file(for: exchange.client.boot) ?? "nothing to boot"
        let offer = given.first.map { "was offered \($0) and" } ?? "has its address from elsewhere and was told of"
        return [event(.discover, "\(exchange.client.boot) \(offer) \(file)")]
    }
}

/// One message and all that its answer depends on.
struct Exchange6 {
    let message: DHCPv6Message
    let client: DHCPv6Client
    /// Of the link that the client is on.
    let prefix: LinkPrefix
    let addresses: StableAddresses
    let verdict: DHCPResponder.BootVerdict
    let now: Duration

    func asks(for code: DHCPv6OptionCode) -> Bool {
        var rest = (message[.request] ?? [])[...]
        while rest.count >= 2 {
            if rest.number(2) == UInt64(code.rawValue) { return true }
        }
        return false
    }

    /// The addresses in the associations of the message.
    var leases: [DHCPv6Responder.Outcome.Declined] {
        message.options.filter { $0.code == .addresses && $0.payload.count >= 12 }
            .prefix(DHCPv6Responder.associationsMax).flatMap { option in
                var rest = option.payload[...]
                let association = UInt32(rest.number(4))
                let inside = option.nested(skipping: 12)?.compactMap(\.leasedAddress) ?? []
                return inside.prefix(DHCPv6Responder.associationsMax).map {
                    DHCPv6Responder.Outcome.Declined(address: $0, association: association)
                }
            }
    }
}

extension DHCPv6Option {
    /// An address of an association, and how long it is good for, in seconds.
    init(_ address: IPv6Address, preferred: UInt32, valid: UInt32) {
        self.init(.address, address.octets + [UInt8].bigEndian(preferred) + [UInt8].bigEndian(valid))
    }

    /// The address of an option in an association.
    package var leasedAddress: IPv6Address? {
        code == .address && payload.count >= 24 ? IPv6Address(octets: payload.prefix(16)) : nil
    }

    fileprivate var isAssociation: Bool {
        (code == .addresses || code == .prefixes) && payload.count >= 12
            || code == .temporaryAddresses && payload.count >= 4
    }
}
