/// Every setting of the engine: its flag, its key in the settings file, and, in capitals, its environment variable.
enum Setting: String, CaseIterable, Sendable {
    case dataDirectory = "data-directory"
    case runtimeDirectory = "runtime-directory"
    case address
    case organization
    case listen
    case httpsPort = "https-port"
    case httpPort = "http-port"
    case user
    case bootUser = "boot-user"
    case boot
    case bootInterface = "boot-interface"
    case bootAddress = "boot-address"
    case bootPool = "boot-pool"
    case bootDHCP = "boot-dhcp"
    case bootStrict = "boot-strict"
    case bootRouter = "boot-router"
    case bootSubnet = "boot-subnet"
    case bootRelay = "boot-relay"
    case bootAddress6 = "boot-address6"
    case bootDHCP6 = "boot-dhcp6"
    case bootSubnet6 = "boot-subnet6"
    case bootDNS = "boot-dns"
    case bootLoaderDirectory = "boot-loader-directory"
    case bootPXEDirectory = "boot-pxe-directory"
    case bootTFTPPorts = "boot-tftp-ports"
    case bootNewcomers = "boot-newcomers"
    case bootHTTPSPort = "boot-https-port"
    case bootHTTPRate = "boot-http-rate"
    case kdumpPort = "kdump-port"
    case eventDays = "event-days"
    case metricsTokenFile = "metrics-token-file"
    case logLevel = "log-level"
    case logFormat = "log-format"
    case tlsMinimum = "tls-minimum"

    /// `nil`: not set unless somebody sets it.
    var fallback: String? {
        switch self {
        case .dataDirectory: "/var/lib/muster"
        case .runtimeDirectory: "/run/muster"
        case .listen: "0.0.0.0"
        case .httpsPort: "443"
        case .httpPort: "80"
        case .user: Account.engineName
        case .bootUser: Account.bootName
        case .boot: "local"
        case .eventDays: "365"
        case .logLevel: "info"
        case .logFormat: "text"
        case .tlsMinimum: "1.2"
        case .kdumpPort, .bootHTTPSPort: "none"
        case .address, .organization, .bootInterface, .bootAddress, .bootPool, .bootDHCP, .bootStrict, .bootRouter,
            .bootDNS,
            .bootSubnet, .bootRelay, .bootAddress6, .bootDHCP6, .bootSubnet6,
            .bootLoaderDirectory, .bootPXEDirectory, .bootTFTPPorts, .bootNewcomers, .bootHTTPRate,
            .metricsTokenFile:
            nil
        }
    }

    /// `MUSTER_ENGINE_DATA_DIRECTORY`.
    var variable: String { "MUSTER_ENGINE_" + rawValue.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }
}
