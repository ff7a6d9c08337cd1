import HostModel

/// The node's screen as a machine without I/O: keys and states in, text and actions out.
///
/// It is a dialogue of lines, not a canvas: the same text reads well on a VGA console, on a serial line, and in the log
/// of a serial line.
package struct Console: Sendable {
    package enum Event: Sendable {
        case key(ConsoleKey)
        case snapshot(NodeSnapshot)
        /// Seconds since the console started.
        case tick(Int)
        /// The outcome of an action.
        case wayStep(WayStep)
        case finished(String?)
        case log([String])
        case password(PasswordOutcome)
    }

    package enum PasswordOutcome: Hashable, Sendable {
        /// There is one to ask for.
        case isSet
        case accepted
        case wrong
        /// No password is set, or its hash is of an unknown kind: the sentence to show.
        case unusable(String)
    }

    package enum Action: Hashable, Sendable {
        /// Lines end with CR LF.
        case print(String)
        /// Clears the screen where the terminal can, then prints.
        case draw(String)
        case save(NodeSettings, ConsoleChange)
        case testWay
        case readLog
        case reboot
        /// Whether a password is set at all, before one is asked for.
        case findPassword
        case checkPassword(String)
        case openShell
    }

    private enum Mode: Sendable {
        case main
        case form(ConsoleForm)
        case reboot
        case password
        /// An action runs; keys are ignored.
        case busy
        /// A page is shown until a key is pressed.
        case page
    }

    private let limits: ConsoleLimits
    private var mode = Mode.main
    private var typed = ""
    private var snapshot = NodeSnapshot()
    private var drawn: StatusScreen?
    private var now = 0
    private var lastDraw = 0
    private var lastKey = 0

    package init(limits: ConsoleLimits = ConsoleLimits()) { self.limits = limits }

    package mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .key(let key):
            lastKey = now
            return press(key)
        case .snapshot(let snapshot):
            self.snapshot = snapshot
            guard case .main = mode, StatusScreen(snapshot) != drawn else { return [] }
            return [draw()]
        case .tick(let seconds): return tick(seconds)
        case .wayStep(let step): return [.print(step.line + "\r\n")]
        case .log(let lines): return showPage(lines.isEmpty ? ["The log is empty."] : lines)
        case .finished(let text): return showPage(text.map { [$0] } ?? [])
        case .password(let outcome): return take(outcome)
        }
    }

    /// A dialogue that nobody goes on with gives the screen back; the approval code must not stay hidden.
    private mutating func tick(_ seconds: Int) -> [Action] {
        now = seconds
        switch mode {
        case .busy: return []
        case .main: return now - lastDraw >= limits.redrawSeconds ? [draw()] : []
        case .form, .reboot, .password, .page: return now - lastKey >= limits.idleSeconds ? toMain() : []
        }
    }

    private mutating func draw() -> Action {
        let screen = StatusScreen(snapshot)
        (drawn, lastDraw) = (screen, now)
        return .draw(screen.lines.map { $0 + "\r\n" }.joined())
    }

    private mutating func toMain() -> [Action] {
        (mode, typed) = (.main, "")
        return [draw()]
    }

    private mutating func showPage(_ lines: [String]) -> [Action] {
        (mode, lastKey) = (.page, now)
        let text = (lines + ["", "Press a key to go back."]).map { $0 + "\r\n" }.joined()
        return [.print(text)]
    }
}

// MARK: - Keys

extension Console {
    private mutating func press(_ key: ConsoleKey) -> [Action] {
        switch mode {
        case .busy: return []
        case .page: return toMain()
        case .main:
            guard case .character(let character) = key else { return [draw()] }
            return choose(character)
        case .form, .reboot, .password: return edit(key)
        }
    }

    private mutating func choose(_ character: Character) -> [Action] {
        switch character {
        case "1": return begin(ConsoleForm(.network, snapshot.configuration), heading: networkHeading)
        case "2": return begin(ConsoleForm(.engine, snapshot.configuration), heading: engineHeading)
        case "3":
            mode = .busy
            return [.print("\r\nThe way to the engine, step by step:\r\n"), .testWay]
        case "4":
            mode = .busy
            return [.print("\r\n"), .readLog]
        case "5":
            mode = .reboot
            return [.print("\r\nReboot this machine? Type yes: ")]
        case "6":
            mode = .busy
            return [.findPassword]
        default: return []
        }
    }

    private mutating func begin(_ form: ConsoleForm, heading: [String]) -> [Action] {
        mode = .form(form)
        let lines = [""] + heading + ["An empty answer keeps what stands in brackets; Escape goes back."]
        return [.print(lines.map { $0 + "\r\n" }.joined() + form.question)]
    }

    private var networkHeading: [String] {
        let links = snapshot.links.filter { $0.kind == .ethernet || $0.kind == .bond }
        return ["Network settings. Interfaces of this machine:"]
            + links.prefix(limits.linksMax).map { link in
                "  \(link.name) \(link.mac?.description ?? "") \(link.hasCarrier ? "carrier" : "no carrier")"
            }
    }

    private var engineHeading: [String] {
        guard snapshot.isRegistered else { return ["The engine that this node reports to."] }
        return ["This node is managed by an engine. With another address it gives up its certificate and asks anew."]
    }

    private mutating func edit(_ key: ConsoleKey) -> [Action] {
        switch key {
        case .cancel: return toMain()
        case .backspace:
            guard !typed.isEmpty else { return [] }
            typed.removeLast()
            return isSecret ? [] : [.print("\u{8} \u{8}")]
        case .eraseLine:
            defer { typed = "" }
            return isSecret ? [] : [.print(String(repeating: "\u{8} \u{8}", count: typed.count))]
        case .character(let character):
            guard typed.count < limits.answerMax else { return [.print("\u{7}")] }
            typed.append(character)
            return isSecret ? [] : [.print(String(character))]
        case .enter:
            let answer = typed
            typed = ""
            return [.print("\r\n")] + take(answer)
        }
    }

    private var isSecret: Bool { if case .password = mode { true } else { false } }

    private mutating func take(_ answer: String) -> [Action] {
        switch mode {
        case .form(var form): return take(answer, &form)
        case .reboot:
            guard answer == "yes" else { return toMain() }
            mode = .busy
            return [.print("Rebooting.\r\n"), .reboot]
        case .password:
            mode = .busy
            return [.checkPassword(answer)]
        case .main, .busy, .page: return []
        }
    }

    private mutating func take(_ answer: String, _ form: inout ConsoleForm) -> [Action] {
        let trimmed = answer.split(separator: " ").joined(separator: " ")
        switch form.take(trimmed) {
        case .discard: return toMain()
        case .refused(let reason):
            return [.print("\(reason)\r\n\(form.question)")]
        case .next:
            mode = .form(form)
            return [.print(form.question)]
        case .save(let settings):
            mode = .busy
            return [.save(settings, change(form.kind, to: settings))]
        }
    }

    private func change(_ kind: ConsoleForm.Kind, to settings: NodeSettings) -> ConsoleChange {
        if kind == .network { return .network }
        let wanted = NodeConfiguration(arguments: snapshot.configuration.arguments, settings: settings)
        let managedBy = snapshot.registration?.engine ?? snapshot.configuration.engine
        return .engine(leavesEngine: snapshot.isRegistered && wanted.engine != managedBy)
    }

    private mutating func take(_ outcome: PasswordOutcome) -> [Action] {
        switch outcome {
        case .isSet:
            (mode, typed, lastKey) = (.password, "", now)
            return [.print("\r\nPassword: ")]
        case .unusable(let sentence): return showPage(["", sentence])
        case .wrong: return showPage(["The password is wrong."])
        case .accepted:
            mode = .busy
            return [.print("`exit` leads back to this screen.\r\n"), .openShell]
        }
    }
}

/// What a saved form changes.
package enum ConsoleChange: Hashable, Sendable {
    case network
    /// `leavesEngine`: the node is another engine's and gives up its certificate.
    case engine(leavesEngine: Bool)
}

/// The named limits of a console.
package struct ConsoleLimits: Hashable, Sendable {
    /// The main screen is printed again after this time, for whoever opens the serial line later.
    package var redrawSeconds = 30
    /// A dialogue without a key goes back to the main screen.
    package var idleSeconds = 180
    /// Characters of one answer.
    package var answerMax = 128
    package var linksMax = 16

    package init() {}
}
