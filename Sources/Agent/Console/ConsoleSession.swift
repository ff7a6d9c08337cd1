import Glibc
import HostModel
import Subprocess
package import SystemPackage

/// `muster-agent console`: all I/O of the `Console` machine on one terminal, until the terminal is gone.
package struct ConsoleSession: Sendable {
    package struct Settings: Sendable {
        package var state: NodeDirectory
        package var run: NodeDirectory
        package var commandLine: FilePath
        package var log: FilePath
        package var busybox: FilePath
        package var shadow: FilePath

        package init(
            state: NodeDirectory,
            run: NodeDirectory,
            commandLine: FilePath,
            log: FilePath,
            busybox: FilePath,
            shadow: FilePath = "/etc/shadow"
        ) {
            (self.state, self.run, self.commandLine) = (state, run, commandLine)
            (self.log, self.busybox, self.shadow) = (log, busybox, shadow)
        }
    }

    private let settings: Settings
    private let terminal: ConsoleTerminal
    private let network: BootNetwork
    private let inventory = LinkInventory()

    /// How often keys are looked for, and after how many of these the node.
    private static let keyInterval = Duration.milliseconds(100)
    private static let snapshotTurns = 10
    private static let wrongPasswordDelay = Duration.seconds(3)

    package init(_ settings: Settings, terminal: ConsoleTerminal, network: BootNetwork) {
        (self.settings, self.terminal, self.network) = (settings, terminal, network)
    }

    /// Returns when the line is gone.
    package func run() async throws {
        var console = Console()
        var decoder = ConsoleKeyDecoder()
        let clock = ContinuousClock()
        let start = clock.now
        var turn = 0
        while true {
            if turn % Self.snapshotTurns == 0 {
                await perform(console.handle(.snapshot(snapshot())), &console)
                let seconds = Int(start.duration(to: clock.now).components.seconds)
                await perform(console.handle(.tick(seconds)), &console)
            }
            guard let bytes = terminal.read() else { return }
            for key in decoder.keys(in: bytes) { await perform(console.handle(.key(key)), &console) }
            turn += 1
            try await clock.sleep(for: Self.keyInterval)
        }
    }

    private func snapshot() -> NodeSnapshot {
        NodeSnapshot(
            hostName: NodeHostName.current(),
            links: inventory.links(),
            network: settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName),
            registration: settings.run.value(RegisterReport.self, in: RegisterReport.fileName),
            configuration: configuration
        )
    }

    private var configuration: NodeConfiguration {
        NodeConfiguration(commandLine: settings.commandLine, state: settings.state, run: settings.run)
    }

    private func perform(_ actions: [Console.Action], _ console: inout Console) async {
        var pending = actions[...]
        while let action = pending.popFirst() {
            guard let event = await perform(action) else { continue }
            terminal.discardInput()
            pending += console.handle(event)[...]
        }
    }

    /// What comes of the action; `nil` for those that are done with it.
    private func perform(_ action: Console.Action) async -> Console.Event? {
        switch action {
        case .print(let text): terminal.write(text)
        case .draw(let text): terminal.draw(text)
        case .save(let wanted, let change): return .finished(await save(wanted, change))
        case .testWay: return .finished(await testWay())
        case .readLog: return .log(LogTail(settings.log).lines())
        case .reboot: return .finished(restartMachine())
        case .findPassword: return .password(password().outcome)
        case .checkPassword(let typed): return .password(await check(typed))
        case .openShell: return .finished(await openShell())
        }
        return nil
    }

    private func save(_ wanted: NodeSettings, _ change: ConsoleChange) async -> String {
        do {
            try settings.state.make()
            try wanted.save(state: settings.state, run: settings.run)
            switch change {
            case .network:
                terminal.write("Saved. Setting up the network …\r\n")
                return try await network.bringUp() ? "The network is up." : "No address yet; DHCP goes on asking."
            case .engine(leavesEngine: true):
                try Credentials.forget(in: settings.state)
                return "Saved. The node obeys its former engine no longer, and asks the new one."
            case .engine(leavesEngine: false): return "Saved. The node uses it from now on."
            }
        } catch {
            return "Not saved: \(terminalEscaped("\(error)"))"
        }
    }

    private func testWay() async -> String {
        let isGood = await EngineWay(busybox: settings.busybox, inventory: inventory).walk(configuration) { step in
            terminal.write(step.line + "\r\n")
        }
        return isGood ? "The engine can be reached." : "The way is not clear."
    }

    private func restartMachine() -> String {
        sync()
        // The kernel's own way out (sysrq), which needs no init that still answers. Returns only when it is refused.
        do {
            let trigger = try FileDescriptor.open("/proc/sysrq-trigger", .writeOnly)
            try trigger.closeAfter { _ = try trigger.writeAll("b".utf8) }
        } catch {
            return "Not rebooted: \(error)"
        }
        return "Not rebooted: the kernel took no notice."
    }

    private func openShell() async -> String? {
        terminal.restore()
        defer { terminal.makeRaw() }
        let line = FileDescriptor(rawValue: terminal.descriptor)
        do {
            // setsid -c makes the line the shell's controlling terminal, so that job control and control-C work in it.
            _ = try await Subprocess.run(
                .path(settings.busybox),
                arguments: ["setsid", "-c", settings.busybox.string, "sh", "-l"],
                environment: .inherit.updating(["TERM": terminal.isScreen ? "linux" : "vt100", "HOME": "/root"]),
                input: .fileDescriptor(line, closeAfterSpawningProcess: false),
                output: .fileDescriptor(line, closeAfterSpawningProcess: false),
                error: .fileDescriptor(line, closeAfterSpawningProcess: false)
            )
            return nil
        } catch {
            return "No shell: \(terminalEscaped("\(error)"))"
        }
    }
}

// MARK: - Password

extension ConsoleSession {
    private enum Password {
        case hash(SHACrypt)
        case unusable(String)

        var outcome: Console.PasswordOutcome {
            switch self {
            case .hash: .isSet
            case .unusable(let sentence): .unusable(sentence)
            }
        }
    }

    /// `adminpw=` of the kernel arguments, else root's in the shadow file.
    private func password() -> Password {
        guard let text = configuration.arguments.adminPasswordHash ?? rootHash() else {
            return .unusable("No shell: no password is set. Boot with adminpw=HASH; openssl passwd -6 makes one.")
        }
        guard let hash = SHACrypt(text) else {
            return .unusable(
                "No shell: the password's hash is of a kind that is not known here; openssl passwd -6 makes one."
            )
        }
        return .hash(hash)
    }

    private func rootHash() -> String? {
        guard let bytes = try? readFile(settings.shadow) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("root:") {
            let field = line.split(separator: ":", omittingEmptySubsequences: false)[1]
            return field.hasPrefix("$") ? String(field) : nil
        }
        return nil
    }

    private func check(_ typed: String) async -> Console.PasswordOutcome {
        guard case .hash(let hash) = password() else { return password().outcome }
        if hash.accepts(typed) { return .accepted }
        try? await ContinuousClock().sleep(for: Self.wrongPasswordDelay)
        return .wrong
    }
}
