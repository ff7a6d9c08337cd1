import BootWire
import Glibc
import HostModel
import Logging
import ServiceLifecycle

/// Tells the directory every few seconds how this boot server is.
struct StatusReporter: Service {
    let settings: BootServicesSettings
    let leases: LeaseStore?
    let figures: BootFigures
    let directory: any BootDirectory
    let logger: Logger

    private static let interval: Duration = .seconds(10)
    private static let waitMax: Duration = .seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    let status = await status()
                    try await withTimeLimit(Self.waitMax) { try await directory.report(status: status) }
                } catch {
                    logger.debug("the status could not be handed to the engine: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    func status() async -> BootStatus {
        let mode =
            switch settings.dhcp {
            case .full: "full"
            case .proxy: "proxy"
            case .off: "off"
            }
        var status = BootStatus(
            interface: settings.interface,
            address: settings.address,
            dhcp: mode,
            http_port: settings.httpPort
        )
        if let leases {
            (status.networks, status.leases, status.lease_count) = await leases.listing(max: BootStatus.leasesMax)
        }
        (status.address6, status.dhcp6) = (settings.address6, settings.dhcp6.rawValue)
        if settings.dhcp6 != .off, let own = settings.link6 {
            status.networks6 = ([own] + settings.subnets6).map(\.network)
        }
        status.https_port = settings.https?.port
        (status.transfers, status.transfer_count) = figures.running(max: BootStatus.transfersMax)
        status.counters = figures.counted
        status.missing_loaders = settings.missingLoaders
        return status
    }
}

extension BootServicesSettings {
    /// Loaders that Debian's package has and every segment needs, and that are not there.
    var missingLoaders: [String] {
        ["snponly.efi", "undionly.kpxe"].filter { access("\(loaderDirectory)/\($0)", R_OK) != 0 }
    }
}
