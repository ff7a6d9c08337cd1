import AgentWire
import FoundationEssentials
import Glibc
import HostModel
import Netlink
import SystemPackage

/// Reads what the host does now. Shares of processor time are between two calls, so it remembers the last reading.
actor HostStatisticsSampler {
    private let inventory: HostInventory
    private let started = ContinuousClock.now
    private var lastTime = ProcessorTime()
    private var last: (answer: WrittenJSON, question: Question, time: ContinuousClock.Instant)?

    /// A reading holds so long for all who ask: a hundred engines may, of a thousand links. VDSM's own holds for 15 s.
    static let freshness = Duration.seconds(2)

    /// What others than the kernel know.
    struct Question: Hashable, Sendable {
        /// What runs is not what the host starts with.
        var isDirty: Bool
        var guests = 0
        var activeGuests = 0
    }

    private static let diskPaths = ["/tmp", "/var/log", "/var/run"]

    init(_ inventory: HostInventory) { self.inventory = inventory }

    /// `HostStatistics`, as they are sent. A change of what is asked for is told at once.
    func answer(to question: Question, now: ContinuousClock.Instant = .now) throws -> WrittenJSON {
        if let last, last.question == question, last.time.duration(to: now) < Self.freshness { return last.answer }
        var statistics = try sample(isDirty: question.isDirty)
        (statistics.vmCount, statistics.vmActive) = (question.guests, question.activeGuests)
        let answer = try WrittenJSON(statistics)
        last = (answer, question, now)
        return answer
    }

    func sample(isDirty: Bool) throws -> HostStatistics {
        var statistics = HostStatistics()
        fillProcessor(&statistics)
        fillMemory(&statistics)
        try fillNetwork(&statistics)
        for path in Self.diskPaths {
            var information = statvfs()
            guard statvfs(path, &information) == 0 else { continue }
            let free = (UInt64(information.f_bavail) * UInt64(information.f_frsize)) >> 20
            statistics.diskStats[path] = .init(free: String(free))
        }
        statistics.netConfigDirty = isDirty ? "True" : "False"
        statistics.dateTime = Self.text(of: Date())
        return statistics
    }

    private func fillProcessor(_ statistics: inout HostStatistics) {
        let now = ProcessorTime(stat: inventory.text("proc/stat"))
        let topology = HostTopology(inventory)
        let all = ProcessorTime.shares(from: lastTime.all, to: now.all)
        statistics.cpuUser = percentText(all.user)
        statistics.cpuSys = percentText(all.system)
        statistics.cpuIdle = percentText(all.idle)
        for (cpu, ticks) in now.each {
            let shares = ProcessorTime.shares(from: lastTime.each[cpu] ?? .init(), to: ticks)
            statistics.cpuStatistics[String(cpu)] = .init(
                cpuUser: percentText(shares.user),
                cpuSys: percentText(shares.system),
                cpuIdle: percentText(shares.idle),
                nodeIndex: topology.node(of: cpu)
            )
        }
        for node in topology.nodes {
            let used = node.total > 0 ? 100 * max(0, node.total - node.free) / node.total : 0
            statistics.numaNodeMemFree[String(node.id)] = .init(memFree: String(node.free), memPercent: used)
        }
        lastTime = now
        statistics.bootTime = String(now.bootTime)
        // One, five and fifteen minutes.
        let loads = (inventory.line("proc/loadavg") ?? "").split(separator: " ")
        if loads.count > 1 { statistics.cpuLoad = String(loads[1]) }
        statistics.elapsedTime = String(started.duration(to: .now).components.seconds)
    }

    private func fillMemory(_ statistics: inout HostStatistics) {
        let memory = MemoryInformation(meminfo: inventory.text("proc/meminfo"))
        statistics.memUsed = String(memory.usedPercent)
        statistics.memFree = memory.available
        statistics.memShared = memory.mebibytes("Shmem")
        statistics.anonHugePages = String(memory.mebibytes("AnonHugePages"))
        statistics.swapTotal = memory.mebibytes("SwapTotal")
        statistics.swapFree = memory.mebibytes("SwapFree")
        if statistics.numaNodeMemFree.isEmpty {
            statistics.numaNodeMemFree["0"] = .init(
                memFree: String(memory.available),
                memPercent: memory.usedPercent
            )
        }
        for (size, pages) in HostTopology.hugePages(inventory) {
            statistics.hugepages[String(size)] = .init(nr_hugepages: pages.total, free_hugepages: pages.free)
        }
        statistics.ksmState = inventory.line("sys/kernel/mm/ksm/run") == "1"
        statistics.ksmPages = inventory.line("sys/kernel/mm/ksm/pages_to_scan").flatMap { Int($0) } ?? 0
        let thp = inventory.line("sys/kernel/mm/transparent_hugepage/enabled") ?? "[never]"
        statistics.thpState =
            thp.split(separator: " ").first { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) } ?? "never"
    }

    private func fillNetwork(_ statistics: inout HostStatistics) throws {
        let snapshot = try KernelSnapshot.readLinks()
        let time = Date().timeIntervalSince1970
        var (received, sent) = (UInt64(0), UInt64(0))
        for link in snapshot.state.links.values where link.kind != .loopback {
            let counters = snapshot.counters[link.name]
            // Bridges and VLANs have neither, and a host can have a thousand of them.
            let isCard = link.isNIC || link.isBond
            var report = HostStatistics.LinkCounters(
                name: link.name,
                state: link.isUp && link.hasCarrier ? "up" : "down",
                speed: String(isCard ? inventory.speed(link.name) ?? 1000 : 1000),
                duplex: isCard ? inventory.line("sys/class/net/\(link.name)/duplex") ?? "unknown" : "unknown",
                sampleTime: time
            )
            if let counters {
                (report.rx, report.tx) = (String(counters.receivedBytes), String(counters.sentBytes))
                (report.rxErrors, report.txErrors) = (String(counters.receiveErrors), String(counters.sendErrors))
                (report.rxDropped, report.txDropped) = (String(counters.receiveDropped), String(counters.sendDropped))
                received &+= counters.receiveDropped
                sent &+= counters.sendDropped
            }
            statistics.network[link.name] = report
        }
        (statistics.rxDropped, statistics.txDropped) = (String(received), String(sent))
    }

    /// `YYYY-MM-DDTHH:MM:SS GMT`
    private static func text(of date: Date) -> String {
        let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        return date.formatted(style).prefix { $0 != "Z" } + " GMT"
    }
}
