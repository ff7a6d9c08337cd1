package import HostModel

/// Where the boot server's HTTP or HTTPS listens, as machines reach it: `10.77.0.1`, or `10.77.0.1:8080` off the standard port.
package struct ServerLocation: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    package var port: UInt16
    /// Named to clients that came by HTTPS themselves: others cannot be known to speak it.
    package var isSecure = false

    package init(address: IPv4Address, port: UInt16 = 80) { self.init(address: .v4(address), port: port) }

    package init(address: IPAddress, port: UInt16 = 80) { (self.address, self.port) = (address, port) }

    /// As it stands in a URL: IPv6 in brackets.
    package var description: String {
        let host = address.v6.map { "[\($0)]" } ?? "\(address)"
        return port == (isSecure ? 443 : 80) ? host : "\(host):\(port)"
    }

    /// `http://10.77.0.1`, `https://10.77.0.1:8443`: without a slash at its end.
    package var url: String { "\(isSecure ? "https" : "http")://\(self)" }
}

/// Where the engine is, and the certificate by which a node knows it: `management_server=` and
/// `management_server_fingerprint=` of a node's command line.
package struct EngineLocation: Hashable, Sendable {
    /// `HOST` or `HOST:PORT`; a host name or an IPv4 address.
    package let server: String
    /// SHA-256 of the CA certificate's DER: 64 lower-case hex digits.
    package let fingerprint: String?

    /// `nil` unless the server is a name or an IPv4 address with an optional port from 1 to 65535, and the fingerprint,
    /// if any, is 64 hex digits, colons allowed.
    package init?(server: String, fingerprint: String? = nil) {
        let parts = server.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first.flatMap({ HostName($0) }) else { return nil }
        if parts.count == 2 {
            guard let port = UInt16(parts[1]), port > 0, String(port) == parts[1] else { return nil }
            self.server = "\(host):\(port)"
        } else {
            self.server = host.rawValue
        }
        if let fingerprint {
            guard let digest = Nonce(hex: fingerprint.filter { $0 != ":" }) else { return nil }
            self.fingerprint = digest.description
        } else {
            self.fingerprint = nil
        }
    }

    /// The words of a node's command line.
    package var kernelArguments: [String] {
        ["management_server=\(server)"] + (fingerprint.map { ["management_server_fingerprint=\($0)"] } ?? [])
    }
}
