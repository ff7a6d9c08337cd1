import EngineAPI
import Foundation
import HostModel
import LogLines
import Logging

/// What `serve` runs by: settings that were read into types that cannot be wrong.
struct ServeConfiguration: Sendable {
    /// What muster-boot is told; the engine only hands it on.
    struct Boot: Hashable, Sendable {
        var interface: String
        var address: IPv4Network
        /// `nil`: none, or one that muster-boot will refuse.
        var address6: IPv6Network?
        var httpPort: UInt16
        /// `nil`: no HTTPS.
        var httpsPort: UInt16?
        /// Further flags of muster-boot, as they are: `--pool=…`.
        var further: [String]
    }

    var dataDirectory: String
    var runtimeDirectory: String
    /// `nil`: the one that `init` was given.
    var address: String?
    var organization: String?
    var listen: String
    /// 0 takes a free port.
    var httpsPort: UInt16
    /// `nil`: no boot services.
    var boot: Boot?
    /// Where fence_kdump's datagrams come in; `nil`: nowhere.
    var kdumpPort: UInt16?
    /// How long events are kept.
    var eventDays: Int
    /// What a reader of the metrics shows.
    var metricsTokenFile: String?
    var logLevel: Logger.Level
    var logFormat: LogFormat
    var oldestTLS: OldestTLS
    /// Every setting as text, for a support bundle.
    var shown: [String: String]

    static let eventDaysRange = 1...36_500

    /// The certificate and the key of the boot services' HTTPS, for their group to read.
    var bootCertificateFile: String { "\(runtimeDirectory)/boot-tls.pem" }

    /// The socket of BootDirectory.
    var bootSocket: String { "\(runtimeDirectory)/boot.sock" }

    init(_ settings: Settings) throws(StartFailure) {
        dataDirectory = try Self.path(settings, .dataDirectory)
        runtimeDirectory = try Self.path(settings, .runtimeDirectory)
        address = settings[.address]
        organization = settings[.organization]
        listen = settings.text(.listen)
        httpsPort = try Self.port(settings, .httpsPort)
        boot = try Self.boot(settings)
        kdumpPort = settings.text(.kdumpPort) == "none" ? nil : try Self.port(settings, .kdumpPort)
        guard let days = Int(settings.text(.eventDays)), Self.eventDaysRange.contains(days) else {
            throw Self.refusal(.eventDays, settings, "is no number of days", "a number from 1 to 36500")
        }
        eventDays = days
        metricsTokenFile = settings[.metricsTokenFile]
        guard let level = Logger.Level(rawValue: settings.text(.logLevel)) else {
            throw Self.refusal(.logLevel, settings, "is no level", "info, or debug to see more")
        }
        logLevel = level
        guard let format = LogFormat(rawValue: settings.text(.logFormat)) else {
            throw Self.refusal(.logFormat, settings, "is neither text nor json", "text or json")
        }
        logFormat = format
        guard let oldest = OldestTLS(rawValue: settings.text(.tlsMinimum)) else {
            throw Self.refusal(.tlsMinimum, settings, "is neither 1.2 nor 1.3", "1.2 or 1.3")
        }
        oldestTLS = oldest
        shown = Dictionary(uniqueKeysWithValues: settings.entries.map { ($0.key.rawValue, $0.value.text) })
    }

    static let metricsTokenLengths = 16...1024

    /// The token in the file of `--metrics-token-file`, without white space around it.
    func metricsToken() throws(StartFailure) -> String? {
        guard let path = metricsTokenFile else { return nil }
        let text = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let text, Self.metricsTokenLengths.contains(text.utf8.count), !text.contains(where: \.isWhitespace) else {
            throw StartFailure(
                .configuration,
                "\(path) (--metrics-token-file) holds no token that the engine can read.",
                remedy: "Put 16 to 1024 characters without blanks into it, readable by the engine's user."
            )
        }
        return text
    }

    private static func boot(_ settings: Settings) throws(StartFailure) -> Boot? {
        switch settings.text(.boot) {
        case "none": return nil
        case "local": break
        default: throw refusal(.boot, settings, "is neither local nor none", "local or none")
        }
        guard let interface = settings[.bootInterface] else { return nil }
        guard let address = settings[.bootAddress].flatMap(IPv4Network.init) else {
            throw refusal(.bootAddress, settings, "is not A.B.C.D/LENGTH", "this machine's address on \(interface)")
        }
        let strict = settings[.bootStrict] ?? "no"
        guard ["yes", "no"].contains(strict) else {
            throw refusal(.bootStrict, settings, "is neither yes nor no", "yes or no")
        }
        return Boot(
            interface: interface,
            address: address,
            address6: settings[.bootAddress6].flatMap(IPv6Network.init),
            httpPort: try port(settings, .httpPort),
            httpsPort: settings.text(.bootHTTPSPort) == "none" ? nil : try port(settings, .bootHTTPSPort),
            further: Self.handedOn.flatMap { setting, flag in
                let separator: Character = [.bootSubnet, .bootSubnet6].contains(setting) ? " " : ","
                return (settings[setting] ?? "").split(separator: separator).map { "--\(flag)=\($0)" }
            } + (strict == "yes" ? ["--strict"] : [])
        )
    }

    /// Settings that only muster-boot understands; several values are separated by commas, networks by
    /// blanks.
    private static let handedOn: [(Setting, String)] = [
        (.logFormat, "log-format"),
        (.bootDHCP, "dhcp"), (.bootPool, "pool"), (.bootRouter, "router"), (.bootDNS, "dns"),
        (.bootSubnet, "subnet"), (.bootRelay, "relay"), (.bootAddress6, "address6"), (.bootDHCP6, "dhcp6"),
        (.bootSubnet6, "subnet6"),
        (.bootLoaderDirectory, "loader-directory"), (.bootPXEDirectory, "pxe-directory"),
        (.bootTFTPPorts, "tftp-ports"), (.bootNewcomers, "newcomers"), (.bootHTTPRate, "http-rate"),
    ]

    /// Absolute, so that the children find the same place.
    private static func path(_ settings: Settings, _ setting: Setting) throws(StartFailure) -> String {
        let text = settings.text(setting)
        guard text.hasPrefix("/"), !text.utf8.contains(0) else {
            throw refusal(setting, settings, "is not an absolute path", "a path that begins with /")
        }
        let trimmed = text.reversed().drop { $0 == "/" }
        return trimmed.isEmpty ? "/" : String(trimmed.reversed())
    }

    private static func port(_ settings: Settings, _ setting: Setting) throws(StartFailure) -> UInt16 {
        guard let port = UInt16(settings.text(setting)) else {
            throw refusal(setting, settings, "is not a port", "a number from 0 to 65535")
        }
        return port
    }

    private static func refusal(
        _ setting: Setting,
        _ settings: Settings,
        _ problem: String,
        _ wanted: String
    ) -> StartFailure {
        let text = settings[setting].map { " \"\($0)\"" } ?? ""
        return StartFailure(.usage, "--\(setting.rawValue)\(text) \(problem).", remedy: "Give \(wanted).")
    }
}
