/// Where the engine is, as a person or a boot profile names it: `engine.example`, `10.77.0.1:8443`.
package struct EngineAddress: Hashable, Sendable, Codable {
    /// A name or an IPv4 address.
    package var host: HostName
    package var port: UInt16

    /// The port of the engine's HTTPS listener unless another is named.
    package static let defaultPort: UInt16 = 443

    package init(host: HostName, port: UInt16 = Self.defaultPort) { (self.host, self.port) = (host, port) }

    /// Reads `HOST[:PORT]`, also with `https://` in front and `/` behind; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        var rest = Substring(text)
        if rest.lowercased().hasPrefix("https://") { rest = rest.dropFirst(8) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let host = HostName(parts[0]) else { return nil }
        // Digits and dots are meant as an address: `10.0.0.300` is a typing error, not a name.
        let looksNumeric = host.rawValue.allSatisfy { $0 == "." || $0.isNumber }
        guard !looksNumeric || IPv4Address(host.rawValue) != nil else { return nil }
        guard parts.count == 2 else {
            self.init(host: host)
            return
        }
        guard parts[1].first?.isNumber == true, let port = UInt16(parts[1]), port > 0 else { return nil }
        self.init(host: host, port: port)
    }
}

extension EngineAddress: CustomStringConvertible {
    /// The port only where it is not 443.
    package var description: String { port == Self.defaultPort ? host.rawValue : "\(host):\(port)" }
}
