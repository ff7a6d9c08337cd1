import BootWire
import Glibc
import HostModel
import Logging
import ServiceLifecycle

/// Tells the directory every few seconds how this boot server is.
struct StatusReporter: Service {
    let settings: BootServicesSettings
    let leases: LeaseStore?
    let directory: any BootDirectory
    let logger: Logger

    private static let interval: Duration = .seconds(10)
    private static let waitMax: Duration = .seconds(5)
    /// What Debian's package has and every segment needs.
    private static let loaders = ["snponly.efi", "undionly.kpxe"]

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
        status.missing_loaders = Self.loaders.filter { access("\(settings.loaderDirectory)/\($0)", R_OK) != 0 }
        return status
    }
}
