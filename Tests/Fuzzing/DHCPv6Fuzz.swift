import BootWire
import HostModel
import NIOCore

/// A server of its own /64 and one behind relays, as in `DHCPFuzz`.
struct DHCPv6Fuzz {
    private let responders: [DHCPv6Responder]
    private var addresses = StableAddresses()
    private let links: [LinkPrefix]
    private var now = Duration.zero

    /// The shortest and the longest of a relay's envelopes for a message of this length are far below it.
    private static let answerMax = 4096

    init() {
        let address = IPv6Address(high: 0xFD00_0077_0000_0000, low: 1)
        guard let server = IPv6Network(address, prefixLength: 64), let card = MACAddress("52:54:00:77:00:01"),
            let link = LinkPrefix(server),
            let far = IPv6Network(IPv6Address(high: 0xFD00_0078_0000_0000, low: 0), prefixLength: 64).flatMap(
                LinkPrefix.init
            )
        else { preconditionFailure("these are an address and a card") }
        let files = BootFiles(server: address, httpPort: 80)
        responders = [true, false].map { givesAddresses in
            var settings = DHCPv6Settings(
                server: address,
                link: link,
                card: card,
                givesAddresses: givesAddresses,
                files: files
            )
            settings.relayed = [far]
            return DHCPv6Responder(settings: settings)
        }
        links = [link, far]
    }

    mutating func take(_ datagram: ByteBuffer) {
        guard let request = try? DHCPv6Request(parsing: datagram) else { return }
        precondition((try? DHCPv6Request(parsing: request.encoded)) == request, "written and read as something else")
        now += .seconds(Int64(request.message.transactionID & 0xFF))
        let source = IPv6Address(high: 0xFE80 << 48, low: 0x5054_00FF_FE00_0001)
        guard let client = DHCPv6Client(of: request, from: source) else { return }
        precondition(client.mac.map { !$0.isMulticast } ?? true, "nobody has such a card")
        for responder in responders {
            let outcome = responder.respond(to: request, from: client, addresses: addresses, now: now)
            precondition(outcome.reply == nil || outcome.silence == nil, "an answer and a silence")
            precondition(
                outcome.given.allSatisfy { address in links.contains { $0.contains(address) } },
                "a foreign address was given"
            )
            for event in outcome.events {
                precondition(event.detail.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "breaks its line")
            }
            for declined in outcome.declined {
                addresses.decline(
                    declined.address,
                    by: client.identifier,
                    association: declined.association,
                    at: now
                )
            }
            guard let reply = outcome.reply else { continue }
            let answer = reply.bytes
            precondition(answer.count <= Self.answerMax, "an answer without bounds")
            precondition((try? DHCPv6Message(parsing: answer)) == reply, "an answer that nobody can read")
            precondition(request.wrapped(reply).readableBytes >= answer.count, "lost in its envelopes")
        }
    }
}
