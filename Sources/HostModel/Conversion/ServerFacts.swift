/// What an existing server is, before anything is changed on it. All of it is the server's word.
package struct ServerFacts: Hashable, Sendable {
    /// `ID=` of os-release and what follows of it.
    package struct Distribution: Hashable, Sendable {
        /// How packages get there.
        package enum Family: String, Hashable, Sendable, Codable {
            case rpm
            case deb
        }

        package var id: String
        /// The number before the first dot of `VERSION_ID`.
        package var major: Int?
        package var prettyName: HostileText
        /// `ovirt-node` and the like.
        package var variant: String

        package init(id: String, major: Int?, prettyName: HostileText = HostileText(""), variant: String = "") {
            (self.id, self.major, self.prettyName, self.variant) = (id, major, prettyName, variant)
        }

        /// `nil`: none that can be converted.
        package var family: Family? {
            switch id {
            case "centos", "rhel", "almalinux", "rocky": .rpm
            case "debian": .deb
            default: nil
            }
        }
    }

    /// A mounted file system; sizes in KiB.
    package struct Mount: Hashable, Sendable {
        package var path: HostileText
        package var type: String
        package var isReadOnly: Bool
        package var free: Int?
        /// Free inodes; `nil` where the file system has no fixed number.
        package var freeInodes: Int?

        package init(path: HostileText, type: String, isReadOnly: Bool, free: Int? = nil, freeInodes: Int? = nil) {
            (self.path, self.type, self.isReadOnly) = (path, type, isReadOnly)
            (self.free, self.freeInodes) = (free, freeInodes)
        }
    }

    /// A network interface as the kernel has it.
    package struct Link: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case device
            case bridge
            case bond(members: [LinkName])
            case vlan(Int, below: LinkName?)
            case team
            case openvswitch
        }

        package var name: LinkName
        package var kind: Kind
        package var master: LinkName?
        /// As `ip` shows them, without the prefix's length.
        package var addresses: [String]

        package init(_ name: LinkName, _ kind: Kind = .device, master: LinkName? = nil, addresses: [String] = []) {
            (self.name, self.kind, self.master, self.addresses) = (name, kind, master, addresses)
        }
    }

    /// A user or group and its number.
    package struct Account: Hashable, Sendable {
        package var name: String
        package var id: Int

        package init(_ name: String, _ id: Int) { (self.name, self.id) = (name, id) }
    }

    package enum Virtualization: Hashable, Sendable {
        case usable
        /// The processor has it; the firmware switched it off.
        case disabledInFirmware
        /// The processor has it; the kernel's module is not there yet.
        case unloaded
        case absent
    }

    /// An engine whose host the server is, as the server tells it.
    package struct ManagingEngine: Hashable, Sendable {
        /// SHA-256 of its CA's certificate.
        package var fingerprint: Nonce
        /// `nil` where what stands there is none.
        package var address: EngineAddress?

        package init(_ fingerprint: Nonce, at address: EngineAddress? = nil) {
            (self.fingerprint, self.address) = (fingerprint, address)
        }
    }

    /// What an earlier conversion left on the server.
    package enum Earlier: Hashable, Sendable {
        case none
        case unfinished
        case finished
    }

    package var distribution: Distribution?
    package var architecture = ""
    package var kernel = ""
    /// What process 1 is called.
    package var processOne = ""
    /// What systemd-detect-virt says: `none`, `kvm`, `lxc` …
    package var hypervisor = ""
    package var virtualization = Virtualization.absent
    /// MiB.
    package var memory: Int?
    package var mounts: [Mount] = []
    /// Seconds since 1970.
    package var clock: Int64?
    package var hostName = HostileText("")
    package var ownAddresses: [String] = []
    /// Whether the address that clients use leads back to a name.
    package var hasReverseName = false
    package var engineAddresses: [String] = []
    package var links: [Link] = []
    package var activeUnits: Set<String> = []
    package var hasIfcfgFiles = false
    package var dropsInput = false
    package var selinux = ""
    /// Installed packages by name.
    package var packages: Set<String> = []
    package var hasBrokenPackages = false
    package var isPackageManagerBusy = false
    /// Where the server's own repositories are: `http://host:port`.
    package var repositories: [TCPEndpoint] = []
    package var reachable: Set<TCPEndpoint> = []
    package var needsReboot = false
    package var smbiosUUID: HardwareID?
    package var hostID: HardwareID?
    /// The engine's id of this host, where an agent is on it.
    package var agentHost: UniqueID?
    /// The engine that manages the server, or has begun to.
    package var manager: ManagingEngine?
    package var initiator: HostileText?
    package var users: [Account] = []
    package var groups: [Account] = []
    package var runningGuests = 0
    package var missingTools: [String] = []
    package var earlier = Earlier.none
    package var hasCrashKernel = false
    /// Whether names under /etc have control characters in them.
    package var hasStrangeNames = false

    package init() {}
}

/// A name or address and a TCP port.
package struct TCPEndpoint: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    /// `nil` for a host that is neither a name nor an address.
    package init?(host: some StringProtocol, port: UInt16) {
        let isHost = host.utf8.allSatisfy {
            (48...58).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45 || $0 == 46
        }
        guard (1...255).contains(host.utf8.count), isHost, !host.hasPrefix("-"), port > 0 else { return nil }
        (self.host, self.port) = (String(host), port)
    }

    /// Of an HTTP URL; `nil` for others.
    package init?(url: some StringProtocol) {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "http:" || parts[0] == "https:", parts[1].isEmpty else { return nil }
        let place = parts[2].split(separator: "@").last ?? ""
        let words = place.split(separator: ":", omittingEmptySubsequences: false)
        let standard: UInt16 = parts[0] == "http:" ? 80 : 443
        guard words.count <= 2, let host = words.first,
            let port = words.count == 2 ? UInt16(words[1]) : standard
        else { return nil }
        self.init(host: host, port: port)
    }

    package var description: String { "\(host):\(port)" }

    package static func < (left: TCPEndpoint, right: TCPEndpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}
