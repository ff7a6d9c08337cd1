import HostModel

/// Why a board did not do what it was told: a sentence, and one of what to do. Both are escaped.
struct PowerFailure: Error, Hashable, Sendable {
    var text: String
    var remedy: String
}

/// How a machine is switched, and how a host that does not respond is brought back: by its agent, then by its power. Knows no
/// clock, database or board: signals in, effects out. What it is at is stored, so it goes on after a kill -9; every order may be
/// given twice.
///
///     soft -> softWait -> hold -> kdump -> off -> confirmOff -> on -> confirmOn -> comeBack
///
/// A person's order begins at `off` or `on`. `hold` is where it is decided whether the power may be used.
struct PowerCourse: Hashable, Sendable {
    enum Kind: String, Sendable, Codable {
        case on
        case off
        case restart
        /// The engine's own, for a host that does not respond.
        case fence

        var first: Step {
            switch self {
            case .on: .on
            case .off, .restart: .off
            case .fence: .soft
            }
        }
    }

    enum Step: String, Sendable, Codable, CaseIterable {
        case soft
        case softWait = "soft_wait"
        case hold
        case kdump
        case off
        case confirmOff = "confirm_off"
        case on
        case confirmOn = "confirm_on"
        case comeBack = "come_back"

        /// Nothing is under way: whoever answers again, or a person, ends it.
        var isWaiting: Bool {
            switch self {
            case .soft, .softWait, .hold, .kdump: true
            case .off, .confirmOff, .on, .confirmOn, .comeBack: false
            }
        }
    }

    /// What is to be done now.
    enum Order: Hashable, Sendable {
        case restartAgent
        case off
        case on
        case ask
        case greet
        case wait
    }

    enum Signal: Hashable, Sendable {
        /// The order was taken.
        case done
        case failed(PowerFailure)
        case power(PowerState)
        /// The host's agent answered.
        case greeted
        /// Time passed.
        case passed
    }

    enum Effect: Hashable, Sendable {
        case tell(EventCode, EventRecord.Severity, String)
        case live(HostLife.Signal)
        /// The board is not to be relied on.
        case fault(PowerFailure)
        /// It did what it was told.
        case sound
        case end(State, PowerFailure? = nil)
    }

    enum State: String, Sendable, Codable {
        case started
        case finished
        case failed
        case aborted
    }

    let kind: Kind
    private(set) var step: Step
    /// When the step began; milliseconds since 1970.
    private(set) var since: Int64
    /// Failures of the step.
    private(set) var attempts = 0
    /// Why it holds, as it was told.
    private(set) var told: String?

    init(_ kind: Kind, at now: Int64) { (self.kind, step, since) = (kind, kind.first, now) }

    init(_ kind: Kind, step: Step, since: Int64, attempts: Int, told: String?) {
        (self.kind, self.step, self.since) = (kind, step, since)
        (self.attempts, self.told) = (attempts, told)
    }

    var order: Order {
        switch step {
        case .soft: .restartAgent
        case .softWait, .hold, .kdump: .wait
        case .off: .off
        case .on: .on
        case .confirmOff, .confirmOn: .ask
        case .comeBack: .greet
        }
    }

    /// How long to wait before the next order, in milliseconds.
    func pause(_ times: PowerTimes) -> Int64 {
        switch step {
        case .soft: 0
        case .softWait, .hold, .kdump, .comeBack: times.poll
        case .off, .on: attempts == 0 ? 0 : times.ask
        case .confirmOff, .confirmOn: times.ask
        }
    }

    mutating func handle(_ signal: Signal, _ facts: PowerFacts, at now: Int64, _ times: PowerTimes) -> [Effect] {
        let mayEnd = step.isWaiting || step == .off && signal != .done
        if kind == .fence, mayEnd, !facts.isSilent { return over(facts) }
        return switch step {
        case .soft: restarted(signal, facts, at: now, times)
        case .softWait: now - since >= times.soft ? goHold(facts, at: now, times) : []
        case .hold: hold(facts, at: now, times)
        case .kdump: waitForDump(facts, at: now, times)
        case .off: ordered(signal, .confirmOff, facts, at: now, times)
        case .on: ordered(signal, .confirmOn, facts, at: now, times)
        case .confirmOff: confirm(.off, signal, facts, at: now, times)
        case .confirmOn: confirm(.on, signal, facts, at: now, times)
        case .comeBack: awaitAgent(signal, facts, at: now, times)
        }
    }

    private mutating func go(to next: Step, at now: Int64) { (step, since, attempts) = (next, now, 0) }

    // MARK: - Without the power

    /// The host answers again, or is nobody's business any more.
    private func over(_ facts: PowerFacts) -> [Effect] {
        guard step != .soft else { return [.end(.aborted)] }
        let text = "Host \(facts.name) is \(facts.status.rawValue) now; its power is left alone."
        return [.tell(.fencingEnded, .normal, text), .end(.finished)]
    }

    private mutating func restarted(
        _ signal: Signal,
        _ facts: PowerFacts,
        at now: Int64,
        _ times: PowerTimes
    ) -> [Effect] {
        switch signal {
        case .done:
            go(to: .softWait, at: now)
            let seconds = times.soft / 1000
            let text = "The agent of host \(facts.name) was restarted over SSH; it has \(seconds) seconds to answer."
            return [.tell(.softFenced, .warning, text)]
        case .failed(let failure):
            let text = "The agent of host \(facts.name) could not be restarted over SSH. \(failure.text)"
            return [.tell(.softFenced, .warning, text)] + goHold(facts, at: now, times)
        // No way in by SSH.
        case .passed, .greeted, .power: return goHold(facts, at: now, times)
        }
    }

    private mutating func goHold(_ facts: PowerFacts, at now: Int64, _ times: PowerTimes) -> [Effect] {
        go(to: .hold, at: now)
        return hold(facts, at: now, times)
    }

    /// The power is used only when nothing speaks against it; what does is told once.
    private mutating func hold(_ facts: PowerFacts, at now: Int64, _ times: PowerTimes) -> [Effect] {
        guard facts.isEnabled else {
            let failure = PowerFailure(
                text: "Host \(facts.name) does not respond, and its power is not managed.",
                remedy:
                    "Look at its console and restart it by hand; `muster host power \(facts.name) agent add` lets the "
                    + "engine do that."
            )
            return [.tell(.fenceNotConfigured, .alert, "\(failure.text) \(failure.remedy)"), .end(.failed, failure)]
        }
        if let reason = facts.reasonToHold(at: now, times) {
            guard told != reason.key else { return [] }
            told = reason.key
            return [.tell(.fenceSkipped, .warning, "Host \(facts.name) is not restarted now: \(reason.text)")]
        }
        if facts.detectsKdump, told != Self.noDump {
            go(to: .kdump, at: now)
            return []
        }
        return beginOff(facts, at: now)
    }

    private mutating func beginOff(_ facts: PowerFacts, at now: Int64) -> [Effect] {
        go(to: .off, at: now)
        told = nil
        return [.tell(.fencingStarted, .warning, "Host \(facts.name) does not respond; it is restarted by its power.")]
    }

    /// A host that writes a crash dump is left to it, and starts by itself when it is done.
    private mutating func waitForDump(_ facts: PowerFacts, at now: Int64, _ times: PowerTimes) -> [Effect] {
        // Anybody can send what tells of a dump: it holds the power up for a while only.
        if let heard = facts.lastDump, heard >= since - times.kdump, now - since < times.kdumpMax {
            if now - heard >= times.kdumpSilence {
                go(to: .comeBack, at: now)
                let text = "Host \(facts.name) has written its crash dump and starts again."
                return [.tell(.kdumpFinished, .normal, text), .live(.powerCycles)]
            }
            guard told != "kdump" else { return [] }
            told = "kdump"
            let text = "Host \(facts.name) crashed and writes a dump; it is left alone until that is done."
            return [.tell(.kdumpDetected, .warning, text), .live(.dumpBegan)]
        }
        guard now - since >= times.kdump else { return [] }
        let wasHeard = told == "kdump"
        let text =
            wasHeard
            ? "Host \(facts.name) has written its crash dump for too long; it is not waited for any more."
            : "No crash dump of host \(facts.name) was heard of."
        // What speaks against the power may have come up meanwhile.
        go(to: .hold, at: now)
        told = Self.noDump
        let lost: [Effect] = wasHeard ? [.live(.powerLost("Its crash dump did not end."))] : []
        return [.tell(.kdumpNotDetected, .normal, text)] + lost + hold(facts, at: now, times)
    }

    /// In `told`: that the wait for a dump is over.
    private static let noDump = "no dump"

    // MARK: - With the power

    private mutating func ordered(
        _ signal: Signal,
        _ next: Step,
        _ facts: PowerFacts,
        at now: Int64,
        _ times: PowerTimes
    ) -> [Effect] {
        switch signal {
        case .done:
            go(to: next, at: now)
            return []
        case .failed(let failure):
            attempts += 1
            return attempts < times.ordersMax ? [] : fail(failure, facts, at: now)
        case .power, .greeted, .passed: return []
        }
    }

    private mutating func confirm(
        _ wanted: PowerState,
        _ signal: Signal,
        _ facts: PowerFacts,
        at now: Int64,
        _ times: PowerTimes
    ) -> [Effect] {
        switch signal {
        case .power(wanted): return confirmed(wanted, facts, at: now)
        case .power(let state):
            attempts = 0
            guard now - since >= times.confirm else { return [] }
            return fail(Self.lie(wanted, state, facts, times), facts, at: now)
        case .failed(let failure):
            attempts += 1
            return attempts < times.asksMax ? [] : fail(failure, facts, at: now)
        case .done, .greeted, .passed: return []
        }
    }

    private mutating func confirmed(_ state: PowerState, _ facts: PowerFacts, at now: Int64) -> [Effect] {
        guard state == .on else {
            guard kind == .off else {
                go(to: .on, at: now)
                return [.sound, .tell(.powerStep, .normal, "Host \(facts.name) is off, and is switched on again.")]
            }
            let text = "Host \(facts.name) is switched off."
            return [.sound, .live(.poweredOff), .tell(.powerFinished, .normal, text), .end(.finished)]
        }
        let text = "Host \(facts.name) is switched on."
        // It was on, and is at work.
        let wasUp = kind == .on && facts.status == .up
        guard facts.hasAgent, !wasUp else { return [.sound, .tell(.powerFinished, .normal, text), .end(.finished)] }
        go(to: .comeBack, at: now)
        return [.sound, .tell(.powerStep, .normal, "\(text) The engine waits for its agent."), .live(.powerCycles)]
    }

    /// It said that all is well, and nothing happened.
    private static func lie(
        _ wanted: PowerState,
        _ state: PowerState,
        _ facts: PowerFacts,
        _ times: PowerTimes
    ) -> PowerFailure {
        PowerFailure(
            text: "The board of host \(facts.name) took the order to switch it \(wanted.rawValue), and says after "
                + "\(times.confirm / 1000) seconds that it is \(state.rawValue).",
            remedy: "Look at the machine and at its board; a board that hangs often needs its own restart."
        )
    }

    private mutating func fail(_ failure: PowerFailure, _ facts: PowerFacts, at now: Int64) -> [Effect] {
        let text = "Host \(facts.name) could not be switched (\(step.title)). \(failure.text) \(failure.remedy)"
        let told: [Effect] = [.tell(.fenceFailed, .error, text), .fault(failure)]
        // A restart that failed leaves the host to be looked at anew, but for one that other work waits for.
        let back: [Effect] =
            switch (kind, facts.status) {
            case (.restart, .reboot) where facts.hasAgent: [.live(.powerBack)]
            case (.off, .kdumping), (.on, .kdumping), (.restart, .kdumping): [.live(.powerLost(failure.text))]
            default: []
            }
        guard kind == .fence else { return told + back + [.end(.failed, failure)] }
        // The host is still silent: it is tried again once the board has had its rest.
        go(to: .hold, at: now)
        self.told = "fault"
        return told
    }

    private mutating func awaitAgent(
        _ signal: Signal,
        _ facts: PowerFacts,
        at now: Int64,
        _ times: PowerTimes
    ) -> [Effect] {
        if signal == .greeted {
            let text = "Host \(facts.name) answers again."
            return [.live(.powerBack), .tell(.powerFinished, .normal, text), .end(.finished)]
        }
        guard now - since >= times.comeBack else { return [] }
        let failure = PowerFailure(
            text:
                "Host \(facts.name) was switched on, and its agent has not answered for \(times.comeBack / 1000) seconds.",
            remedy: "Look at its console."
        )
        let text = "\(failure.text) \(failure.remedy)"
        return [.live(.powerLost(failure.text)), .tell(.fenceFailed, .error, text), .end(.failed, failure)]
    }
}

extension PowerCourse.Step {
    /// As a line of a job.
    var title: String {
        switch self {
        case .soft: "Restart the agent over SSH"
        case .softWait: "Wait for the agent"
        case .hold: "Wait until the power may be used"
        case .kdump: "Wait for a crash dump"
        case .off: "Switch off"
        case .confirmOff: "Wait until it is off"
        case .on: "Switch on"
        case .confirmOn: "Wait until it is on"
        case .comeBack: "Wait for the agent after the start"
        }
    }
}

extension PowerCourse.Kind {
    var title: String {
        switch self {
        case .on: "switch on"
        case .off: "switch off"
        case .restart: "restart by power"
        case .fence: "bring back a host that does not respond"
        }
    }

    var steps: [PowerCourse.Step] {
        switch self {
        case .on: [.on, .confirmOn, .comeBack]
        case .off: [.off, .confirmOff]
        case .restart: [.off, .confirmOff, .on, .confirmOn, .comeBack]
        case .fence: PowerCourse.Step.allCases
        }
    }
}
