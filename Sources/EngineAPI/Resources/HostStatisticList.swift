import AgentWire
import Engine
import HostModel

/// A host's figures as oVirt's statistics: its names, kinds, units and ids (ovirt.md 4.7). What the host did not say is not
/// there.
struct HostStatisticList {
    private let figures: HostFigures
    /// Mebibytes.
    private let memory: Int?

    init(_ figures: HostFigures, memory: Int?) {
        (self.figures, self.memory) = (figures, HostHardware.plausible(memory: memory))
    }

    /// `place`: where the collection is.
    func all(of host: ResourceLink, at place: String) -> [StatisticResource] {
        (memoryStatistics + hugePages + processor).map { statistic in
            var shown = statistic.placed(at: place)
            shown.host = host
            return shown
        }
    }

    private var memoryStatistics: [StatisticResource] {
        let free = figures.memoryFree.map(Int.init)
        let (total, swapTotal) = (memory, figures.swapTotal.map(Int.init))
        let (swapFree, shared) = (figures.swapFree.map(Int.init), figures.memoryShared.map(Int.init))
        let used = total.flatMap { total in free.map { max(0, total - $0) } }
        let swapUsed = swapTotal.flatMap { total in swapFree.map { max(0, total - $0) } }
        let all: [(String, String, Int?)] = [
            ("memory.total", "Total memory", total), ("memory.used", "Used memory", used),
            ("memory.free", "Free memory", free), ("memory.shared", "Shared memory", shared),
            ("swap.total", "Total swap", swapTotal), ("swap.free", "Free swap", swapFree),
            ("swap.used", "Used swap", swapUsed),
        ]
        return all.compactMap { name, description, mebibytes in
            mebibytes.map {
                StatisticResource(name, description, .gauge, .bytes, .integer, String(Int64($0) << 20))
            }
        }
    }

    private var hugePages: [StatisticResource] {
        figures.hugePages.flatMap { pages in
            [
                ("hugepages.\(pages.size).free", "Free huge pages of \(pages.size) KiB", pages.free),
                ("hugepages.\(pages.size).total", "Huge pages of \(pages.size) KiB", pages.total),
            ]
        }.compactMap { name, description, count in
            count.map { StatisticResource(name, description, .gauge, .none, .integer, "\($0)") }
        }
    }

    private var processor: [StatisticResource] {
        let shares: [(String, String, Float?)] = [
            ("ksm.cpu.current", "KSM CPU usage", figures.ksmPercent.map { Float($0) }),
            ("cpu.current.user", "User CPU usage", figures.userPercent),
            ("cpu.current.system", "System CPU usage", figures.systemPercent),
            ("cpu.current.idle", "Idle CPU usage", figures.idlePercent),
            ("cpu.load.avg.5m", "CPU 5 minute load average", figures.load),
        ]
        let shown = shares.compactMap { name, description, share in
            share.map { StatisticResource(name, description, .gauge, .percent, .decimal, $0.datum) }
        }
        let boot = figures.bootTime.map {
            StatisticResource("boot.time", "Boot time of the machine", .gauge, .none, .integer, "\($0)")
        }
        return shown + (boot.map { [$0] } ?? [])
    }
}

extension HostFigures.Link {
    /// oVirt's statistics of a nic. Rates are there from the second reading on.
    func statistics(of nic: ResourceLink, on host: ResourceLink, at place: String) -> [StatisticResource] {
        let rates: [(String, String, StatisticResource.Unit, Float?)] = [
            ("data.current.rx", "Receive data rate", .bytesPerSecond, receiveRate),
            ("data.current.tx", "Transmit data rate", .bytesPerSecond, sendRate),
            ("data.current.rx.bps", "Receive data rate", .bitsPerSecond, receiveRate.map { $0 * 8 }),
            ("data.current.tx.bps", "Transmit data rate", .bitsPerSecond, sendRate.map { $0 * 8 }),
        ]
        let totals: [(String, String, StatisticResource.Unit, UInt64)] = [
            ("data.total.rx", "Total received data", .bytes, receivedBytes),
            ("data.total.tx", "Total transmitted data", .bytes, sentBytes),
            ("errors.total.rx", "Total receive errors", .none, receiveErrors),
            ("errors.total.tx", "Total transmit errors", .none, sendErrors),
        ]
        let all =
            rates.compactMap { name, description, unit, rate in
                rate.map { StatisticResource(name, description, .gauge, unit, .decimal, $0.datum) }
            } + totals.map { StatisticResource($0, $1, .counter, $2, .integer, "\($3)") }
        return all.map { statistic in
            var shown = statistic.placed(at: place)
            (shown.host_nic, shown.host) = (nic, host)
            return shown
        }
    }
}

extension Float {
    /// In thousandths, never in powers of ten: not every client reads those.
    fileprivate var datum: String {
        guard let thousandths = Int64(exactly: (Double(self) * 1000).rounded()) else { return "0" }
        let rest = thousandths % 1000
        let digits = String(rest + 1000).dropFirst()
        return rest == 0 ? "\(thousandths / 1000)" : "\(thousandths / 1000).\(digits)"
    }
}

extension StatisticResource {
    fileprivate func placed(at place: String) -> StatisticResource {
        var placed = self
        placed.id = ResourcePath.id(of: name)
        placed.href = "\(place)/\(placed.id)"
        return placed
    }
}
