import Crypto
import EngineClient
import HostModel
package import Logging
package import SystemPackage

/// `muster-agent register`: makes this machine a host of its engine, however long that takes.
///
/// All I/O of the `Enrolment` machine: it does the actions, brings the outcomes back as events, and keeps
/// `register.json` for the screen and `claim.json` for its own next start. Ends only when the node has a valid certificate. A change of the configuration, by a
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
        while true {
            let configuration = self.configuration()
            if try isRegistered(configuration) {
                guard staying else { return }
                _ = try await wait(milliseconds: Self.idleMilliseconds, unlessChangedFrom: configuration)
                continue
            }
            guard let engine = configuration.engine else {
                try await idle(.noEngine, engine: nil)
                continue
            }
            guard await ownAddress(towards: engine) != nil else {
                try await idle(.noNetwork, engine: engine)
                continue
            }
            let isDone = try await enrol(configuration, engine: engine)
            if isDone && !staying { return }
        }
    }

    private func configuration() -> NodeConfiguration {
        NodeConfiguration(commandLine: settings.commandLine, state: settings.state, run: settings.run)
    }

    private func membership(_ configuration: NodeConfiguration) -> Membership? {
        Membership(from: settings.state, for: configuration)
    }

    /// True when the state directory holds a certificate that is good for this configuration.
    private func isRegistered(_ configuration: NodeConfiguration) throws -> Bool {
        guard let known = membership(configuration),
            known.credentials.refusal(for: known.identity.key.publicKey, now: clock.now()) == nil
        else { return false }
        try forgetClaim()
        let authority = known.credentials.authority.fingerprint
        let shown = settings.run.value(RegisterReport.self, in: RegisterReport.fileName)
        if shown?.state != .approved || shown?.authority != authority {
            var status = EnrolmentStatus()
            (status.stage, status.authority) = (.approved, authority)
            try report(status, engine: configuration.engine)
        }
        return true
    }

    /// Only when the certificate is in the state directory: until then claim and key are the way to it.
    private func forgetClaim() throws {
        try settings.run.remove(PendingClaim.fileName)
        try settings.run.remove(NodeIdentity.fileName)
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

    private func wish(_ identity: NodeIdentity, _ known: Membership?, _ fingerprint: Nonce?) -> Enrolment.Wish {
        let last = (try? settings.state.read(Credentials.authorityFile)).flatMap { $0 }
        return Enrolment.Wish(
            key: identity.key.publicKey,
            fingerprint: fingerprint,
            known: known?.credentials,
            knownKey: known?.identity.key.publicKey,
            lastAuthority: last.flatMap { try? Authority(pem: String(decoding: $0, as: UTF8.self)).fingerprint }
        )
    }

    /// Runs one enrolment to its end. False: the configuration changed, begin again.
    private func enrol(_ configuration: NodeConfiguration, engine: EngineAddress) async throws -> Bool {
        let identity = try NodeIdentity.pending(in: settings.run)
        let known = membership(configuration)
        let kept = PendingClaim(from: settings.run, of: identity, engine: engine)
        var enrolment = Enrolment(
            wish(identity, known, configuration.engineFingerprint),
            resuming: kept?.claim,
            limits: limits
        )
        let calls = ClaimCalls(engine, identity: identity, peer: kept?.peer)
        var pending = enrolment.handle(.wake, now: clock.now())[...]
        try report(enrolment.status, engine: engine)
        while let action = pending.popFirst() {
            let event: Enrolment.Event
            switch action {
            case .claim(let hash):
                guard let address = await ownAddress(towards: engine) else { return false }
                event = await calls.claim(try request(identity, hash, configuration, address))
            case .open(let claim, let nonce): event = await calls.open(claim, nonce)
            case .poll(let claim): event = await calls.poll(claim, address: await ownAddress(towards: engine))
            case .wait(let milliseconds):
                let isUnchanged = try await wait(milliseconds: milliseconds, unlessChangedFrom: configuration) {
                    // A state partition that came late may hold a certificate.
                    known == nil && membership(configuration) != nil
                }
                guard isUnchanged else { return false }
                event = .wake
            case .setClock(let seconds):
                setClock(seconds)
                continue
            case .store(let credentials):
                guard try await keep(credentials, of: identity, configuration, engine: engine) else { return false }
                continue
            case .finish:
                // Not before the files are there: the screen must not say what a full disk then makes untrue.
                try report(enrolment.status, engine: engine)
                try forgetClaim()
                return true
            }
            let before = enrolment.status
            pending += enrolment.handle(event, now: clock.now())
            try keep(enrolment, of: identity, engine: engine, peer: calls.pinnedPeer)
            if enrolment.status != before, enrolment.status.stage != .approved {
                try report(enrolment.status, engine: engine)
            }
        }
        return false
    }

    /// Before the next call goes out: what the engine answers to that must find its claim again.
    private func keep(
        _ enrolment: Enrolment,
        of identity: NodeIdentity,
        engine: EngineAddress,
        peer: String?
    ) throws {
        guard enrolment.status.stage != .approved else { return }
        let claim = enrolment.openClaim.flatMap { PendingClaim($0, of: identity, engine: engine, peer: peer) }
        guard claim != PendingClaim(from: settings.run, of: identity, engine: engine) else { return }
        if let claim { try claim.write(to: settings.run) } else { try settings.run.remove(PendingClaim.fileName) }
    }

    /// A state directory that is full or cannot be written is waited for: the screen says why. False: the configuration
    /// changed meanwhile.
    private func keep(
        _ credentials: Credentials,
        of identity: NodeIdentity,
        _ configuration: NodeConfiguration,
        engine: EngineAddress
    ) async throws -> Bool {
        while true {
            do {
                try store(credentials, of: identity, engine: engine)
                return true
            } catch let failure as FileFailure {
                var status = EnrolmentStatus()
                status.failure = .notKept(reason: "\(failure)")
                try report(status, engine: engine)
                let seconds = limits.keepSeconds
                guard try await wait(milliseconds: seconds * 1000, unlessChangedFrom: configuration) else {
                    return false
                }
            }
        }
    }

    /// The old certificate goes first, the host's id comes last: killed in between, the node fetches its certificate again.
    private func store(_ credentials: Credentials, of identity: NodeIdentity, engine: EngineAddress) throws {
        var credentials = credentials
        credentials.engine = engine
        try Credentials.forget(in: settings.state)
        try identity.store(in: settings.state, group: settings.group)
        try credentials.store(in: settings.state)
    }

    private func request(
        _ identity: NodeIdentity,
        _ nonceHash: Nonce,
        _ configuration: NodeConfiguration,
        _ address: IPv4Address
    ) throws -> ClaimRequest {
        let name = configuration.hostName ?? NodeHostName.current()
        var request = ClaimRequest(
            certificateRequest: try identity.certificateRequest(name: name),
            nonceHash: nonceHash,
            hardwareID: try machine.hardwareID(state: settings.state),
            name: name,
            address: address,
            port: settings.port,
            facts: machine.facts(links: LinkInventory().links())
        )
        request.bootToken = configuration.arguments.bootToken
        return request
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

    /// False when the configuration changed meanwhile, or `isOver` said so.
    private func wait(
        milliseconds: Int,
        unlessChangedFrom configuration: NodeConfiguration,
        isOver: () -> Bool = { false }
    ) async throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        while clock.now < end {
            try await clock.sleep(until: min(end, clock.now + Self.settingsInterval))
            guard self.configuration() == configuration, !isOver() else { return false }
        }
        return true
    }
}
