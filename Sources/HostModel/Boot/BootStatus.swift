// What a boot server says of itself, every few seconds: docs/protocols.md, sections 2 and 3.

/// A boot server as it is now.
package struct BootStatus: Hashable, Sendable, Codable {
    /// A network that it gives addresses in.
    package struct Network: Hashable, Sendable, Codable {
        package var network: IPv4Network
        /// `FIRST-LAST`
        package var pool: String
        package var pool_size: Int
        /// Addresses that machines have now.
        package var in_use: Int

        package init(network: IPv4Network, pool: String, pool_size: Int, in_use: Int) {
            (self.network, self.pool, self.pool_size, self.in_use) = (network, pool, pool_size, in_use)
        }
    }

    /// An address and the machine that has it, or had it last.
    package struct Lease: Hashable, Sendable, Codable {
        package var address: IPv4Address
        package var mac: MACAddress
        /// `offered`, `bound`, `released`, `quarantined`, or `expired`.
        package var state: String
        /// Seconds since 1970.
        package var expires: Int64

        package init(address: IPv4Address, mac: MACAddress, state: String, expires: Int64) {
            (self.address, self.mac, self.state, self.expires) = (address, mac, state, expires)
        }
    }

    /// A file on its way to a machine.
    package struct Transfer: Hashable, Sendable, Codable {
        package var address: IPAddress?
        /// Where it is known.
        package var mac: MACAddress?
        package var file: String
        /// `tftp` or `http`.
        package var way: String
        /// Those that the machine has, or the kernel has for it.
        package var bytes: Int64
        package var size: Int64
        /// Since its beginning.
        package var milliseconds: Int64

        package init(
            address: IPAddress?,
            mac: MACAddress?,
            file: String,
            way: String,
            bytes: Int64,
            size: Int64,
            milliseconds: Int64
        ) {
            (self.address, self.mac, self.file, self.way) = (address, mac, file, way)
            (self.bytes, self.size, self.milliseconds) = (bytes, size, milliseconds)
        }
    }

    /// What was done since the boot server's start.
    package struct Counters: Hashable, Sendable, Codable {
        package var dhcp_received: UInt64 = 0
        package var dhcp_answered: UInt64 = 0
        /// Beyond a limit.
        package var dhcp_dropped: UInt64 = 0
        package var tftp_completed: UInt64 = 0
        package var tftp_failed: UInt64 = 0
        package var tftp_bytes: UInt64 = 0
        package var http_requests: UInt64 = 0
        package var http_refused: UInt64 = 0
        package var http_bytes: UInt64 = 0
        package var events_lost: UInt64 = 0

        package init() {}
    }

    package var interface: String
    package var address: IPv4Network
    /// `full`, `proxy` or `off`.
    package var dhcp: String
    /// Port of the scripts and images.
    package var http_port: UInt16
    package var networks: [Network] = []
    /// At most `leasesMax`, in the order of addresses.
    package var leases: [Lease] = []
    /// How many there are.
    package var lease_count = 0
    /// Loaders of Debian's package that are not in the loader directory.
    package var missing_loaders: [String] = []
    /// Where IPv6 is served, too.
    package var address6: IPv6Network?
    /// `full`, `stateless` or `off`.
    package var dhcp6: String?
    /// The links whose DHCPv6 is answered, its own first.
    package var networks6: [IPv6Network]?
    /// The same as at `http_port`, over TLS.
    package var https_port: UInt16?
    /// At most `transfersMax`, those that began first.
    package var transfers: [Transfer]?
    package var transfer_count: Int?
    package var counters: Counters?

    package static let leasesMax = 5000
    package static let transfersMax = 500

    package init(interface: String, address: IPv4Network, dhcp: String, http_port: UInt16) {
        (self.interface, self.address, self.dhcp, self.http_port) = (interface, address, dhcp, http_port)
    }
}

/// A boot server, and when it was heard last.
package struct BootServiceResource: Hashable, Sendable, Codable {
    package var status: BootStatus
    package var reported: String
    /// The name of one on another segment; `nil`: the engine's own.
    package var server: String?

    package init(status: BootStatus, reported: String, server: String? = nil) {
        (self.status, self.reported, self.server) = (status, reported, server)
    }
}

/// `{"boot_service": […]}`.
package struct BootServiceCollection: Hashable, Sendable, Codable {
    package var boot_service: [BootServiceResource]?

    package init(_ services: [BootServiceResource]) { boot_service = services }
}

/// What a machine would boot, and why, without booting it.
package struct BootExplanation: Hashable, Sendable, Codable {
    package var mac: MACAddress
    /// The host's name, when the machine is known.
    package var host: String?
    package var profile: String
    package var mode: String
    /// `NAME@VERSION`
    package var image: String?
    /// Why this profile.
    package var reason: String
    /// What happens, in order, in sentences.
    package var steps: [String]
    /// What of the boot is verified, and by whom; what nobody verifies.
    package var verified: [String]?
    package var unverified: [String]?

    package init(
        mac: MACAddress,
        host: String?,
        profile: String,
        mode: String,
        image: String?,
        reason: String,
        steps: [String],
        verified: [String] = [],
        unverified: [String] = []
    ) {
        (self.mac, self.host, self.profile, self.mode) = (mac, host, profile, mode)
        (self.image, self.reason, self.steps) = (image, reason, steps)
        self.verified = verified.isEmpty ? nil : verified
        self.unverified = unverified.isEmpty ? nil : unverified
    }
}

extension BootServiceCollection: WireDocument { package static var element: String { "boot_services" } }
extension BootExplanation: WireDocument { package static var element: String { "boot_explanation" } }
