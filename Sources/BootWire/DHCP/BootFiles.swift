package import HostModel

/// What a client is told to load, by kind.
package struct BootFiles: Hashable, Sendable {
    /// URL of the directory with the loaders, without a slash at its end, for firmware that boots by HTTP.
    package var loaders: String
    /// URL of the script that every iPXE takes.
    package var script: String
    /// URL of the server's root, without a slash at its end.
    package let root: String
    /// What stands before a file's name for firmware that loads by TFTP: nothing by DHCP, which names the server elsewhere; the
    /// beginning of a URL by DHCPv6, which knows only URLs.
    package var tftp = ""

    /// The files below one base URL without a slash at its end, as `muster-boot` serves them.
    package init(baseURL: String) {
        (loaders, script, root) = (baseURL + "/boot", baseURL + "/boot/ipxe", baseURL)
    }

    /// The file for a client about which the directory was asked; `nil` also for who gets nothing to boot.
    func file(for client: BootClient, _ verdict: DHCPResponder.BootVerdict) -> String? {
        switch verdict {
        case .denied, .stopped: return nil
        case .allowed: return file(for: client)
        case .program(let path, let isBIOS):
            switch client {
            case .pxe(let architecture) where isBIOS ? architecture == .bios : architecture.isX64: return path
            // Of images only: GRUB is loaded by TFTP, from where it fetches its configuration.
            case .http(let architecture) where !isBIOS && architecture.isX64 && path.hasPrefix("images/"):
                return "\(root)/\(path)"
            // iPXE has its program checked by the firmware, by its script; others are told by theirs why there is nothing.
            case .addressOnly, .ipxe, .pxe, .http: return file(for: client)
            }
        }
    }

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
