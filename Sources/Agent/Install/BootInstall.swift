import BlockDevices
import Glibc
import HostModel
package import Logging

/// The installation that `muster.install=` asks for, in the initramfs: on every console of the machine, until it is done
/// or a person decides otherwise. `muster.install=ask` asks there which disk.
package struct BootInstall: Sendable {
    package enum Outcome: Hashable, Sendable {
        case reboot
        case nodeScreen
    }

    private let make: @Sendable (InstallReporter) -> NodeInstall
    private let console: BootConsole
    private let logger: Logger

    private static let ask = "ask"
    private static let inputPause = Duration.milliseconds(200)
    /// Disks of slow controllers turn up late.
    private static let diskSeconds = 30

    package init(
        _ make: @escaping @Sendable (InstallReporter) -> NodeInstall,
        console: BootConsole = BootConsole(),
        logger: Logger
    ) {
        (self.make, self.console, self.logger) = (make, console, logger)
    }

    package func run() async throws -> Outcome {
        let reporter = InstallReporter(.lines) { [console] in
            console.say(String($0.dropLast($0.hasSuffix("\n") ? 1 : 0)))
        }
        let install = make(reporter)
        var failures = 0
        while true {
            do {
                guard let request = try await request(install) else { return .nodeScreen }
                try await waitForNetwork(install, request)
                let disk = try await install.install(request)
                console.say(
                    "installed to \(disk.name) (\(terminalEscaped(disk.identity ?? "no serial number"))); restarting"
                )
                try await reportInstalled(install, "installed to \(disk.name), serial \(disk.serial)")
                return .reboot
            } catch let failure as InstallFailure {
                failures += 1
                logger.error("\(failure)")
                console.say("nothing was installed: \(failure.message)")
                console.say("  try: \(failure.remedy)")
                await report(install, stage: "install", failure.message)
            }
            switch try await choice(seconds: LiveRootChoice.pause(after: failures)) {
            case .tryAgain: console.say("trying again")
            case .nodeScreen: return .nodeScreen
            case .reboot: return .reboot
            }
        }
    }

    // MARK: What is asked for

    /// `nil` when a person wants no installation.
    private func request(_ install: NodeInstall) async throws -> NodeInstall.Request? {
        let value = install.arguments[DiskSelector.kernelArgumentName] ?? ""
        guard value == Self.ask else {
            var request: NodeInstall.Request
            do throws(DiskSelector.Refusal) { request = .init(disk: try DiskSelector(parsing: value)) } catch {
                throw InstallFailure(error)
            }
            request.wipe = install.arguments[DiskSelector.wipeArgumentName]
            try await waitForDisk(install, request.disk)
            return request
        }
        return try await dialogue(install)
    }

    private func waitForDisk(_ install: NodeInstall, _ selector: DiskSelector) async throws {
        var wait = DiskWait(for: selector)
        for second in 0..<Self.diskSeconds {
            if wait.isOver(install.settings.inventory.disks(), at: second) { return }
            if second == 3 {
                console.say("waiting up to \(Self.diskSeconds) s for all disks: \(terminalEscaped(selector.text))")
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func dialogue(_ install: NodeInstall) async throws -> NodeInstall.Request? {
        while true {
            let disks = install.disks().filter(\.isCandidate)
            console.flushInput()
            console.say("Install to which disk? Its contents will be lost.")
            for (number, disk) in disks.enumerated() { console.say("  \(number + 1)  \(disk)") }
            if disks.isEmpty { console.say("  this machine has no disk that can be installed to") }
            console.say("Number and Enter; Enter alone: look again; n and Enter: no installation")
            let line = try await line()
            if line == "n" { return nil }
            guard let number = Int(line), disks.indices.contains(number - 1) else { continue }
            let disk = disks[number - 1]
            guard let identity = disk.identity, let selector = Self.selector(disk) else {
                console.say(
                    "that disk has neither a serial number nor a WWN; name it by a rule (muster.install=rule:only)"
                )
                continue
            }
            console.say("Everything on \(disk)")
            console.say(
                "will be lost. Type its serial number to go on (\(terminalEscaped(identity))), or Enter to go back:"
            )
            let typed = try await self.line()
            guard typed == identity else {
                if !typed.isEmpty { console.say("that is not its serial number; nothing was written") }
                continue
            }
            var request = NodeInstall.Request(disk: selector)
            request.wipe = identity
            return request
        }
    }

    private static func selector(_ disk: DiskReport) -> DiskSelector? {
        try? DiskSelector(parsing: disk.serial.isEmpty ? "rule:wwn=\(disk.wwn)" : "rule:serial=\(disk.serial)")
    }

    private func line() async throws -> String {
        while true {
            if let line = console.typedLine() { return line.filter { !$0.isNewline } }
            try await Task.sleep(for: Self.inputPause)
        }
    }

    private func choice(seconds: Int) async throws -> LiveRootChoice {
        console.flushInput()
        console.say(LiveRootChoice.menu(seconds: seconds))
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let line = console.typedLine(), let choice = LiveRootChoice(line: line) { return choice }
            try await Task.sleep(for: Self.inputPause)
        }
        return .tryAgain
    }

    // MARK: The network

    private static let networkSeconds = 120

    private func waitForNetwork(_ install: NodeInstall, _ request: NodeInstall.Request) async throws {
        guard case .server = try request.image ?? InstallSource(install.arguments) else { return }
        try await BootNetworkWait(run: install.settings.run, seconds: Self.networkSeconds) { [console] in
            console.say($0)
        }
        .wait()
    }

    /// How often, and after how long, the boot server is told again: it lets the machine boot the same installation until it
    /// has heard that there was one.
    private static let (reports, reportPause) = (60, Duration.seconds(10))

    private func reportInstalled(_ install: NodeInstall, _ detail: String) async throws {
        for attempt in 0..<Self.reports {
            if await report(install, stage: "installed", detail) { return }
            if attempt % 6 == 0 {
                console.say(
                    "the boot server does not hear that the installation is done; telling it again before the restart"
                )
            }
            try await Task.sleep(for: Self.reportPause)
        }
    }

    /// True when there is nobody to tell, or it was heard.
    @discardableResult
    private func report(_ install: NodeInstall, stage: String, _ detail: String) async -> Bool {
        guard case .server(let folder)? = try? InstallSource(install.arguments) else { return true }
        return await BootEventReport(folder: folder, query: BootEventReport.query(install.arguments)).send(
            stage: stage,
            detail
        )
    }
}
