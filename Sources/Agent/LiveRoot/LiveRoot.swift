import HostModel
package import Logging
package import SystemPackage

/// `muster-agent live-root`: fetches or finds the root image that `muster.image=` names, checks it, and makes it the root
/// of the system to come at `sysroot`. The init script of the initramfs then switches to it.
package struct LiveRoot: Sendable {
    package struct Settings: Sendable {
        package var state: NodeDirectory
        package var run: NodeDirectory
        package var commandLine: FilePath
        /// The certificates that may sign images.
        package var certificates: FilePath
        /// Holds the mounts below the new root.
        package var base: FilePath
        package var sysroot: FilePath
        /// Sets up the network, and ends; called where no network was needed so far, and something is to be reported.
        package var bootNetwork: FilePath = "/usr/lib/muster/boot-network"
        /// Seconds that the boot network, and then a medium, is waited for.
        package var waitSeconds: Int

        package init(
            state: NodeDirectory,
            run: NodeDirectory,
            commandLine: FilePath,
            certificates: FilePath = "/etc/muster/image-signing.pem",
            base: FilePath = "/run/muster-live",
            sysroot: FilePath = "/sysroot",
            waitSeconds: Int = 120
        ) {
            (self.state, self.run, self.commandLine, self.certificates) = (state, run, commandLine, certificates)
            (self.base, self.sysroot, self.waitSeconds) = (base, sysroot, waitSeconds)
        }
    }

    package enum Outcome: Hashable, Sendable {
        /// The root stands at `sysroot`.
        case ready
        /// A person wants the initramfs's own screen.
        case nodeScreen
        /// A person wants to begin anew.
        case reboot
    }

    let settings: Settings
    let console: BootConsole
    let logger: Logger

    package init(_ settings: Settings, console: BootConsole = BootConsole(), logger: Logger) {
        (self.settings, self.console, self.logger) = (settings, console, logger)
    }

    /// Goes on until the root is there or a person decides otherwise.
    package func run() async throws -> Outcome {
        var attempt = LiveRootAttempt(settings, console: console, logger: logger)
        var failures = 0
        // One report at a time; a person at the menu does not wait for it.
        var report: Task<Void, Never>?
        defer { report?.cancel() }
        while true {
            do {
                try await attempt.run()
                // It may have set up a network of which nothing must run on in the root to come.
                await report?.value
                HandedOverNetwork(run: settings.run).release()
                return .ready
            } catch let failure as LiveRootFailure {
                failures += 1
                logger.error("\(failure)")
                console.say("the live root did not come up: \(failure.message)")
                console.say("  try: \(failure.remedy)")
                report = Task { [attempt, report] in
                    await report?.value
                    await attempt.report(failure)
                }
            }
            if isTrial {
                console.say("this slot is on trial: the machine restarts when that was told, and the boot menu counts")
                // For a person to read what went wrong.
                try await Task.sleep(for: .seconds(Self.trialSeconds))
                // Each of its parts has a limit: the network's, the connection's and the answer's.
                await report?.value
                return .reboot
            }
            switch try await ask(LiveRootChoice.pause(after: failures)) {
            case .tryAgain: console.say("trying again")
            case .nodeScreen: return .nodeScreen
            case .reboot: return .reboot
            }
        }
    }

    /// Shows the menu and waits for an answer, or for the time to be over.
    private func ask(_ seconds: Int) async throws -> LiveRootChoice {
        console.flushInput()
        console.say(LiveRootChoice.menu(seconds: seconds))
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let line = console.typedLine() {
                if let choice = LiveRootChoice(line: line) { return choice }
                console.say(LiveRootChoice.menu(seconds: seconds))
            }
            try await Task.sleep(for: Self.inputPause)
        }
        return .tryAgain
    }

    private static let trialSeconds = 10

    private var isTrial: Bool {
        let line = (try? readFile(settings.commandLine, limit: KernelArguments.bytesMax)) ?? []
        return KernelArguments(String(decoding: line, as: UTF8.self))[BootSlot.trialArgumentName] != nil
    }

    private static let inputPause = Duration.milliseconds(200)
}
