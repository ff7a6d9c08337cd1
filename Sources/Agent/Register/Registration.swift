import Crypto
import HostModel
package import Logging
package import SystemPackage

/// `muster-agent register`: makes this machine a host of its engine, however long that takes.
///
/// All I/O of the `Enrolment` machine: it does the actions, brings the outcomes back as events, and keeps
/// `register.json` for the screen. Ends only when the node has a valid certificate. A change of the configuration, by a
/// person on the console, starts it over.
package struct Registration: Sendable {
    package struct Settings: Sendable {
        package var state: NodeDirectory
        package var run: NodeDirectory
        package var commandLine: FilePath
        /// Where the agent will listen.
        package var port: UInt16
        /// The group that may read the key.
        package var group: UInt32

        package init(
            state: NodeDirectory,
            run: NodeDirectory,
            commandLine: FilePath,
            port: UInt16 = 54321,
            group: UInt32 = 36
        ) {
            (self.state, self.run, self.commandLine) = (state, run, commandLine)
            (self.port, self.group) = (port, group)
        }
    }

    private let settings: Settings
    private let clock: SystemClock
    private let limits: EnrolmentLimits
    private let machine: MachineFacts
    private let logger: Logger

    /// How often a wait looks whether a person changed the settings.
    private static let settingsInterval = Duration.seconds(1)
    /// How long to wait for a person or for DHCP.
    private static let idleMilliseconds = 3000

    package init(
        _ settings: Settings,
        clock: SystemClock = .system,
        limits: EnrolmentLimits = EnrolmentLimits(),
        machine: MachineFacts = MachineFacts(),
        logger: Logger
    ) {
        (self.settings, self.clock, self.limits) = (settings, clock, limits)
        (self.machine, self.logger) = (machine, logger)
    }

    /// Returns when the node is registered; throws when its own state cannot be read or written, or when cancelled.
    ///
    /// With `staying` it goes on after that, and registers again when the node gives up its certificate or that expires.
    package func run(staying: Bool = false) async throws {
        try settings.state.make()
        try settings.run.make(permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
        let identity = try NodeIdentity.load(from: settings.state, group: settings.group)
        while true {
            let configuration = self.configuration()
            if try isRegistered(identity, configuration) {
                guard staying else { return }
                _ = try await wait(milliseconds: Self.idleMilliseconds, unlessChangedFrom: configuration)
                continue
            }
            guard let engine = configuration.engine else {
                try await idle(.noEngine, engine: nil)
                continue
            }
            guard let address = await ownAddress(towards: engine) else {
                try await idle(.noNetwork, engine: engine)
                continue
            }
            let isDone = try await enrol(identity, configuration, engine: engine, address: address)
            if isDone && !staying { return }
        }
    }

    private func configuration() -> NodeConfiguration {
        NodeConfiguration(commandLine: settings.commandLine, state: settings.state)
    }

    /// True when the state directory holds a certificate that is good for this configuration.
    private func isRegistered(_ identity: NodeIdentity, _ configuration: NodeConfiguration) throws -> Bool {
        guard let known = Credentials(from: settings.state) else { return false }
        if let wanted = configuration.engineFingerprint, wanted != known.authority.fingerprint { return false }
        guard known.refusal(for: identity.key.publicKey, now: clock.now()) == nil else { return false }
        let shown = settings.run.value(RegisterReport.self, in: RegisterReport.fileName)
        if shown?.state != .approved || shown?.authority != known.authority.fingerprint {
            var status = EnrolmentStatus()
            (status.stage, status.authority) = (.approved, known.authority.fingerprint)
            try report(status, engine: configuration.engine)
        }
        return true
    }

    /// The address of the claim. A name that does not resolve is left to the call itself, which says so; until then any
    /// address of ours will do.
    private func ownAddress(towards engine: EngineAddress) async -> IPv4Address? {
        for address in await LocalAddress.resolve(engine.host) {
            if let own = LocalAddress.towards(address, port: engine.port) { return own }
        }
        return LinkInventory().links().flatMap(\.addresses).map(\.address).first { $0.octets[0] != 127 }
    }

    private func idle(_ stage: EnrolmentStatus.Stage, engine: EngineAddress?) async throws {
        var status = EnrolmentStatus()
        status.stage = stage
        try report(status, engine: engine)
        _ = try await wait(milliseconds: Self.idleMilliseconds, unlessChangedFrom: configuration())
    }

    /// Runs one enrolment to its end. False: the configuration changed, begin again.
    private func enrol(
        _ identity: NodeIdentity,
        _ configuration: NodeConfiguration,
        engine: EngineAddress,
        address: IPv4Address
    ) async throws -> Bool {
        let wish = Enrolment.Wish(
            key: identity.key.publicKey,
            fingerprint: configuration.engineFingerprint,
            known: Credentials(from: settings.state)
        )
        var enrolment = Enrolment(wish, limits: limits)
        let calls = ClaimCalls(engine)
        var pending = enrolment.handle(.wake, now: clock.now())[...]
        try report(enrolment.status, engine: engine)
        while let action = pending.popFirst() {
            let event: Enrolment.Event
            switch action {
            case .claim(let hash):
                event = await calls.claim(try request(identity, hash, configuration, address))
            case .open(let claim, let nonce): event = await calls.open(claim, nonce)
            case .poll(let claim):
                let moved = await notice(identity, claim, engine: engine, claimed: address)
                event = await calls.poll(claim, moved: moved)
            case .wait(let milliseconds):
                guard try await wait(milliseconds: milliseconds, unlessChangedFrom: configuration) else { return false }
                event = .wake
            case .setClock(let seconds):
                setClock(seconds)
                continue
            case .store(let credentials):
                try credentials.store(in: settings.state)
                continue
            case .finish:
                // Not before the files are there: the screen must not say what a full disk then makes untrue.
                try report(enrolment.status, engine: engine)
                return true
            case .halt:
                while try await wait(milliseconds: Self.idleMilliseconds, unlessChangedFrom: configuration) {}
                return false
            }
            let before = enrolment.status
            pending += enrolment.handle(event, now: clock.now())
            if enrolment.status != before, enrolment.status.stage != .approved {
                try report(enrolment.status, engine: engine)
            }
        }
        return false
    }

    /// The lease may have changed while a person was at lunch: the engine must find the node where it is now.
    private func notice(
        _ identity: NodeIdentity,
        _ claim: UniqueID,
        engine: EngineAddress,
        claimed: IPv4Address
    ) async -> AddressNotice? {
        guard let now = await ownAddress(towards: engine), now != claimed,
            let signature = try? identity.key.signature(for: AddressNotice.transcript(claim: claim, address: now))
        else { return nil }
        return AddressNotice(address: now, signature: Array(signature.derRepresentation))
    }

    private func request(
        _ identity: NodeIdentity,
        _ nonceHash: Nonce,
        _ configuration: NodeConfiguration,
        _ address: IPv4Address
    ) throws -> ClaimRequest {
        let name = configuration.hostName ?? NodeHostName.current()
        return ClaimRequest(
            certificateRequest: try identity.certificateRequest(name: name),
            nonceHash: nonceHash,
            hardwareID: try machine.hardwareID(state: settings.state),
            name: name,
            address: address,
            port: settings.port,
            facts: machine.facts(links: LinkInventory().links())
        )
    }

    private func setClock(_ seconds: Int64) {
        let before = clock.now()
        if let reason = clock.set(seconds) {
            logger.error("could not set the clock", metadata: ["reason": "\(reason)"])
        } else {
            logger.notice("clock set by the engine's", metadata: ["from": "\(before)", "to": "\(seconds)"])
        }
    }

    private func report(_ status: EnrolmentStatus, engine: EngineAddress?) throws {
        let report = RegisterReport(status, engine: engine, since: clock.now())
        var last = settings.run.value(RegisterReport.self, in: RegisterReport.fileName)
        last?.since = report.since
        guard last != report else { return }
        try settings.run.write(value: report, to: RegisterReport.fileName)
        var metadata: Logger.Metadata = ["state": "\(report.state.rawValue)"]
        if let engine { metadata["engine"] = "\(engine)" }
        if let error = report.error { metadata["error"] = "\(error)" }
        logger.notice("registration", metadata: metadata)
    }

    /// False when the configuration changed meanwhile.
    private func wait(milliseconds: Int, unlessChangedFrom configuration: NodeConfiguration) async throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        while clock.now < end {
            try await clock.sleep(until: min(end, clock.now + Self.settingsInterval))
            guard self.configuration() == configuration else { return false }
        }
        return true
    }
}
