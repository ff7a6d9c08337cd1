import ArgumentParser
import EngineClient
import Foundation
import HostModel
import Simulation

/// `muster-engine simulate`: thousands of hosts against an engine, for load and fault tests.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulate hosts: they claim, wait for approval, and serve as agents do on the wire.",
        discussion: """
            Every host has an address of --network, from which it claims and on which its agent listens; 127.0.0.0/8 needs no \
            setting up, other networks are routed to this machine (ip route add local NETWORK dev lo). Nothing of them is real: \
            no network is changed, no guest runs. Use an engine of its own for them.

            Each host's name and approval code is printed as it waits. With --user and --password-file the fleet approves itself. \
            Faults: \(FaultOrder.grammar). Each --fault takes the first hosts that have none. Lines on standard input change \
            them while it runs: faults in the same words, separated by blanks; `heal`; `report`.
            """
    )

    @Option(help: ArgumentHelp("The engine.", valueName: "host[:port]"))
    var engine = "127.0.0.1"

    @Option(help: ArgumentHelp("Hosts.", valueName: "n"))
    var hosts = 10

    @Option(help: ArgumentHelp("Their addresses.", valueName: "cidr"))
    var network = "127.64.0.0/12"

    @Option(help: "The port of every agent.")
    var port: UInt16 = 54321

    @Option(help: ArgumentHelp("Hosts are PREFIX-00001 and so on.", valueName: "prefix"))
    var prefix = "sim"

    @Option(help: "Another number is another fleet, with other keys and hardware ids.")
    var seed = 1

    @Option(help: ArgumentHelp("Hosts that enrol at the same time.", valueName: "n"))
    var parallel = 200

    @Option(help: ArgumentHelp("Hosts that wait for approval at the same time; others come later.", valueName: "n"))
    var waiting = 1000

    @Option(
        name: .customLong("fault"),
        help: ArgumentHelp("What is wrong with how many; may be given again.", valueName: "fault")
    )
    var faults: [String] = []

    @Option(help: "Approve the hosts as this user.")
    var user: String?

    @Option(help: ArgumentHelp("A file whose first line is the user's password.", valueName: "file"))
    var passwordFile: String?

    @Option(help: ArgumentHelp("SHA-256 of the engine's CA: whom the password is told.", valueName: "sha256"))
    var fingerprint: String?

    @Option(
        help: ArgumentHelp(
            "A line of JSON says where the fleet stands, so often; 0: only when asked.",
            valueName: "seconds"
        )
    )
    var reportEvery = 5

    func validate() throws {
        guard (user == nil) == (passwordFile == nil), (user == nil) == (fingerprint == nil) else {
            throw ValidationError("--user, --password-file and --fingerprint belong together")
        }
    }

    func run() async throws {
        let plan = try plan()
        guard let address = EngineAddress(engine) else { throw ValidationError("\(engine) is no HOST[:PORT]") }
        let fleet = try SimulatedFleet(plan, engine: address)
        let approver = try await approver(of: address)
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await fleet.run { name, code in
                    guard let approver else { return say("pending \(name) \(code)") }
                    await approver.approve(name, code)
                }
            }
            group.addTask { await Self.obey(fleet, began) }
            if reportEvery > 0 {
                group.addTask {
                    while true {
                        try await Task.sleep(for: .seconds(reportEvery))
                        Self.show(fleet, began)
                    }
                }
            }
            // Not `waitForAll`: that waits for tasks that go on for ever before it tells what went wrong.
            while try await group.next() != nil {}
        }
    }

    private func plan() throws -> FleetPlan {
        guard let range = IPv4Network(network), var plan = FleetPlan(count: hosts, network: range) else {
            throw ValidationError("\(network) has no room for \(hosts) hosts (1 to \(FleetPlan.hostsMax))")
        }
        guard parallel > 0, waiting > 0 else {
            throw ValidationError("--parallel and --waiting take a number from 1 on")
        }
        guard HostName(plan.firstName(prefix)) != nil else { throw ValidationError("\(prefix) makes no host names") }
        (plan.port, plan.namePrefix, plan.seed, plan.parallel) = (port, prefix, seed, parallel)
        plan.waiting = waiting
        plan.faults = try faults.map { text in
            guard let order = FaultOrder(text) else {
                throw ValidationError("\(text) is no fault: \(FaultOrder.grammar)")
            }
            return order
        }
        return plan
    }

    private func approver(of engine: EngineAddress) async throws -> FleetApprover? {
        guard let user, let passwordFile, let text = fingerprint else { return nil }
        guard let fingerprint = Fingerprint(text) else { throw ValidationError("\(text) is no SHA-256") }
        let password = try AdminPassword(file: passwordFile).text
        var limits = TransportLimits()
        limits.idleConnectionsMax = FleetApprover.parallel
        let transport = try HTTPTransport(
            .https(host: engine.host.rawValue, port: Int(engine.port)),
            trust: .pinned(fingerprint),
            limits: limits
        )
        return FleetApprover(try await Self.logIn(transport, user, password))
    }

    /// Waits for an engine that starts, as hosts do: so many tries, each after so many milliseconds.
    private static let logInTries = 120
    private static let logInPauseMilliseconds = 500

    private static func logIn(_ transport: HTTPTransport, _ user: String, _ password: String) async throws
        -> EngineSession
    {
        for _ in 1..<logInTries {
            do {
                return try await EngineSession.logIn(transport, user: user, password: password)
            } catch {
                guard error.isTransient else { throw error }
            }
            try await Task.sleep(for: .milliseconds(logInPauseMilliseconds))
        }
        return try await EngineSession.logIn(transport, user: user, password: password)
    }

    private static func show(_ fleet: SimulatedFleet, _ began: ContinuousClock.Instant) {
        struct Line: Encodable {
            var seconds: Double
            var fleet: SimulatedFleet.Report
        }
        let seconds = began.duration(to: .now) / .seconds(1)
        guard let text = try? JSONEncoder().encode(Line(seconds: (seconds * 10).rounded() / 10, fleet: fleet.report()))
        else { return }
        say(String(decoding: text, as: UTF8.self))
    }

    /// Reads commands until the end of standard input; the fleet goes on after it.
    private static func obey(_ fleet: SimulatedFleet, _ began: ContinuousClock.Instant) async {
        let lines = AsyncStream { more in
            let reader = Thread {
                while let line = readLine() { more.yield(line) }
                more.finish()
            }
            reader.start()
        }
        for await line in lines {
            let words = line.split(separator: " ")
            let orders = words.map { FaultOrder($0) }
            if words == ["report"] {
                show(fleet, began)
            } else if words == ["heal"] {
                fleet.apply([])
                say("healed")
            } else if !words.isEmpty, orders.allSatisfy({ $0 != nil }) {
                fleet.apply(orders.compactMap(\.self))
                say("faults: \(line)")
            } else if !words.isEmpty {
                say("not understood; faults are \(FaultOrder.grammar); or heal, or report")
            }
        }
    }
}

/// Approves hosts by the codes of their screens, a few at a time.
private final class FleetApprover: Sendable {
    static let parallel = 16
    /// Approvals that an engine that is busy or away refused are tried again, so often and after so many milliseconds.
    private static let tries = 20
    private static let retryMilliseconds = 500

    private let session: EngineSession
    private let turnstile = Turnstile(places: parallel)

    init(_ session: EngineSession) { self.session = session }

    func approve(_ name: String, _ code: ApprovalCode) async {
        await turnstile.enter()
        await tryToApprove(name, code)
        await turnstile.leave()
    }

    private func tryToApprove(_ name: String, _ code: ApprovalCode) async {
        let request = UniqueID.random()
        for _ in 0..<Self.tries {
            do {
                guard let host = try await session.hosts(search: "name=\(name)").first else { return }
                return try await session.approve(host.id, code: code, request: request)
            } catch CallError.refused(let status, let fault) where status == 409 {
                return say("not approved \(name): \(fault.detail)")
            } catch {
                try? await Task.sleep(for: .milliseconds(Self.retryMilliseconds))
            }
        }
        say("not approved \(name): the engine does not answer")
    }
}

/// A line on standard output, at once: whoever reads it through a pipe waits for it.
private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
