package import HostModel

/// What a client is told to load, by kind.
package struct BootFiles: Hashable, Sendable {
    /// URL of the directory with the loaders, without a slash at its end, for firmware that boots by HTTP.
    package var loaders: String
    /// URL of the script that every iPXE takes.
    package var script: String
    /// What stands before a file's name for firmware that loads by TFTP: nothing by DHCP, which names the server elsewhere; the
    /// beginning of a URL by DHCPv6, which knows only URLs.
    package var tftp = ""

    /// The files below one base URL without a slash at its end, as `muster-boot` serves them.
    package init(baseURL: String) { (loaders, script) = (baseURL + "/boot", baseURL + "/boot/ipxe") }

    /// The same for DHCPv6, on a server of this address.
    package init(server: IPv6Address, httpPort: UInt16) {
        self.init(baseURL: "http://[\(server)]" + (httpPort == 80 ? "" : ":\(httpPort)"))
        tftp = "tftp://[\(server)]/"
    }

    /// The file for a client: a TFTP name, or a URL for those that fetch by HTTP; `nil` when there is none for its kind.
    package func file(for client: BootClient) -> String? {
        switch client {
        case .addressOnly: return nil
        case .ipxe(_, hasHTTP: true): return script
        case .ipxe(let architecture, hasHTTP: false), .pxe(let architecture):
            return architecture.loader.map { tftp + $0 }
        case .http(let architecture):
            guard architecture.firmware != .bios || architecture.isHTTPFromBIOS else { return nil }
            return architecture.loader.map { "\(loaders)/\($0)" }
        }
    }
}
