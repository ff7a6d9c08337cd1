import AgentWire
import Glibc
import HostModel
import Logging
import NIOPosix
import Synchronization
import SystemPackage
import Virtualization

/// Looks at the guests of this host every few seconds. On a thread of its own: a libvirt daemon that hangs blocks whoever
/// asks it.
final class GuestWatch: Sendable {
    /// What libvirt said last.
    struct Sight: Sendable {
        var guests: [Guest] = []
        var facts = HypervisorFacts()
        /// Since when each guest has its state.
        var since: [String: ContinuousClock.Instant] = [:]
        /// Percent of one processor that each guest, and QEMU for it, took since the look before.
        var shares: [String: (guest: Double, own: Double)] = [:]
        var time: ContinuousClock.Instant
    }

    /// Keeps the class's reference where only the thread of the looks uses it.
    private final class Connection {
        let libvirt: LibvirtConnection
        let facts: HypervisorFacts

        init(_ uri: String) throws(LibvirtError) {
            let libvirt = try LibvirtConnection(uri)
            facts = try libvirt.facts()
            self.libvirt = libvirt
        }
    }

    private let uri: String
    private let sockets: [FilePath]
    private let logger: Logger
    private let connection = Mutex<Connection?>(nil)
    private let sight = Mutex<Sight?>(nil)
    private let listeners = Mutex(Listeners())
    private let deviceList = HostDeviceList()

    private struct Listeners: Sendable {
        var next = 0
        var all: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private static let pause = Duration.seconds(2)
    /// After a failure: a daemon that is being started or installed has other work.
    private static let pauseAfterFailure = Duration.seconds(10)
    /// A look that is older than this is old: libvirt does not answer.
    private static let freshness = Duration.seconds(30)
    private static let devicesMax = 16384
    /// Never stopped: it ends with the process, and a look that hangs cannot be waited for.
    private static let thread: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    /// `sockets`: one of them is there where a daemon is, monolithic or of QEMU alone; without one nothing is opened.
    init(
        uri: String = "qemu:///system",
        sockets: [FilePath] = ["/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"],
        logger: Logger
    ) {
        (self.uri, self.sockets, self.logger) = (uri, sockets, logger)
    }

    /// Looks until it is cancelled.
    func run() async {
        var complaint: String?
        while !Task.isCancelled {
            var pause = Self.pause
            if sockets.contains(where: { access($0.string, F_OK) == 0 }) {
                if let failure = try? await Self.thread.runIfActive({ self.look()?.description }) {
                    if failure != complaint { logger.warning("the guests are not known: \(terminalEscaped(failure))") }
                    complaint = failure
                    pause = Self.pauseAfterFailure
                } else {
                    complaint = nil
                }
            } else {
                sight.withLock { $0 = nil }
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// One look; gives what went wrong. Blocks.
    func look() -> LibvirtError? {
        connection.withLock { connection in
            do throws(LibvirtError) {
                if connection == nil { connection = try Connection(uri) }
                guard let open = connection else { return nil }
                let guests = try open.libvirt.guests()
                sight.withLock { $0 = Sight(guests, open.facts, after: $0) }
                tellListeners()
                return nil
            } catch {
                // The next look connects anew.
                connection = nil
                return error
            }
        }
    }

    /// The guests' definitions by id. Blocks.
    private func definitions(_ selection: GuestSelection) throws -> [String: JSONValue] {
        let ids = seen.guests.map(\.id).filter(selection.contains)
        guard !ids.isEmpty else { return [:] }
        return try connection.withLock { connection in
            guard let open = connection else { throw RPCError(.unexpected, "libvirt is not connected") }
            var texts: [String: JSONValue] = [:]
            for id in ids { texts[id] = (try? open.libvirt.definition(of: id)).flatMap { $0 }.map { .string($0) } }
            return texts
        }
    }

    /// What was seen last; nothing where there is no libvirt.
    var seen: Sight { sight.withLock { $0 } ?? Sight([], HypervisorFacts(), after: nil) }

    /// VDSM's word for each guest, by id, as it was seen last; `nil` where there is no libvirt.
    var statuses: [String: String]? {
        sight.withLock { $0 }.map { seen in
            Dictionary(seen.guests.map { ($0.id, $0.status) }) { first, _ in first }
        }
    }

    /// An element for each look from now on; several that nobody took in time are one.
    func looks() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.listeners.withLock { _ = $0.all.removeValue(forKey: number) }
        }
        return stream
    }

    private func tellListeners() {
        for listener in listeners.withLock({ Array($0.all.values) }) { listener.yield() }
    }

    // MARK: Verbs

    func list(_ selection: GuestSelection) throws -> JSONValue {
        let seen = seen
        let chosen = seen.guests.filter { selection.contains($0.id) }
        if selection.onlyIDs { return .array(chosen.map { .string($0.id) }) }
        return .array(try chosen.map { try seen.report(of: $0).result() })
    }

    func statistics() throws -> JSONValue {
        let seen = seen
        let isOld = seen.time.duration(to: .now) > Self.freshness
        return .array(try seen.guests.map { try seen.statistics(of: $0, isOld: isOld).result() })
    }

    /// Devices have come or gone.
    func forgetDevices() { deviceList.forget() }

    /// Of the kinds that are asked for, by libvirt's name; none where there is no libvirt, as it is with VDSM.
    func devices(_ selection: HostDeviceSelection) async throws -> JSONValue {
        try checkFreshness()
        let devices = try await deviceList.devices { try await self.askForDevices() }
        let chosen = devices.filter { selection.capabilities?.contains($0.capability) ?? true }
        let reports = chosen.map { ($0.name, HostDeviceReport($0)) }
        return try JSONValue(encoding: Dictionary(reports) { first, _ in first })
    }

    /// One question a device: the guests are looked at in between.
    private func askForDevices() async throws -> [HostDevice] {
        var devices: [HostDevice] = []
        for name in try await ask({ try $0.deviceNames() })?.prefix(Self.devicesMax) ?? [] {
            if let device = try await ask({ $0.device(name) }).flatMap({ $0 }) { devices.append(device) }
        }
        return devices
    }

    /// Asks libvirt between two looks; `nil` where there is none. Not asked is a daemon that hangs: the answer would never
    /// come.
    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing LibvirtConnection) throws -> Answer
    ) async throws -> Answer? {
        try checkFreshness()
        return try await Self.thread.runIfActive {
            // The looks before this one may have failed.
            try self.checkFreshness()
            return try self.connection.withLock { connection -> Answer? in
                if let open = connection { return try question(open.libvirt) }
                guard self.sight.withLock({ $0 == nil }) else {
                    throw RPCError(.unexpected, "libvirt is not connected")
                }
                return nil
            }
        }
    }

    private func checkFreshness() throws(RPCError) {
        guard seen.time.duration(to: .now) <= Self.freshness else {
            throw RPCError(.unexpected, "libvirt has not answered for a while")
        }
    }

    /// Not asked of a daemon that hangs: the answer would never come.
    func dumpXML(_ selection: GuestSelection) async throws -> JSONValue {
        try checkFreshness()
        return .object(try await Self.thread.runIfActive { try self.definitions(selection) })
    }
}

extension GuestWatch.Sight {
    init(_ guests: [Guest], _ facts: HypervisorFacts, after last: GuestWatch.Sight?) {
        (self.guests, self.facts, time) = (guests, facts, .now)
        let before = Dictionary((last?.guests ?? []).map { ($0.id, $0) }) { first, _ in first }
        for guest in guests {
            let former = before[guest.id]
            since[guest.id] = former?.state == guest.state ? last?.since[guest.id] ?? time : time
            guard let former, let last, guest.processorTime >= former.processorTime else { continue }
            let passed = last.time.duration(to: time) / .nanoseconds(1)
            guard passed > 0 else { continue }
            let all = Double(guest.processorTime - former.processorTime)
            let own = min(all, Double((guest.userTime + guest.systemTime) &- (former.userTime + former.systemTime)))
            shares[guest.id] = (guest: 100 * (all - own) / passed, own: 100 * own / passed)
        }
    }

    /// When the state began, on the clock that VDSM's `statusTime` is of, in milliseconds.
    private func statusTime(of guest: Guest) -> String {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let passed = (since[guest.id] ?? time).duration(to: .now) / .milliseconds(1)
        return String(max(0, now.tv_sec * 1000 + now.tv_nsec / 1_000_000 - Int(passed)))
    }

    func report(of guest: Guest) -> GuestReport {
        var report = GuestReport()
        (report.vmId, report.vmName, report.status) = (guest.id, guest.name, guest.status)
        (report.statusTime, report.smp) = (statusTime(of: guest), String(guest.processors))
        report.memSize = String(guest.memory.maximum >> 10)
        return report
    }

    func statistics(of guest: Guest, isOld: Bool) -> GuestStatistics {
        var statistics = GuestStatistics()
        (statistics.vmId, statistics.vmName, statistics.status) = (guest.id, guest.name, guest.status)
        (statistics.statusTime, statistics.vcpuCount) = (statusTime(of: guest), String(guest.processors))
        statistics.monitorResponse = isOld ? "-1" : "0"
        statistics.cpuUsage = String(guest.processorTime)
        if let shares = shares[guest.id] {
            (statistics.cpuUser, statistics.cpuSys) = (percentText(shares.guest), percentText(shares.own))
        }
        if let all = guest.memory.available, let unused = guest.memory.unused, all > 0, unused <= all {
            statistics.memUsage = String((all - unused) * 100 / all)
        }
        let current = String(guest.memory.current)
        (statistics.balloonInfo.balloon_cur, statistics.balloonInfo.balloon_target) = (current, current)
        statistics.balloonInfo.balloon_max = String(guest.memory.maximum)
        return statistics
    }

    /// How many there are, and how many of them run.
    var counts: (all: Int, active: Int) { (guests.count, guests.count { $0.status == "Up" }) }
}

extension Guest {
    /// The word of VDSM's vmstatus for it.
    fileprivate var status: String {
        switch state {
        case .running, .blocked: "Up"
        case .paused, .suspended: "Paused"
        case .shuttingDown: "Powering down"
        case .shutOff, .crashed, .unknown: "Down"
        }
    }
}
