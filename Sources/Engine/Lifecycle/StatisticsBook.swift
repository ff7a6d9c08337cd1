package import AgentWire
package import HostModel
import Synchronization

/// The newest statistics of each host, in memory only: what is lost with the engine is said again within seconds.
final class StatisticsBook: Sendable {
    private struct Page {
        var figures: HostFigures
        /// Milliseconds since 1970.
        var read: Int64
    }

    private let pages = Mutex<[UniqueID: Page]>([:])

    /// Milliseconds after which figures are of the past, and nobody's any more.
    static let lifetime: Int64 = 120_000

    func note(_ figures: HostFigures, of id: UniqueID, at now: Int64) {
        var figures = figures
        pages.withLock { pages in
            if let before = pages[id], now - before.read <= Self.lifetime { figures.setRates(since: before.figures) }
            pages[id] = Page(figures: figures, read: now)
        }
    }

    /// `nil` for a host that has not said anything for a while.
    func figures(of id: UniqueID, at now: Int64) -> HostFigures? {
        pages.withLock { pages in
            guard let page = pages[id], now - page.read <= Self.lifetime else { return nil }
            return page.figures
        }
    }

    func forget(_ id: UniqueID) { _ = pages.withLock { $0.removeValue(forKey: id) } }
}

extension HostEngine {
    /// What the host said last of what it does; `nil` for one that has not said anything for a while, or does not exist.
    package func figures(of id: UniqueID) -> HostFigures? { statistics.figures(of: id, at: settings.clock.now()) }

    /// The host with its figures.
    func withFigures(_ record: HostRecord) -> HostRecord {
        var record = record
        record.figures = figures(of: record.id)
        return record
    }
}
