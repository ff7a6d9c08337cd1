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
    let id: UniqueID
    let dialer: AgentDialer
    let store: Store
    let settings: EngineSettings
    let logger: Logger
    let desk: ConversionDesk
    let powers: HostSupervisor
    let contacts: ContactBook
    let hold: RestoreHold
    /// The engine has just started: a host that was up is taken at its word, and what it has is read at some later refresh.
    var startsQuietly = false

    /// Refreshes of a host that is up between two readings of its capabilities.
    static let refreshesBetweenCapabilities = 100

    private var now: Int64 { settings.clock.now() }

    /// What goes wrong here (a full disk, a change that came between) is waited out: a host is not forgotten over it.
    func run() async {
        var goesOn = true
        while goesOn, !Task.isCancelled {
            do {
                goesOn = try await follow()
            } catch {
                logger.warning("The watch over host \(id) begins anew: \(error)")
                try? await Task.sleep(for: .milliseconds(settings.monitoring.refresh))
            }
        }
    }

    /// One stretch of the host's life; false when a person must decide what comes next.
    private func follow() async throws(EngineError) -> Bool {
        guard let host = try await store.watched(id), let target = host.target else { return false }
        if hold.holds(certificateOf: host.publicKey?.issued) { return false }
        let conversion = try await store.runningConversion(of: id)
        // Somebody else is at work on it, by SSH.
        if let conversion, conversion.stage != .network { return false }
        if let job = try await store.runningImageJob(of: id) {
            return try await withLink(target, correlation: job.correlation) { link throws(EngineError) in
                try await HostImageWork(
                    host: host,
                    link: link,
                    store: store,
                    settings: settings,
                    logger: logger.of(job: job.id, job.correlation)
                ).run(job)
                return !Task.isCancelled
            }
        }
        switch host.row.status {
        case .installing:
            let job = try await store.installation(of: id)
            return try await withLink(target, correlation: job?.correlation) { link throws(EngineError) in
                try await install(host, job, conversion, link)
            }
        case let status where status.isMonitored:
            return try await withLink(target, correlation: nil) { link throws(EngineError) in
                try await monitor(host, link, drains: conversion == nil)
            }
        default: return false
        }
    }

    private func withLink(
        _ target: AgentAddress,
        correlation: String?,
        _ body: (AgentLink) async throws(EngineError) -> Bool
    ) async throws(EngineError) -> Bool {
        let link = AgentLink(dialer, target, correlation: correlation)
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
                dialer: dialer,
                store: store,
                settings: settings,
                logger: logger.of(job: job.id, job.correlation),
                isConversion: conversion != nil
            )
            signal = try await installation.run(job, context)
        }
        if signal == .installed, conversion?.detail.needsReboot == true { signal = .workReboots }
        if signal == .installed, conversion?.detail.wasInMaintenance == true {
            signal = .workEnded(inMaintenance: true)
        }
        guard let signal, !Task.isCancelled else { return false }
        let life = HostLife(status: host.row.status, detail: host.row.statusDetail, lastContact: now)
        var moment = context
        moment.now = now
        _ = try await store.live(host.row, life, signal, context: moment)
        if let conversion { desk.start(conversion.id) }
        return true
    }

    private static let lostJob = InstallFailure(
        .contact,
        "The record of the installation is gone.",
        remedy: "Approve the host again."
    )

    /// Refreshes until the host is changed by somebody else. The grace period counts from here: what was while the
    /// engine was away is not the host's fault.
    private func monitor(
        _ host: WatchedHost,
        _ link: AgentLink,
        drains: Bool
    ) async throws(EngineError) -> Bool {
        var row = host.row
        var life = HostLife(status: row.status, detail: row.statusDetail, lastContact: now)
        let startsQuietly = startsQuietly && life.status == .up
        var refreshes = startsQuietly ? Int.random(in: 1..<Self.refreshesBetweenCapabilities) : 0
        var memory: ReportMemory?
        var guests = 0
        // Not all hosts of an engine that starts in the same moment.
        if startsQuietly {
            try? await Task.sleep(for: .milliseconds(Int64.random(in: 0...settings.monitoring.refresh)))
        }
        while !Task.isCancelled, life.status.isMonitored {
            let readsAll =
                life.status != .up || refreshes.isMultiple(of: Self.refreshesBetweenCapabilities)
                || link.takeNetworkNews()
            let signal =
                if drains, life.status == .preparingForMaintenance {
                    await readGuests(of: row, link, &guests)
                } else if readsAll {
                    await readCapabilities(of: host, life, link, &memory)
                } else {
                    await readStatistics(link)
                }
            if Task.isCancelled { return false }
            refreshes += 1
            var next = life
            let effects = next.handle(signal, of: row.name, at: now, settings.monitoring)
            if effects.isEmpty, next.status == life.status, next.detail == life.detail {
                life = next
                if next.failures == 0 { contacts.note(id, at: now) }
            } else {
                let context = TransitionContext(now: now, times: settings.monitoring)
                (row, life) = try await store.live(row, life, signal, context: context)
                // What brings it back was stored with its new status.
                if row.status == .nonResponsive { powers.watch(id) }
            }
            if next.failures > 0 { await link.close() }
            try? await Task.sleep(for: .milliseconds(settings.monitoring.refresh))
        }
        return false
    }

    /// What a host said of itself the last time: mostly it says the same again, which needs no reading and no writing.
    private struct ReportMemory {
        var digest: SHA256.Digest
        var fitness: HostFitness
    }

    private func readCapabilities(
        of host: WatchedHost,
        _ life: HostLife,
        _ link: AgentLink,
        _ memory: inout ReportMemory?
    ) async -> HostLife.Signal {
        do {
            let text = try await link.ask(.getCapabilities)
            let digest = SHA256.hash(data: Data(text.readableBytesView))
            let fitness: HostFitness
            if let memory, memory.digest == digest {
                fitness = memory.fitness
            } else {
                let capabilities = try ReportedCapabilities(text: text)
                let hardware = try? HardwareInformation(result: try await link.call(.getHardwareInfo))
                _ = try await link.ask(.getStats)
                let summary = HostHardware(hardware ?? HardwareInformation(), capabilities.values)
                try await store.saveReport(of: id, capabilities, summary, at: now)
                fitness = capabilities.fitness
                memory = ReportMemory(digest: digest, fitness: fitness)
            }
            let unfit = try await store.judge(id, fitness, isUp: life.status == .up)
            return unfit.map(HostLife.Signal.unfit) ?? .fit
        } catch let failure as AgentFailure {
            return Self.signal(for: failure)
        } catch {
            return .silent("The engine could not keep what the agent reports: \(error).")
        }
    }

    private func readStatistics(_ link: AgentLink) async -> HostLife.Signal {
        do {
            // Nobody reads it yet; that it came, and is JSON, says that the host is there.
            _ = try await link.ask(.getStats)
            return .heard
        } catch {
            return Self.signal(for: error)
        }
    }

    /// A host that is to go out of service waits until its guests are gone; who moves or stops them is told how many.
    private func readGuests(of row: HostRow, _ link: AgentLink, _ told: inout Int) async -> HostLife.Signal {
        do {
            let statistics: HostStatistics
            do { statistics = try HostStatistics(result: try await link.call(.getStats)) } catch let error as RPCError {
                throw AgentFailure.malformed("The agent's statistics cannot be read: \(error.message.prefix(300)).")
            }
            let count = max(statistics.vmCount, statistics.vmActive)
            guard count > 0 else { return .drained }
            if count != told {
                told = count
                let text = "Host \(row.name) still runs \(told) guests; it is in maintenance once they are gone."
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
        let known = try await store.hostsToWatch()
        let quiet = Mutex(Set(known))
        for host in known { supervisor.watch(host) }
        await supervisor.run { [store, settings, logger, desk, powers, contacts, hold] id in
            await HostWatch(
                id: id,
                dialer: dialer,
                store: store,
                settings: settings,
                logger: logger.of(host: id),
                desk: desk,
                powers: powers,
                contacts: contacts,
                hold: hold,
                startsQuietly: quiet.withLock { $0.remove(id) != nil }
            ).run()
        }
    }
}
