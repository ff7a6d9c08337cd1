/// Where a server listens: TLS or clear TCP, or a Unix socket.
package enum Endpoint: Hashable, Sendable {
    case https(host: String, port: Int)
    case http(host: String, port: Int)
    /// An absolute path of a socket, at most 107 bytes (`sun_path`).
    case unix(path: String)

    /// The ports of URLs that name none.
    package static let httpsPort = 443
    package static let httpPort = 80
    /// The longest path that fits in `sockaddr_un`.
    package static let unixPathMax = 107

    /// Reads `https://HOST[:PORT]`, `http://HOST[:PORT]`, `unix:/PATH` or `/PATH`; a final `/` is ignored, a path after
    /// the port is refused. IPv6 addresses stand in brackets. `nil` for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("/") || text.hasPrefix("unix:/") {
            let path = text.hasPrefix("/") ? text : String(text.dropFirst(5))
            guard path.utf8.count <= Self.unixPathMax, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
        } else if let rest = Self.dropScheme("https://", of: text), let (host, port) = Self.authority(rest) {
            self = .https(host: host, port: port ?? Self.httpsPort)
        } else if let rest = Self.dropScheme("http://", of: text), let (host, port) = Self.authority(rest) {
            self = .http(host: host, port: port ?? Self.httpPort)
        } else {
            return nil
        }
    }

    private static func dropScheme(_ scheme: String, of text: String) -> Substring? {
        text.lowercased().hasPrefix(scheme) ? text.dropFirst(scheme.count) : nil
    }

    /// Splits `host[:port][/]`.
    private static func authority(_ text: Substring) -> (String, Int?)? {
        let text = text.hasSuffix("/") ? text.dropLast() : text
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            (host, rest) = (text[text.index(after: text.startIndex)..<end], text[text.index(after: end)...])
            guard host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }), host.contains(":") else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            let isName = host.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [45, 46, 95].contains(byte)
            }
            guard isName else { return nil }
        }
        guard (1...255).contains(host.utf8.count) else { return nil }
        if rest.isEmpty { return (String(host), nil) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return (String(host), Int(port))
    }

    /// What goes into the `Host` header (RFC 9112, section 3.2): the port only when it is not the scheme's own.
    var hostHeader: String {
        switch self {
        case .https(let host, let port): Self.bracketed(host) + (port == 443 ? "" : ":\(port)")
        case .http(let host, let port): Self.bracketed(host) + (port == 80 ? "" : ":\(port)")
        case .unix: "localhost"
        }
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

extension Endpoint: CustomStringConvertible {
    /// As it is read: `https://engine.example`, `http://[::1]:8080`, `unix:/run/muster/boot.sock`.
    package var description: String {
        switch self {
        case .https: "https://\(hostHeader)"
        case .http: "http://\(hostHeader)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
