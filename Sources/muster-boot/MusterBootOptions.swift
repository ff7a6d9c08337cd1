import ArgumentParser
import BootServer
import EngineClient
import Glibc
import HostModel
import LogLines
import Recipes

struct MusterBootOptions: ParsableArguments {
    enum DHCPMode: String, CaseIterable, ExpressibleByArgument {
        case full
        case proxy
        case off
    }

    @Option(help: "The Ethernet interface whose machines are served.")
    var interface: String

    @Option(help: ArgumentHelp("The address of this server on that interface.", valueName: "address/length"))
    var address: IPv4Network

    @Option(
        help: """
            full: give addresses from --pool. proxy: another DHCP server gives them, and machines are told here what to \
            boot. off: another DHCP server does both.
            """
    )
    var dhcp = DHCPMode.full

    @Option(
        name: .customLong("address6"),
        help: ArgumentHelp(
            "The IPv6 address of this server on that interface: TFTP and HTTP are served there too.",
            valueName: "address/64"
        )
    )
    var address6: IPv6Network?

    @Option(
        name: .customLong("dhcp6"),
        help: """
            full: give IPv6 addresses. stateless: a router or another server gives them, and machines are told here what \
            to boot. off: neither.
            """
    )
    var dhcp6 = BootServicesSettings.DHCPv6Mode.off

    @Option(help: ArgumentHelp("Addresses for machines without a reservation.", valueName: "first-last"))
    var pool: AddressPool?

    @Option(help: ArgumentHelp("The default router that machines are told.", valueName: "address"))
    var router: IPv4Address?

    @Option(
        help: ArgumentHelp(
            "A name server that machines are told, by DHCP or DHCPv6 as its address is; may be repeated.",
            valueName: "address"
        )
    )
    var dns: [IPAddress] = []

    @Option(
        help: ArgumentHelp(
            """
            A network behind a relay that sends to this server; may be repeated. With pool=FIRST-LAST, \
            router=ADDRESS, and dns=ADDRESS, which may be repeated or left out (as --dns).
            """,
            valueName: "network/length,pool=…,router=…"
        )
    )
    var subnet: [RelayedSubnet] = []

    @Option(
        name: .customLong("subnet6"),
        help: ArgumentHelp(
            "A network behind a DHCPv6 relay that sends to this server; may be repeated.",
            valueName: "network/64"
        )
    )
    var subnet6: [LinkPrefix] = []

    @Option(
        help: ArgumentHelp(
            "A DHCP or DHCPv6 relay that speaks from an address of another network than those that are served; may be repeated.",
            valueName: "address"
        )
    )
    var relay: [IPAddress] = []

    @Flag(help: "Do not start with --dhcp full while another DHCP server answers on the interface.")
    var strict = false

    @Option(help: "How log lines are written: text for people, json for a log collector.")
    var logFormat = LogFormat.text

    @Option(help: ArgumentHelp("The engine's Unix socket.", valueName: "path"))
    var directorySocket: String?

    @Option(
        help: ArgumentHelp(
            "The engine of another segment, asked over mutual TLS once a person has approved this boot server there.",
            valueName: "https://engine[:port]"
        )
    )
    var engineURL: String?

    @Option(
        help: ArgumentHelp(
            "SHA-256 of the CA certificate of that engine: no other is taken. (default: any, and the code covers it)",
            valueName: "SHA256:hex"
        )
    )
    var caFingerprint: String?

    @Option(
        help: ArgumentHelp(
            "The name that this boot server asks that engine for. (default: this machine's)",
            valueName: "name"
        )
    )
    var name: String?

    @Option(
        help: ArgumentHelp(
            "GiB of images of that engine that are kept here; the least recently used ones leave.",
            valueName: "GiB"
        )
    )
    var cacheSize = 20

    @Option(
        help: ArgumentHelp(
            "While that engine is away, its last answer about a machine counts for so many days.",
            valueName: "days"
        )
    )
    var answerAge = 7

    @Option(help: ArgumentHelp("Without an engine: a BootAnswer in JSON for every machine.", valueName: "file"))
    var profileFile: String?

    @Option(help: ArgumentHelp("Published images: NAME/VERSION/FILE.", valueName: "path"))
    var imageDirectory = "/var/lib/muster/images"

    @Option(help: ArgumentHelp("First-stage loaders: snponly.efi, undionly.kpxe.", valueName: "path"))
    var loaderDirectory = "/usr/lib/ipxe"

    @Option(
        help: ArgumentHelp(
            "Boot scripts and templates. (default: pxe in a checkout, else /usr/share/muster/pxe)",
            valueName: "path"
        )
    )
    var pxeDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Kickstart templates. (default: kickstart beside the boot scripts)",
            valueName: "path"
        )
    )
    var kickstartDirectory: String?

    @Option(
        help: ArgumentHelp(
            "The agent for hosts that a kickstart installs. (default: .build-agent/muster-agent, else /usr/share/muster/agent/muster-agent)",
            valueName: "path"
        )
    )
    var agentFile: String?

    @Option(
        help: ArgumentHelp(
            "Where the journal of leases lies; with --engine-url also key, certificate, answers and images.",
            valueName: "path"
        )
    )
    var stateDirectory = "/var/lib/muster-boot"

    @Option(help: "TCP port of the scripts and images.") var httpPort: UInt16 = 80
    @Option(help: ArgumentHelp("Serve HTTPS too, by this certificate and those above it, in PEM.", valueName: "file"))
    var tlsCertificate: String?
    @Option(
        help: ArgumentHelp(
            "The certificate's key, in PEM; may be in the same file. Both are read again when they change.",
            valueName: "file"
        )
    )
    var tlsKey: String?
    @Option(help: "TCP port of HTTPS, with --tls-certificate. (default: 443)") var httpsPort: UInt16?
    @Option(
        help: ArgumentHelp(
            "The most that one HTTP connection gets, in bytes a second: 50M. K, M and G are 1024 of the one before.",
            valueName: "bytes"
        )
    )
    var httpRate: ByteRate?

    @Option(help: "UDP port of the loaders.") var tftpPort: UInt16 = 69
    @Option(help: "UDP port of DHCP; firmware knows only 67.") var dhcpPort: UInt16 = 67
    @Option(help: "UDP port on which PXE firmware asks once more; it knows only 4011.") var pxePort: UInt16 = 4011

    @Option(help: ArgumentHelp("The engine as nodes reach it, for their command line.", valueName: "host[:port]"))
    var engine: String?

    @Option(
        help: ArgumentHelp("SHA-256 of the engine's CA certificate, so that nodes take no other.", valueName: "hex")
    )
    var engineFingerprint: String?

    @Option(
        help: ArgumentHelp(
            """
            UDP ports of the transfers, for firewalls that do not follow TFTP: any, a range, or single, which is the \
            port of the requests and slower.
            """,
            valueName: "any|first-last|single"
        )
    )
    var tftpPorts = TFTPServer.Configuration.Ports.any

    @Option(help: "New machines that may be powered on at once; DHCP answers more of them later.")
    var newcomers = DHCPLimits.newcomersDefault

    func settings() throws -> BootServicesSettings {
        var settings = BootServicesSettings(
            interface: interface,
            address: address,
            imageDirectory: imageDirectory,
            loaderDirectory: loaderDirectory,
            pxeDirectory: pxeDirectory ?? Self.standardPXEDirectory,
            stateDirectory: stateDirectory
        )
        settings.kickstartDirectory = templates(beside: settings.pxeDirectory)
        settings.agentFile = agentFile ?? Self.standardAgentFile
        settings.dhcp = try mode()
        settings.isStrict = strict
        (settings.relays, settings.relays6) = try relays()
        (settings.address6, settings.dhcp6) = (try checkedAddress6(), dhcp6)
        settings.subnets6 = try links(beside: settings.address6)
        (settings.router, settings.nameServers) = (router, dns.compactMap(\.v4))
        settings.nameServers6 = try nameServers6()
        guard httpPort > 0, tftpPort > 0, dhcpPort > 0, pxePort > 0 else {
            throw ValidationError("A port is from 1 to 65535.")
        }
        (settings.httpPort, settings.tftpPort, settings.dhcpPort) = (httpPort, tftpPort, dhcpPort)
        guard (1...DHCPLimits.newcomersMax).contains(newcomers) else {
            throw ValidationError("--newcomers is from 1 to \(DHCPLimits.newcomersMax).")
        }
        (settings.pxePort, settings.tftpPorts, settings.newcomers) = (pxePort, tftpPorts, newcomers)
        settings.engine = try engineLocation()
        (settings.https, settings.httpBytesPerSecond) = (try https(), httpRate?.bytesPerSecond)
        return settings
    }

    private func https() throws -> BootServicesSettings.HTTPS? {
        guard let tlsCertificate, let tlsKey else {
            guard tlsCertificate == nil, tlsKey == nil, httpsPort == nil else {
                throw ValidationError("HTTPS needs both --tls-certificate and --tls-key.")
            }
            return nil
        }
        let port = httpsPort ?? 443
        guard port > 0, port != httpPort else { throw ValidationError("--https-port is a port of its own.") }
        return .init(port: port, files: .init(certificate: tlsCertificate, key: tlsKey))
    }

    /// The directory that was named, or the one beside the boot scripts where there is one.
    private func templates(beside pxe: String) -> String? {
        if let kickstartDirectory { return kickstartDirectory }
        let above = pxe.split(separator: "/").dropLast().joined(separator: "/")
        let path = (pxe.hasPrefix("/") ? "/" : "") + (above.isEmpty ? "kickstart" : "\(above)/kickstart")
        return access(path, R_OK) == 0 ? path : nil
    }

    /// The engine of another segment; `nil` without --engine-url.
    func remoteEngine() throws -> RemoteEngine? {
        guard let engineURL else {
            guard caFingerprint == nil, name == nil else {
                throw ValidationError("--ca-fingerprint and --name are for --engine-url.")
            }
            return nil
        }
        guard case .https = Endpoint(engineURL), let endpoint = Endpoint(engineURL) else {
            throw ValidationError("--engine-url: expected https://HOST[:PORT].")
        }
        let fingerprint = try caFingerprint.map { text in
            guard let fingerprint = Fingerprint(text) else {
                throw ValidationError("--ca-fingerprint: expected SHA256: and 64 hex digits.")
            }
            return fingerprint
        }
        guard (1...Self.cacheSizeMax).contains(cacheSize), (1...Self.answerAgeMax).contains(answerAge) else {
            throw ValidationError(
                "--cache-size is from 1 to \(Self.cacheSizeMax) GiB, --answer-age from 1 to \(Self.answerAgeMax) days."
            )
        }
        var limits = SegmentBootDirectory.Limits()
        limits.imageBytes = Int64(cacheSize) << 30
        limits.answerAge = Int64(answerAge) * 24 * 3_600_000
        let wish = SegmentEnrolment.Wish(endpoint: endpoint, fingerprint: fingerprint, name: try wantedName())
        return RemoteEngine(wish: wish, limits: limits, stateDirectory: stateDirectory)
    }

    private static let (cacheSizeMax, answerAgeMax) = (65_536, 365)

    private func wantedName() throws -> HostName? {
        if let name {
            guard let wanted = HostName(name) else { throw ValidationError("--name: \(name) is no host name.") }
            return wanted
        }
        var own = [CChar](repeating: 0, count: 256)
        guard gethostname(&own, own.count - 1) == 0 else { return nil }
        return HostName(String(decoding: own.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    func directory() throws -> any BootDirectory {
        if let directorySocket { return try RemoteBootDirectory(socketPath: directorySocket) }
        guard let profileFile, let json = contents(of: profileFile) else {
            throw Ending(
                .configuration,
                "the file of --profile-file cannot be read: \(String(cString: strerror(errno)))"
            )
        }
        do {
            return try FixedBootDirectory(json: json)
        } catch {
            throw Ending(.configuration, "\(profileFile) is no BootAnswer: \(error)")
        }
    }

    private func engineLocation() throws -> EngineLocation? {
        guard let engine else {
            guard engineFingerprint == nil else { throw ValidationError("--engine-fingerprint needs --engine.") }
            return nil
        }
        guard let location = EngineLocation(server: engine, fingerprint: engineFingerprint) else {
            throw ValidationError("--engine: expected HOST[:PORT]; --engine-fingerprint: 64 hex digits.")
        }
        return location
    }

    private static var standardPXEDirectory: String {
        access("pxe/boot.ipxe", R_OK) == 0 ? "pxe" : "/usr/share/muster/pxe"
    }

    private static var standardAgentFile: String {
        access(AgentFile.ofCheckout, R_OK) == 0 ? AgentFile.ofCheckout : AgentFile.installed
    }

    /// A profile file is a few kilobytes; at most 1 MiB is read.
    private func contents(of path: String) -> [UInt8]? {
        guard let stream = fopen(path, "re") else { return nil }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, stream)
        return Array(bytes.prefix(count))
    }
}
