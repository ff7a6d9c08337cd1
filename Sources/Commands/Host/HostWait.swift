import EngineClient
import HostModel

/// Waits for a host to reach a status, tells each change, and gives up with a reason.
struct HostWait {
    private let session: EngineSession
    private let wanted: HostStatus
    private let seconds: Int
    private let tell: (String) -> Void

    private var host: HostResource
    /// A failure that is no news; `nil`: every one is.
    private let statusBefore: String?
    /// The index of the last event seen.
    private var seen: Int64 = 0
    /// What the last event that was not normal said: the reason, should the host fail.
    private var trouble: String?

    static let secondsDefault = 600
    /// How long one look at the host may be old, in seconds. An event of the host ends it sooner.
    static let lookSeconds = 5
    /// Calls in a row that may fail before the wait does, and the pause after each: an engine that was killed is started
    /// again within half a minute.
    static let failuresMax = 40
    static let pause = Duration.seconds(1)

    init(
        _ session: EngineSession,
        for host: HostResource,
        status wanted: HostStatus = .up,
        seconds: Int,
        endsInFailureBefore: Bool = false,
        tell: @escaping (String) -> Void = { Terminal.complain($0 + "\n") }
    ) {
        (self.session, self.host, self.wanted, self.seconds, self.tell) = (session, host, wanted, seconds, tell)
        statusBefore = endsInFailureBefore ? nil : host.status
    }

    /// The host once it has the status. Throws `failed` when it ends elsewhere, `tryAgain` when the time is up.
    mutating func run() async throws -> HostResource {
        let begin = ContinuousClock.now
        let newest = try await Self.enduring { try await session.events(EventSelection(max: 1)) }
        seen = newest.first.flatMap { Int64($0.index) } ?? 0
        while true {
            try await look()
            if host.status == wanted.rawValue { return host }
            if let status = HostStatus(rawValue: host.status), status.isFailure, host.status != statusBefore {
                throw ended(in: status)
            }
            let left = seconds - Int(begin.duration(to: .now).components.seconds)
            guard left > 0 else { throw timedOut }
            try await hear(atMost: min(left, Self.lookSeconds))
        }
    }

    private mutating func look() async throws {
        let now = try await Self.enduring { try await session.host(host.id) }
        if now.status != host.status {
            tell("\(terminalEscaped(now.name)): \(terminalEscaped(host.status)) -> \(terminalEscaped(now.status))")
        }
        host = now
    }

    private mutating func hear(atMost wait: Int) async throws {
        let selection = EventSelection(after: seen, host: host.name, waitSeconds: wait)
        for event in try await Self.enduring({ try await session.events(selection) }).reversed() {
            seen = max(seen, Int64(event.index) ?? seen)
            if event.severity != "normal" { trouble = event.description }
        }
    }

    /// An engine that restarts is no reason to stop waiting: asks again, `failuresMax` times in a row at most.
    static func enduring<Answer>(_ call: () async throws -> Answer) async throws -> Answer {
        var failures = 0
        while true {
            do {
                return try await call()
            } catch let error as CallError {
                failures += 1
                guard error.isTransient, failures < failuresMax else { throw error }
            }
            try await Task.sleep(for: pause)
        }
    }

    private func ended(in status: HostStatus) -> UserError {
        let reason = host.status_detail ?? trouble
        return UserError(
            .failed,
            "\(terminalEscaped(host.name)) is \(status.rawValue)\(reason.map { ": \(terminalEscaped($0))" } ?? "")",
            remedy: "muster event list --host \(terminalEscaped(host.name))"
        )
    }

    private var timedOut: UserError {
        let name = terminalEscaped(host.name)
        return UserError(
            .tryAgain,
            "\(name) is \(terminalEscaped(host.status)), not \(wanted.rawValue), after \(seconds) s",
            remedy: "muster host wait \(name) --status \(wanted.rawValue), or muster event list --host \(name)"
        )
    }
}
