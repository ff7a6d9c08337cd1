package import HostModel

/// The server's side of proxyDHCP (PXE specification 2.1, section 2.2) without socket or clock: beside somebody else's DHCP
/// it gives no addresses, and tells machines that want to boot what to load.
package struct ProxyResponder: Hashable, Sendable {
    /// Where a message arrived.
    package enum Port: Hashable, Sendable {
        /// 67: machines look for servers.
        case discovery
        /// 4011: a machine has its address and asks this server for the rest.
        case bootServer
    }

    /// The server's own address, as the clients reach it.
    package var server: IPv4Address
    package var files: BootFiles
    /// Others than these are not answered.
    package var relays: KnownRelays

    /// Without `relays` only machines of the segment are answered.
    package init(server: IPv4Address, files: BootFiles, relays: KnownRelays = KnownRelays(networks: [])) {
        (self.server, self.files, self.relays) = (server, files, relays)
    }

    /// By these words an event is known again.
    package static let askedPort = "asked port 4011"
    package static let besideAnother = "another server gives its address"

    /// PXE's boot item (option 43, sub-option 71): type and layer, 16 bits each.
    private static let bootItem: UInt8 = 71

    /// Answers one message, or says why not. Nothing changes by it.
    package func respond(
        to packet: DHCPPacket,
        at port: Port,
        verdict: DHCPResponder.BootVerdict = .allowed
    ) -> DHCPOutcome {
        guard packet.operation == .request else { return .silence(.notARequest) }
        guard let mac = packet.mac else { return .silence(.noMachine) }
        guard packet.hops <= DHCPPacket.hopsMax else { return .silence(.tooManyHops) }
        guard relays.contain(packet.relayAddress) else { return .silence(.unknownRelay) }
        let client = BootClient(of: packet)
        guard client != .addressOnly else { return .silence(.doesNotBoot) }
        if let silence = silence(for: packet, at: port) { return .silence(silence) }
        func event(_ stage: BootEvent.Stage, _ detail: String, outcome: String? = nil) -> BootEvent {
            BootEvent(mac: mac, stage: stage, detail: detail, hardwareID: packet.hardwareID, outcome: outcome)
        }
        if case .denied(let profile, let reason) = verdict {
            let detail = "\(client) gets nothing to boot: \(terminalEscaped(reason))"
            return .silence(.denied, event(.denied, detail, outcome: profile))
        }
        if verdict == .stopped { return .silence(.stopped) }
        guard let file = files.file(for: client, verdict) else {
            return .silence(.noLoader, event(.discover, "\(client) is not answered: there is no loader for it"))
        }
        var outcome = DHCPOutcome(reply: reply(naming: file, to: packet, client, at: port))
        outcome.events = [
            event(
                .discover,
                port == .discovery
                    ? "\(client) was told of \(file); \(Self.besideAnother)"
                    : "\(client) \(Self.askedPort) and was told of \(file)"
            )
        ]
        return outcome
    }

    private func silence(for packet: DHCPPacket, at port: Port) -> DHCPOutcome.Silence? {
        switch (port, packet.messageType) {
        case (.discovery, .discover): return nil
        // Every address is another server's to give.
        case (.discovery, _): return .anotherServer
        case (.bootServer, .request), (.bootServer, .inform):
            guard packet.serverIdentifier.map({ $0 == server }) ?? true else { return .anotherServer }
            return bootItem(of: packet).map(\.isOurs) ?? true ? nil : .otherBootItem
        case (.bootServer, _): return .notForServers
        }
    }

    private func reply(
        naming file: String,
        to request: DHCPPacket,
        _ client: BootClient,
        at port: Port
    ) -> DHCPReply {
        let type = port == .discovery ? DHCPMessageType.offer : .acknowledge
        var packet = DHCPPacket(replyingTo: request, options: [.messageType(type), .serverIdentifier(server)])
        if port == .bootServer { packet.clientAddress = request.clientAddress }
        let role = port == .discovery ? BootDataRole.proxyOffer : .bootServer
        packet.addBoot(file, for: client, asked: request, from: server, as: role)
        if port == .bootServer, let item = bootItem(of: request) {
            let echo = EncapsulatedOptions([.init(code: Self.bootItem, payload: item.bytes)], hasEnd: true)
            packet.options.append(.vendorSpecific(echo.encoded))
        }
        packet.options += request.echoes
        return DHCPReply(
            packet: packet,
            destination: port == .bootServer
                ? .sender : request.relayAddress == .any ? .broadcast : .relay(request.relayAddress),
            lengthMax: request.replyLengthMax
        )
    }

    private struct BootItem {
        var bytes: [UInt8]

        /// Type 0 (the bootstrap program), layer 0. A layer with its highest bit asks for credentials (BIS), which nobody
        /// here has; another type is another server's.
        var isOurs: Bool { bytes == [0, 0, 0, 0] }
    }

    private func bootItem(of packet: DHCPPacket) -> BootItem? {
        packet.vendorSpecific.flatMap { EncapsulatedOptions(parsing: $0)?[Self.bootItem] }.map(BootItem.init)
    }
}
