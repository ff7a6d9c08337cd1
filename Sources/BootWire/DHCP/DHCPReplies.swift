import HostModel

/// How replies are written (RFC 2131, section 4.3.1 and table 3) and where they go (section 4.1).
extension DHCPResponder {
    /// An offer or an acknowledgement; without an address the answer to an INFORM.
    func reply(_ type: DHCPMessageType, giving address: IPv4Address?, to exchange: Exchange) -> DHCPReply {
        let request = exchange.packet
        var packet = DHCPPacket(replyingTo: request, options: [.messageType(type)])
        packet.options.append(.serverIdentifier(identifier(for: request)))
        if let address {
            packet.yourAddress = address
            packet.options += leaseOptions(leaseTime(exchange))
        }
        if type == .acknowledge { packet.clientAddress = request.clientAddress }
        packet.options += networkOptions
        addBoot(to: &packet, exchange)
        packet.options += request.echoes
        return DHCPReply(packet: packet, destination: destination(for: request), lengthMax: request.replyLengthMax)
    }

    /// A refusal: no address and no lease in it, and always by broadcast, because the client's address is not valid.
    func refuse(_ exchange: Exchange, _ reason: String) -> DHCPOutcome {
        let request = exchange.packet
        var packet = DHCPPacket(
            replyingTo: request,
            options: [.messageType(.refuse), .serverIdentifier(identifier(for: request)), .message(Array(reason.utf8))]
        )
        packet.options += request.echoes
        packet.isBroadcast = true
        let destination: DHCPReply.Destination =
            request.relayAddress == .any ? .broadcast : .relay(request.relayAddress)
        return DHCPOutcome(
            reply: DHCPReply(packet: packet, destination: destination, lengthMax: request.replyLengthMax)
        )
    }

    /// By what the client knows this server.
    private func identifier(for request: DHCPPacket) -> IPv4Address {
        request.serverIdentifierOverride ?? settings.server
    }

    private func destination(for request: DHCPPacket) -> DHCPReply.Destination {
        if request.relayAddress != .any { return .relay(request.relayAddress) }
        let address = request.clientAddress
        // Unicast to an address that nobody has yet needs an ARP entry; broadcast reaches every client.
        return address != .any && settings.network.contains(address) ? .client(address) : .broadcast
    }

    private func leaseOptions(_ seconds: UInt32) -> [DHCPOption] {
        // RFC 2131, section 4.4.5: renewing from one half on, rebinding from seven eighths on.
        [
            .leaseTime(seconds: seconds), .renewalTime(seconds: seconds / 2),
            .rebindingTime(seconds: seconds - seconds / 8),
        ]
    }

    private var networkOptions: [DHCPOption] {
        var options: [DHCPOption] = [.subnetMask(settings.network.netmask), .broadcastAddress(settings.network.last)]
        if let router = settings.router { options.append(.routers([router])) }
        if !settings.nameServers.isEmpty { options.append(.domainNameServers(settings.nameServers)) }
        if let domain = settings.domain { options.append(.domainName(Array(domain.rawValue.utf8))) }
        return options
    }

    private func addBoot(to packet: inout DHCPPacket, _ exchange: Exchange) {
        guard let file = settings.bootFiles?.file(for: exchange.boot, exchange.verdict) else { return }
        packet.addBoot(file, for: exchange.boot, asked: exchange.packet, from: settings.server, as: .withAddress)
    }
}

extension DHCPPacket {
    /// What a client expects to see again: its identifier (RFC 6842), its UUID (RFC 4578), the relay's text (RFC 3046).
    var echoes: [DHCPOption] {
        options.filter { option in
            switch option {
            case .clientIdentifier, .clientMachineIdentifier, .relayAgentInformation: true
            default: false
            }
        }
    }
}
