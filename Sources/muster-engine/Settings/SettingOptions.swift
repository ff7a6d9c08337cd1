import ArgumentParser
import Foundation
import Logging

/// The settings as flags. Which of them a command needs is the command's affair.
struct SettingOptions: ParsableArguments {
    @Option(help: "Where database, keys and images lie (default: /var/lib/muster).")
    var dataDirectory: String?
    @Option(help: "Where the socket of the boot services is made (default: /run/muster).")
    var runtimeDirectory: String?
    @Option(help: "The name or IPv4 address by which nodes and browsers reach this engine.")
    var address: String?
    @Option(help: "The O= of every certificate (default: Muster).")
    var organization: String?
    @Option(help: "The address that HTTPS listens on (default: 0.0.0.0, all).")
    var listen: String?
    @Option(help: "The port of API and registration (default: 443).")
    var httpsPort: String?
    @Option(help: "The port on which muster-boot serves boot files (default: 80).")
    var httpPort: String?
    @Option(help: "The account of the engine, a name or a number (default: muster, or 64700 when there is none).")
    var user: String?
    @Option(help: "The account of muster-boot (default: muster-boot, or 64701 when there is none).")
    var bootUser: String?
    @Option(help: "local: run the boot services as a child; none: do not (default: local).")
    var boot: String?
    @Option(help: "The interface on which machines boot.")
    var bootInterface: String?
    @Option(help: "This machine's address there, as A.B.C.D/LENGTH.")
    var bootAddress: String?
    @Option(help: "The addresses to lease, as FIRST-LAST.")
    var bootPool: String?
    @Option(
        name: .customLong("boot-dhcp"),
        help:
            "full: lease addresses; proxy: another server does, boot data are told here; off: neither (default: full)."
    )
    var bootDHCP: String?
    @Option(help: "yes: the boot services do not start while another DHCP server answers (default: no).")
    var bootStrict: String?
    @Option(help: "The default router that machines are told.")
    var bootRouter: String?
    @Option(name: .customLong("boot-dns"), help: "The name servers that machines are told, separated by commas.")
    var bootDNS: String?
    @Option(
        help: """
            Networks behind relays, each as NETWORK/LENGTH,pool=FIRST-LAST,router=ADDRESS[,dns=ADDRESS], separated by \
            blanks.
            """
    )
    var bootSubnet: String?
    @Option(help: "DHCP and DHCPv6 relays that speak from addresses of other networks, separated by commas.")
    var bootRelay: String?
    @Option(name: .customLong("boot-address6"), help: "This machine's IPv6 address there, as ADDRESS/64.")
    var bootAddress6: String?
    @Option(
        name: .customLong("boot-dhcp6"),
        help: "full: give IPv6 addresses; stateless: a router does, boot data are told here; off (default: off)."
    )
    var bootDHCP6: String?
    @Option(
        name: .customLong("boot-subnet6"),
        help: "Networks behind DHCPv6 relays, each as NETWORK/64, separated by blanks."
    )
    var bootSubnet6: String?
    @Option(help: "UDP ports of TFTP transfers: any, FIRST-LAST, or single (default: any).")
    var bootTftpPorts: String?
    @Option(help: "New machines that may be powered on at once (default: 1024).")
    var bootNewcomers: String?
    @Option(
        name: .customLong("boot-https-port"),
        help:
            "The port on which muster-boot serves boot files over TLS, by a certificate of the engine's CA (default: none)."
    )
    var bootHTTPSPort: String?
    @Option(
        name: .customLong("boot-http-rate"),
        help: "The most that one HTTP connection gets, in bytes a second: 50M (default: as fast as it goes)."
    )
    var bootHTTPRate: String?
    @Option(help: "Where the first-stage loaders lie (default: /usr/lib/ipxe).")
    var bootLoaderDirectory: String?
    @Option(name: .customLong("boot-pxe-directory"), help: "Where boot scripts lie (default: /usr/share/muster/pxe).")
    var bootPXEDirectory: String?
    @Option(help: "The UDP port on which hosts tell of a crash dump (fence_kdump, 7410), or none (default: none).")
    var kdumpPort: String?
    @Option(help: "How many days events are kept (default: 365).")
    var eventDays: String?
    @Option(help: "A file with the token, at least 16 characters, that a reader of the metrics shows (default: none).")
    var metricsTokenFile: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical (default: info).")
    var logLevel: String?
    @Option(help: "text, or json: one object a line, for a log collector (default: text).")
    var logFormat: String?
    @Option(name: .customLong("tls-minimum"), help: "The oldest TLS that is spoken: 1.2 or 1.3 (default: 1.2).")
    var tlsMinimum: String?
    @Option(name: .customLong("settings"), help: "The settings file (default: \(SettingsFile.path), if it is there).")
    var file: String?

    private var flags: [Setting: String] {
        let given: [(Setting, String?)] = [
            (.dataDirectory, dataDirectory), (.runtimeDirectory, runtimeDirectory), (.address, address),
            (.organization, organization), (.listen, listen), (.httpsPort, httpsPort), (.httpPort, httpPort),
            (.user, user), (.bootUser, bootUser), (.boot, boot), (.bootInterface, bootInterface),
            (.bootAddress, bootAddress), (.bootPool, bootPool), (.bootDHCP, bootDHCP), (.bootRouter, bootRouter),
            (.bootStrict, bootStrict),
            (.bootDNS, bootDNS), (.bootSubnet, bootSubnet), (.bootRelay, bootRelay),
            (.bootAddress6, bootAddress6), (.bootDHCP6, bootDHCP6), (.bootSubnet6, bootSubnet6),
            (.bootLoaderDirectory, bootLoaderDirectory),
            (.bootPXEDirectory, bootPXEDirectory), (.bootTFTPPorts, bootTftpPorts), (.bootNewcomers, bootNewcomers),
            (.bootHTTPSPort, bootHTTPSPort), (.bootHTTPRate, bootHTTPRate),
            (.kdumpPort, kdumpPort), (.eventDays, eventDays), (.metricsTokenFile, metricsTokenFile),
            (.logLevel, logLevel), (.logFormat, logFormat), (.tlsMinimum, tlsMinimum),
        ]
        return Dictionary(given.compactMap { setting, text in text.map { (setting, $0) } }) { first, _ in first }
    }

    /// Puts flags, environment, file and defaults together.
    func resolved() throws(StartFailure) -> Settings {
        try Settings(
            flags: flags,
            environment: ProcessInfo.processInfo.environment,
            file: SettingsFile.read(file ?? SettingsFile.path, isNamed: file != nil)
        )
    }

    /// The flags alone: what the supervisor handed to its child, already put together.
    func resolvedFromFlags() throws(StartFailure) -> Settings {
        try Settings(flags: flags, environment: [:], file: [:])
    }
}
