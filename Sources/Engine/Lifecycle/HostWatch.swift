import AgentWire
import Crypto
import Foundation
import HostModel
import Logging
import NIOCore
import Synchronization

/// Follows one host: works on its disks while there is such a job, installs it while it is `installing`, refreshes it while it is monitored, and ends where a person
/// must decide. A change from outside cancels it and starts another one.
struct HostWatch: Sendable {
    /// What the watches of all hosts have in common. An object: in the frames of ten thousand tasks copies of it were a
    /// quarter of the engine's memory.
    final class Shared: Sendable {
        let dialer: AgentDialer
        let store: Store
        let settings: EngineSettings
        let logger: Logger
        let desk: ConversionDesk
        let powers: HostSupervisor
        let contacts: ContactBook
        let statistics: StatisticsBook
        let hold: RestoreHold

        init(_ engine: HostEngine, _ dialer: AgentDialer) {
            (self.dialer, store, settings, logger) = (dialer, engine.store, engine.settings, engine.logger)
            (desk, powers, contacts) = (engine.desk, engine.powers, engine.contacts)
            (statistics, hold) = (engine.statistics, engine.hold)
        }
    }

    let id: UniqueID
    let shared: Shared
    /// The engine has just started: a host that was up is taken at its word, and what it has is read at some later refresh.
    var startsQuietly = false

    /// Refreshes of a host that is up between two readings of its capabilities.
    static let refreshesBetweenCapabilities = 100

    private var now: Int64 { settings.clock.now() }
    private var store: Store { shared.store }
    private var settings: EngineSettings { shared.settings }
    private var statistics: StatisticsBook { shared.statistics }
    private var logger: Logger { shared.logger.of(host: id) }

    /// What goes wrong here (a full disk, a change that came between) is waited out: a host is not forgotten over it.
    ///
    /// Each stretch is a task of its own: what an installation needed of a task's stack, some 50 KiB, is given back when it
    /// ends. A host is monitored for months, and ten thousand of them are. For the same reason what is rare is never inlined
    /// here: its frame would stand in that of the monitor.
    func run() async {
        var (goesOn, watch) = (true, self)
        while goesOn, !Task.isCancelled {
            do {
                let stretch = Task { [watch] in try await watch.follow() }
                // Only what was there when the engine started is taken at its word.
                watch.startsQuietly = false
                goesOn = try await withTaskCancellationHandler {
                    try await stretch.value
                } onCancel: {
                    stretch.cancel()
                }
            } catch {
                logger.warning("The watch over host \(id) begins anew: \(error)")
                try? await Task.sleep(for: .milliseconds(settings.monitoring.refresh))
            }
        }
    }

    /// One stretch of the host's life; false when a person must decide what comes next.
    private func follow() async throws(EngineError) -> Bool {
        guard let host = try await store.watched(id) else {
            statistics.forget(id)
            return false
        }
        guard let target = host.target else { return false }
        if shared.hold.holds(certificateOf: host.publicKey?.issued) { return false }
        let conversion = try await store.runningConversion(of: id)
        // Somebody else is at work on it, by SSH.
        if let conversion, conversion.stage != .network { return false }
        if let job = try await store.runningImageJob(of: id) { return try await work(on: job, host, target) }
        switch host.row.status {
        case .installing: return try await install(host, conversion, target)
        case let status where status.isMonitored:
            let link = AgentLink(shared.dialer, target)
            return try await monitor(Monitored(host, link, drains: conversion == nil, now: now))
        default: return false
        }
    }

    @inline(never)
    private func work(
        on job: ImageJobRow,
        _ host: WatchedHost,
        _ target: AgentAddress
    ) async throws(EngineError) -> Bool {
        try await withLink(target, correlation: job.correlation) { link throws(EngineError) in
            let logger = logger.of(job: job.id, job.correlation)
            try await HostImageWork(host: host, link: link, store: store, settings: settings, logger: logger).run(job)
            return !Task.isCancelled
        }
    }

    @inline(never)
    private func install(
        _ host: WatchedHost,
        _ conversion: ConversionRow?,
        _ target: AgentAddress
    ) async throws(EngineError) -> Bool {
        let job = try await store.installation(of: id)
        return try await withLink(target, correlation: job?.correlation) { link throws(EngineError) in
            try await install(host, job, conversion, link)
        }
    }

    private func withLink(
        _ target: AgentAddress,
        correlation: String?,
        _ body: (AgentLink) async throws(EngineError) -> Bool
    ) async throws(EngineError) -> Bool {
        let link = AgentLink(shared.dialer, target, correlation: correlation)
        do {
            let goesOn = try await body(link)
            await link.close()
            return goesOn
        } catch {
            await link.close()
            throw error
        }
    }

    /// True when there is something to go on with.
    private func install(
        _ host: WatchedHost,
        _ job: JobRow?,
        _ conversion: ConversionRow?,
        _ link: AgentLink
    ) async throws(EngineError) -> Bool {
        let context = TransitionContext(
            now: now,
            times: settings.monitoring,
            user: job?.user,
            correlation: job?.correlation
        )
        var signal: HostLife.Signal? = .installFailed(Self.lostJob)
        if let job {
            let installation = HostInstallation(
                host: host,
                link: link,
                dialer: shared.dialer,
                store: store,
                settings: settings,
                logger: logger.of(job: job.id, job.correlation),
                isConversion: conversion != nil
            )
            signal = try await installation.run(job, context)
        }
        if signal == .installed, conversion?.detail.needsReboot == true { signal = .workReboots }
        if signal == .installed, conversion?.detail.endsInMaintenance == true {
            signal = .workEnded(inMaintenance: true)
        }
        guard let signal, !Task.isCancelled else { return false }
        let life = HostLife(status: host.row.status, detail: host.row.statusDetail, lastContact: now)
        var moment = context
        moment.now = now
        _ = try await store.live(host.row, life, signal, context: moment)
        if let conversion { shared.desk.start(conversion.id) }
        return true
    }

    private static let lostJob = InstallFailure(
        .contact,
        "The record of the installation is gone.",
        remedy: "Approve the host again."
    )

    /// What one stretch of monitoring knows; an object, so that no frame carries copies of it.
    private final class Monitored {
        let link: AgentLink
        let drains: Bool
        var row: HostRow
        var life: HostLife
        var memory: ReportMemory?
        var guests = 0
        var refreshes = 0
        /// When its statistics are kept again.
        var figuresDue: Int64 = 0
        var links = RequiredLinks()

        var hasLostLink: Bool { life.detail == NonOperationalReason.networkInterfaceIsDown.rawValue }

        /// `now`: the grace period counts from here.
        init(_ host: WatchedHost, _ link: AgentLink, drains: Bool, now: Int64) {
            (row, self.link, self.drains) = (host.row, link, drains)
            life = HostLife(status: host.row.status, detail: host.row.statusDetail, lastContact: now)
        }
    }

    private func monitor(_ host: sending Monitored) async throws(EngineError) -> Bool {
        do {
            try await refresh(host)
            await host.link.close()
            return false
        } catch {
            await host.link.close()
            throw error
        }
    }

    /// Until the host is changed by somebody else. What was while the engine was away is not the host's fault.
    private func refresh(_ host: Monitored) async throws(EngineError) {
        if startsQuietly, host.life.status == .up {
            host.refreshes = Int.random(in: 1..<Self.refreshesBetweenCapabilities)
            // Not all hosts of an engine that starts in the same moment.
            try? await Task.sleep(for: .milliseconds(Int64.random(in: 0...settings.monitoring.refresh)))
        }
        while !Task.isCancelled, host.life.status.isMonitored {
            let signal = await signal(of: host)
            if Task.isCancelled { return }
            host.refreshes += 1
            let (isQuiet, fails) = hear(signal, of: host)
            if !isQuiet { try await live(host, signal) }
            if fails { await host.link.close() }
            try? await Task.sleep(for: .milliseconds(settings.monitoring.refresh))
        }
    }

    private func signal(of host: Monitored) async -> HostLife.Signal {
        let readsAll =
            host.life.status != .up || host.refreshes.isMultiple(of: Self.refreshesBetweenCapabilities)
            || host.link.takeNetworkNews()
        if host.drains, host.life.status == .preparingForMaintenance { return await readGuests(of: host) }
        return readsAll ? await readCapabilities(of: host) : await readStatistics(of: host)
    }

    /// What needs no writing ends here; whether it was that, and whether the host failed to answer.
    private func hear(_ signal: HostLife.Signal, of host: Monitored) -> (isQuiet: Bool, fails: Bool) {
        var next = host.life
        let effects = next.handle(signal, of: host.row.name, at: now, settings.monitoring)
        let isQuiet = effects.isEmpty && next.status == host.life.status && next.detail == host.life.detail
        if isQuiet {
            host.life = next
            if next.failures == 0 { shared.contacts.note(id, at: now) }
        }
        return (isQuiet, next.failures > 0)
    }

    @inline(never)
    private func live(_ host: Monitored, _ signal: HostLife.Signal) async throws(EngineError) {
        let context = TransitionContext(now: now, times: settings.monitoring)
        (host.row, host.life) = try await store.live(host.row, host.life, signal, context: context)
        // What brings it back was stored with its new status.
        if host.row.status == .nonResponsive { shared.powers.watch(id) }
    }

    /// What a host said of itself the last time: mostly it says the same again, which needs no reading and no writing.
    private struct ReportMemory {
        var digest: SHA256.Digest
        var fitness: HostFitness
    }

    @inline(never)
    private func readCapabilities(of host: Monitored) async -> HostLife.Signal {
        let link = host.link
        do {
            let text = try await link.ask(.getCapabilities)
            let digest = SHA256.hash(data: Data(text.readableBytesView))
            let fitness: HostFitness
            if let memory = host.memory, memory.digest == digest {
                fitness = memory.fitness
            } else {
                let capabilities = try ReportedCapabilities(text: text)
                let hardware = try? HardwareInformation(result: try await link.call(.getHardwareInfo))
                note(try await link.ask(.getStats), of: host)
                let summary = HostHardware(hardware ?? HardwareInformation(), capabilities.values)
                try await store.saveReport(of: id, capabilities, summary, at: now)
                fitness = capabilities.fitness
                host.memory = ReportMemory(digest: digest, fitness: fitness)
            }
            let (unfit, required) = try await store.judge(id, fitness, isUp: host.life.status == .up)
            host.links.devices = fitness.devices.filter { required.contains($0.key) }
            if let unfit { return .unfit(unfit) }
            // What was may be long ago: whether a link is back stands in its statistics only.
            if host.links.isAnyDown {
                host.figuresDue = 0
                note(try await link.ask(.getStats), of: host)
            }
            return linkLoss(of: host) ?? .fit
        } catch let failure as AgentFailure {
            return Self.signal(for: failure)
        } catch {
            return .silent("The engine could not keep what the agent reports: \(error).")
        }
    }

    private func readStatistics(of host: Monitored) async -> HostLife.Signal {
        do {
            // That it came, and is JSON, says that the host is there.
            note(try await host.link.ask(.getStats), of: host)
            return linkLoss(of: host) ?? .heard
        } catch {
            return Self.signal(for: error)
        }
    }

    /// A host that is out of service for it already stays so until every link is back.
    private func linkLoss(of host: Monitored) -> HostLife.Signal? {
        let patience = host.hasLostLink ? 0 : settings.monitoring.linkLoss
        return host.links.unfitness(at: now, after: patience).map(HostLife.Signal.unfit)
    }

    /// Most answers are not read: ten thousand hosts send 27 MB of them a second.
    @inline(never)
    private func note(_ text: ByteBuffer, of host: Monitored) {
        let now = now
        guard now >= host.figuresDue, let figures = try? HostFigures(text: text) else { return }
        host.figuresDue = now + settings.monitoring.figures
        statistics.note(figures, of: id, at: now)
        host.links.note(figures.links, at: now)
    }

    /// A host that is to go out of service waits until its guests are gone; who moves or stops them is told how many.
    @inline(never)
    private func readGuests(of host: Monitored) async -> HostLife.Signal {
        let row = host.row
        do {
            let statistics: HostStatistics
            do { statistics = try HostStatistics(result: try await host.link.call(.getStats)) } catch let error
                as RPCError
            {
                throw AgentFailure.malformed("The agent's statistics cannot be read: \(error.message.prefix(300)).")
            }
            let count = max(statistics.vmCount, statistics.vmActive)
            guard count > 0 else { return .drained }
            if count != host.guests {
                host.guests = count
                let text = "Host \(row.name) still runs \(count) guests; it is in maintenance once they are gone."
                try await store.record([Occurrence(.maintenanceWaits, .warning, text, host: row)], at: now)
            }
            return .heard
        } catch let failure as AgentFailure {
            return Self.signal(for: failure)
        } catch {
            return .silent("The engine could not keep what the agent reports: \(error).")
        }
    }

    private static func signal(for failure: AgentFailure) -> HostLife.Signal {
        if case .refused(let error) = failure, error.code == .recovering { return .recovering }
        return .silent(failure.sentence)
    }
}

extension HostEngine {
    /// Watches all hosts that need it, from the stored state on, until the task is cancelled.
    func superviseHosts() async throws(EngineError) {
        let dialer = try AgentDialer(
            authority: authority.certificate,
            identity: identity,
            times: settings.monitoring,
            tally: agentTally
        )
        try await store.releaseStrandedDumps()
        let known = try await store.hostsToWatch()
        let quiet = Mutex(Set(known))
        for host in known { supervisor.watch(host) }
        let shared = HostWatch.Shared(self, dialer)
        await supervisor.run { id in
            await HostWatch(id: id, shared: shared, startsQuietly: quiet.withLock { $0.remove(id) != nil }).run()
        }
    }
}
