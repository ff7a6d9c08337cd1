/// Where a node finds its root image: the value of the kernel argument `muster.image=`.
///
///     muster.image=http://10.77.0.1/images/NAME/VERSION
///     muster.image=medium:NODE_DEBIAN_E4ED3B9A
///     muster.image=slot:a                             of the disk that muster.disk= names
package enum LiveImageSource: Hashable, Sendable {
    /// The folder of a published image.
    case server(LiveImageFolder)
    /// A medium with this volume id; the image lies in its folder `muster`.
    case medium(VolumeID)
    /// A slot of an installed disk.
    case slot(BootSlot)

    package static let argumentName = "muster.image"
    /// Without a value: every block of an image on a medium is read before it is used.
    package static let checkArgumentName = "muster.check"
    package static let manifestName = "manifest.json"
    package static let signatureName = "manifest.json.p7s"
    /// What lies beside an image's files and is not among them.
    package static let descriptionNames: Set<String> = [manifestName, signatureName]

    /// Reads the value of the argument. Every scheme but clear HTTP, and every address that no boot server has, is refused
    /// here, before anything is asked.
    package init(parsing value: String) throws(KernelArgumentError) {
        if value.hasPrefix("medium:") {
            guard let volumeID = VolumeID(value.dropFirst("medium:".count)) else {
                throw Self.error(value, "a volume id is 1 to 32 of A-Z, 0-9, _")
            }
            self = .medium(volumeID)
        } else if value.hasPrefix("slot:") {
            guard let slot = BootSlot(rawValue: String(value.dropFirst("slot:".count))) else {
                throw Self.error(value, "a slot is a or b")
            }
            self = .slot(slot)
        } else {
            self = .server(try LiveImageFolder(parsing: value))
        }
    }

    package static func error(_ value: String, _ reason: String) -> KernelArgumentError {
        KernelArgumentError(argumentName, value, reason)
    }
}

extension LiveImageSource: CustomStringConvertible {
    /// As it is read.
    package var description: String {
        switch self {
        case .server(let folder): folder.description
        case .medium(let volumeID): "medium:\(volumeID)"
        case .slot(let slot): "slot:\(slot.rawValue)"
        }
    }
}

/// `http://HOST[:PORT]/…/NAME/VERSION`: the folder of one version of an image on a boot server.
package struct LiveImageFolder: Hashable, Sendable {
    /// An IPv4 address or a host name.
    package let host: String
    package let port: UInt16
    /// The path's components; the last two are the image's name and version.
    package let path: [String]

    package var name: String { path[path.count - 2] }
    package var version: String { path[path.count - 1] }

    /// The most components of a path.
    package static let componentsMax = 8

    package init(parsing value: String) throws(KernelArgumentError) {
        let scheme = "http://"
        guard value.hasPrefix(scheme) else {
            throw LiveImageSource.error(value, "expected http://SERVER/images/NAME/VERSION or medium:VOLUMEID")
        }
        var parts = value.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false).map(
            String.init
        )
        let authority = parts.removeFirst()
        if parts.last == "" { parts.removeLast() }
        guard (2...Self.componentsMax).contains(parts.count), parts.allSatisfy({ ImageReference.isComponent($0) })
        else { throw LiveImageSource.error(value, "its path is not that of an image: …/NAME/VERSION") }
        guard let (host, port) = Self.hostAndPort(authority) else {
            throw LiveImageSource.error(value, "expected a server's address or name, with or without a port")
        }
        if let address = IPv4Address(host), !Self.isServer(address) {
            throw LiveImageSource.error(value, "\(address) is no address of a boot server")
        }
        (self.host, self.port, path) = (host, port, parts)
    }

    /// False for what no boot server has: link-local (where clouds keep their metadata), zero, multicast, reserved.
    package static func isServer(_ address: IPv4Address) -> Bool {
        let octets = address.octets
        return (1...223).contains(octets[0]) && !(octets[0] == 169 && octets[1] == 254)
    }

    private static func hostAndPort(_ authority: String) -> (String, UInt16)? {
        let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first.flatMap({ HostName($0) })?.rawValue else { return nil }
        guard parts.count == 2 else { return (host, 80) }
        guard let port = UInt16(parts[1]), port > 0, String(port) == parts[1] else { return nil }
        return (host, port)
    }
}

extension LiveImageFolder: CustomStringConvertible {
    package var description: String { "http://\(authority)/\(path.joined(separator: "/"))" }

    /// What goes into the `Host` header: the port only when it is not HTTP's own.
    package var authority: String { port == 80 ? host : "\(host):\(port)" }

    /// The path and query of one of its files, or of any other call to the same server.
    package func target(_ file: String, query: String = "") -> String {
        "/" + (path + [file]).joined(separator: "/") + (query.isEmpty ? "" : "?" + query)
    }
}
