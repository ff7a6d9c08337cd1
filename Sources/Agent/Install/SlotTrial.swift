import BlockDevices
import Glibc
import HostModel
package import Logging
import SystemPackage

/// Runs once at every start from an installed disk: ends what an installation or an upgrade began.
///
/// A slot on trial is confirmed once the node does its work again: an approved node when the engine was heard, one that is
/// nobody's host yet when its claim reached the engine. One that does not get there in time starts the machine again, and
/// the boot menu counts.
package struct SlotTrial: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// Nothing was on trial.
        case settled
        case confirmed
        /// The time is over.
        case expired
    }

    private let install: NodeInstall
    private let seconds: Int
    private let logger: Logger
    private let say: @Sendable (String) -> Void

    /// From the start of the machine to the confirmation, unless the kernel argument `muster.trial-seconds=` says otherwise.
    package static let usualSeconds = 600
    package static let secondsArgumentName = "muster.trial-seconds"
    private static let pause = Duration.seconds(2)

    package init(_ install: NodeInstall, logger: Logger, say: @escaping @Sendable (String) -> Void) {
        (self.install, self.logger, self.say) = (install, logger, say)
        let value = install.arguments[Self.secondsArgumentName].flatMap { Int($0) }
        seconds = value.map { min(max($0, 10), 86400) } ?? Self.usualSeconds
    }

    package func run() async throws -> Outcome {
        let (disk, running) = try install.ownDisk()
        if disk.isUnfinished {
            try disk.finish()
            logger.notice("the installation is complete")
        }
        let environment = try install.environment(disk, running)
        guard install.arguments[BootSlot.trialArgumentName] != nil else {
            if let trial = environment.trial, trial != running, environment.left == 0 {
                tellFall(from: trial, to: running, disk)
            }
            install.protection.confirmed(index: disk.image(in: running)?.rollbackIndex)
            return .settled
        }
        say("slot \(running.rawValue) is on trial for \(seconds) s; \(environment.left) tries are left")
        while uptime < seconds {
            if let reason = readiness {
                _ = try install.confirm()
                say("slot \(running.rawValue) is confirmed: \(reason)")
                return .confirmed
            }
            try await Task.sleep(for: Self.pause)
        }
        say("slot \(running.rawValue) was not confirmed within \(seconds) s; restarting")
        return .expired
    }

    private func tellFall(from trial: BootSlot, to running: BootSlot, _ disk: InstalledDisk) {
        let image = disk.image(in: trial).map { " (\(terminalEscaped($0.name)) \(terminalEscaped($0.version)))" } ?? ""
        let sentence = "slot \(trial.rawValue)\(image) did not come up; this is slot \(running.rawValue) again"
        logger.error("\(sentence)")
        say(sentence)
        try? install.settings.run.write(Array((sentence + "\n").utf8), to: Self.fallName)
    }

    /// The sentence that says why the node runs from the older slot.
    package static let fallName = "slot-fallback"

    /// Why the node counts as up; `nil` as long as it does not.
    private var readiness: String? {
        let run = install.settings.run
        guard let report = run.value(RegisterReport.self, in: RegisterReport.fileName) else { return nil }
        switch report.state {
        case .approved: return (try? run.read(NetworkKeeper.heardName)) ?? nil == nil ? nil : "the engine is connected"
        case .pending: return "the claim reached the engine"
        case .noEngine, .noNetwork, .contacting, .rejected, .expired, .halted: return nil
        }
    }

    private var uptime: Int {
        readLine(of: "/proc/uptime").flatMap { Double($0.split(separator: " ")[0]) }.map { Int($0) } ?? 0
    }
}
