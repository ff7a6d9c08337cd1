import HostModel
import Logging
import Synchronization

/// The machines that the directory has named as hosts since the start, and those that it keeps addresses for: they are let
/// through when strangers are too many.
final class KnownHosts: Sendable {
    private let hosts = Mutex<Set<MACAddress>>([])

    /// More hosts than one segment has.
    private static let hostsMax = 65_536

    /// How often reservations are read, and how long the directory may take for it.
    private static let interval: Duration = .seconds(15)
    private static let waitMax: Duration = .seconds(5)

    /// Reads whom the directory keeps addresses for, until cancelled: hosts are known before they ask for the first time.
    func follow(_ directory: any BootDirectory, _ logger: Logger) async {
        while !Task.isCancelled {
            do {
                for reservation in try await withTimeLimit(Self.waitMax, { try await directory.reservations() }) {
                    insert(reservation.mac)
                }
            } catch {
                logger.debug("the reservations could not be read: \(error)")
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    func contain(_ mac: MACAddress) -> Bool { hosts.withLock { $0.contains(mac) } }

    func insert(_ mac: MACAddress) {
        hosts.withLock { hosts in
            if hosts.count < Self.hostsMax { hosts.insert(mac) }
        }
    }
}
