import BootWire
package import HostModel
package import Recipes

/// The settings of one boot server, parsed.
package struct BootServicesSettings: Sendable {
    /// What is done by DHCP.
    package enum DHCPMode: Hashable, Sendable {
        /// Nothing: another server gives the addresses, and says what to boot.
        case off
        /// Another server gives the addresses; what to boot is said here.
        case proxy
        /// Addresses of the pool, and what to boot; the same for networks behind relays.
        case full(pool: ClosedRange<IPv4Address>, subnets: [Subnet] = [])
    }

    /// A network behind relays.
    package struct Subnet: Hashable, Sendable {
        package var network: IPv4Network
        package var pool: ClosedRange<IPv4Address>
        package var router: IPv4Address
        /// Empty: those of the server's own network.
        package var nameServers: [IPv4Address] = []

        package init(
            network: IPv4Network,
            pool: ClosedRange<IPv4Address>,
            router: IPv4Address,
            nameServers: [IPv4Address] = []
        ) {
            (self.network, self.pool, self.router) = (network, pool, router)
            self.nameServers = nameServers
        }
    }

    /// Scripts, loaders and images over TLS.
    package struct HTTPS: Hashable, Sendable {
        package var port: UInt16
        package var files: ServerIdentity.Files

        package init(port: UInt16, files: ServerIdentity.Files) { (self.port, self.files) = (port, files) }
    }

    /// What is done by DHCPv6.
    package enum DHCPv6Mode: String, Hashable, Sendable, CaseIterable {
        /// Nothing.
        case off
        /// A router, or another server, gives the addresses; who asks what to boot is told here.
        case stateless
        /// Addresses of the prefix, and what to boot.
        case full
    }

    /// The Ethernet interface whose machines are served.
    package var interface: String
    /// The server's address on it, with the length of its network.
    package var address: IPv4Network
    package var dhcp = DHCPMode.off
    /// The server's IPv6 address on the interface, with a prefix of 64 bits: TFTP and HTTP are served there too.
    package var address6: IPv6Network?
    /// Anything but `off` needs `address6`.
    package var dhcp6 = DHCPv6Mode.off
    /// Links behind relays of DHCPv6.
    package var subnets6: [LinkPrefix] = []
    package static let subnets6Max = DHCPv6Settings.relayedMax
    /// DHCP relays that have no address in a network that is served.
    package var relays: Set<IPv4Address> = []
    /// The same of DHCPv6.
    package var relays6: Set<IPv6Address> = []
    package static let relaysMax = 1024
    /// Does not give addresses while another server does.
    package var isStrict = false
    package var router: IPv4Address?
    package var nameServers: [IPv4Address] = []
    /// Those that machines are told by DHCPv6.
    package var nameServers6: [IPv6Address] = []
    package var engine: EngineLocation?
    /// Holds `NAME/VERSION/FILE`.
    package var imageDirectory: String
    /// What fetches the images of a boot server on another segment; `nil`: they are the engine's own.
    package var imageStore: ImageStore?
    /// Holds `snponly.efi`, `undionly.kpxe` …
    package var loaderDirectory: String
    /// Holds boot scripts and templates.
    package var pxeDirectory: String
    /// Holds kickstart templates; `nil` serves no kickstarts.
    package var kickstartDirectory: String?
    /// The agent's file for hosts that are installed by a kickstart; `nil` serves none.
    package var agentFile: String?
    /// Where the journal of leases lies.
    package var stateDirectory: String
    package var httpPort: UInt16 = 80
    /// The same over TLS, on a port of its own; `nil`: not.
    package var https: HTTPS?
    /// Bytes a second that one HTTP connection gets at most; `nil`: as fast as it goes.
    package var httpBytesPerSecond: Int?
    package static let httpBytesPerSecondMin = SendingPace.bytesPerSecondMin
    package var tftpPort: UInt16 = 69
    package var tftpPorts = TFTPServer.Configuration.Ports.any
    package var dhcpPort: UInt16 = 67
    package var pxePort: UInt16 = 4011
    /// New machines that may be powered on at once; more are answered later.
    package var newcomers = DHCPLimits.newcomersDefault

    /// The link of `address6`; `nil` without one, and where it is of no length that machines make addresses of.
    var link6: LinkPrefix? { address6.flatMap(LinkPrefix.init) }

    /// Where TFTP and HTTP are served.
    var addresses: [IPAddress] { [.v4(address.address)] + (address6.map { [.v6($0.address)] } ?? []) }

    package init(
        interface: String,
        address: IPv4Network,
        imageDirectory: String,
        loaderDirectory: String,
        pxeDirectory: String,
        stateDirectory: String
    ) {
        (self.interface, self.address) = (interface, address)
        (self.imageDirectory, self.loaderDirectory) = (imageDirectory, loaderDirectory)
        (self.pxeDirectory, self.stateDirectory) = (pxeDirectory, stateDirectory)
    }
}
