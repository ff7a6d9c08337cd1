package import NIOCore
import SwiftASN1
import X509

/// Who speaks to the agent, by the URI in its certificate (docs/protocols.md 1.6).
package enum PeerRole: Hashable, Sendable {
    case engine
    /// Our own certificate, from this host.
    case itself

    package static let engineURI = "muster:engine"

    /// The role of a leaf that chains to our authority; `nil` for one that may not command an agent: another host, a boot
    /// server.
    package init?(certificate der: [UInt8], own: [UInt8], remote: SocketAddress?) {
        guard let leaf = try? Certificate(derEncoded: der) else { return nil }
        let names = (try? leaf.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames([])
        let isEngine = names.contains { name in
            if case .uniformResourceIdentifier(Self.engineURI) = name { true } else { false }
        }
        if isEngine {
            self = .engine
        } else if !own.isEmpty, der == own, remote?.isLoopback == true {
            self = .itself
        } else {
            return nil
        }
    }
}

extension SocketAddress {
    /// Whether the address is 127.0.0.0/8 or ::1, also when IPv4 comes as `::ffff:127.0.0.1`.
    var isLoopback: Bool {
        guard let text = ipAddress else { return false }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }
}
