package import EngineClient
package import HostModel
import NIOCore

/// One step of the way from this node to its engine, tested.
package struct WayStep: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case link
        case address
        case gateway
        case name
        case tcp = "TCP"
        case tls = "TLS"
        case authority = "CA"
    }

    package enum Outcome: Hashable, Sendable {
        case good
        case failed(remedy: String)
        /// Neither: it does not apply here.
        case skipped
    }

    package var kind: Kind
    package var outcome: Outcome
    /// What was found; may hold what others said.
    package var finding: String

    package init(_ kind: Kind, _ outcome: Outcome, _ finding: String) {
        (self.kind, self.outcome, self.finding) = (kind, outcome, finding)
    }

    package var isFailed: Bool { if case .failed = outcome { true } else { false } }

    /// One line, escaped; with the remedy where it failed.
    package var line: String {
        let label = kind.rawValue + String(repeating: " ", count: 10 - kind.rawValue.count)
        let finding = terminalEscaped(finding)
        switch outcome {
        case .good: return "\(label)ok      \(finding)"
        case .skipped: return "\(label)-       \(finding)"
        case .failed(let remedy): return "\(label)FAILED  \(finding); \(terminalEscaped(remedy))"
        }
    }
}

extension WayStep {
    package static func link(_ links: [ObservedLink]) -> WayStep {
        let nics = links.filter { $0.kind == .ethernet }
        let ready = nics.filter(\.hasCarrier).map(\.name.rawValue)
        if !ready.isEmpty { return WayStep(.link, .good, "carrier on \(ready.joined(separator: ", "))") }
        if nics.isEmpty {
            let remedy = "its driver may not be in this image; see the log (4)"
            return WayStep(.link, .failed(remedy: remedy), "no network interface was found")
        }
        let names = nics.map(\.name.rawValue).joined(separator: ", ")
        return WayStep(.link, .failed(remedy: "check the cable and the switch port"), "no carrier on \(names)")
    }

    package static func address(_ links: [ObservedLink]) -> WayStep {
        let carrying = links.filter { $0.name.rawValue != "lo" && !$0.addresses.isEmpty }
        guard !carrying.isEmpty else {
            let remedy = "check that a DHCP server answers here, or set a fixed address (1)"
            return WayStep(.address, .failed(remedy: remedy), "no interface has an address")
        }
        let list = carrying.flatMap { link in link.addresses.map { "\($0) on \(link.name)" } }
        return WayStep(.address, .good, list.joined(separator: ", "))
    }

    /// Not an error by itself: many gateways do not answer a ping.
    package static func gateway(_ gateway: IPv4Address?, answers: Bool) -> WayStep {
        guard let gateway else {
            return WayStep(.gateway, .skipped, "there is none; only the own network can be reached")
        }
        if answers { return WayStep(.gateway, .good, "\(gateway) answers") }
        let remedy = "check address, prefix length, VLAN and gateway (1), unless it never answers a ping"
        return WayStep(.gateway, .failed(remedy: remedy), "\(gateway) does not answer a ping")
    }

    package static func name(_ host: HostName, addresses: [IPv4Address], nameservers: Int) -> WayStep {
        if IPv4Address(host.rawValue) != nil { return WayStep(.name, .skipped, "\(host) is an address") }
        guard addresses.isEmpty else {
            let list = addresses.prefix(4).map(\.description).joined(separator: ", ")
            return WayStep(.name, .good, "\(host) is \(list)")
        }
        let remedy =
            nameservers == 0
            ? "no name server is known; set one (1) or use the engine's address (2)"
            : "check the name servers (1) and the spelling (2)"
        return WayStep(.name, .failed(remedy: remedy), "no address is known for \(host)")
    }

    /// The last three steps from the outcome of one call for the engine's CA.
    package static func call(
        _ engine: EngineAddress,
        _ outcome: Result<HTTPAnswer, TransportError>,
        fingerprint: Nonce?
    ) -> [WayStep] {
        let connected = WayStep(.tcp, .good, "port \(engine.port) of \(engine.host) is open")
        switch outcome {
        case .failure(let error):
            let failed = { WayStep($0, .failed(remedy: error.remedy ?? "try again"), "\(error)") }
            switch error {
            case .tls, .untrusted: return [connected, failed(.tls)]
            case .timedOut(_, .answering, _), .closed, .malformed, .oversized: return [connected, failed(.authority)]
            default: return [failed(.tcp)]
            }
        case .success(let answer):
            let leaf = answer.peer.fingerprints.first.map { "the server's certificate is \($0.hex.prefix(16))…" }
            let secured = WayStep(.tls, .good, leaf ?? "the server shows no certificate")
            return [connected, secured, authority(answer, fingerprint: fingerprint)]
        }
    }

    private static func authority(_ answer: HTTPAnswer, fingerprint: Nonce?) -> WayStep {
        let text = String(decoding: answer.body.readableBytesView, as: UTF8.self)
        guard answer.isSuccess, let authority = try? Authority(pem: text) else {
            let remedy = "check that address and port are an engine's (2)"
            return WayStep(
                .authority,
                .failed(remedy: remedy),
                "the server answered \(answer.status) and gave no CA certificate"
            )
        }
        guard let fingerprint else {
            return WayStep(.authority, .good, "\(authority.fingerprint); none is set to compare it with")
        }
        if fingerprint == authority.fingerprint {
            return WayStep(.authority, .good, "the fingerprint is the one that is set")
        }
        let remedy =
            "this is not the engine that was meant, or it was set up anew; compare on the engine, then correct it (2)"
        return WayStep(.authority, .failed(remedy: remedy), "the fingerprint is \(authority.fingerprint)")
    }
}
