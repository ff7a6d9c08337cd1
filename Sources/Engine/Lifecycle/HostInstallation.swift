import AgentWire
import HostModel
import Logging

/// Runs the stored steps of one host's installation. Every step can be run again: what is done already is seen on the
/// host and left as it is.
struct HostInstallation: Sendable {
    let host: WatchedHost
    let link: AgentLink
    let dialer: AgentDialer
    let store: Store
    let settings: EngineSettings
    let logger: Logger
    /// It is a server that is converted: the way on from a failure is another one.
    var isConversion = false

    private var times: MonitoringTimes { settings.monitoring }
    private var now: Int64 { settings.clock.now() }

    /// How one run of a step ended.
    private enum StepEnd {
        case done
        case failed(InstallFailure)
        /// The agent was heard and was wrong; a few more tries are granted.
        case again(AgentFailure)
        /// Nobody was heard, or the agent is at something: that passes, and only the deadline ends it.
        case wait(AgentFailure)

        init(_ failure: AgentFailure) { self = failure.isPassing ? .wait(failure) : .again(failure) }
    }

    /// Goes on from the stored step to the end. `nil` when the job was taken away: somebody approved or removed the host
    /// meanwhile, or the task was cancelled.
    func run(_ stored: JobRow, _ context: TransitionContext) async throws(EngineError) -> HostLife.Signal? {
        var job = stored
        job.deadline = max(job.deadline, now + time(for: job.step))
        while !Task.isCancelled {
            guard try await store.startStep(of: job, host: host.row, context: moment(context)) != nil else {
                return nil
            }
            if let failure = await untilDone(job, context) { return .installFailed(failure) }
            guard !Task.isCancelled else { return nil }
            guard let next = job.step.next else { return .installed }
            let advanced = try await store.finishStep(of: job, next: next, deadline: now + time(for: next))
            guard let advanced else { return nil }
            job = advanced
        }
        return nil
    }

    /// Runs one step until it is done, fails for good, or its deadline has passed.
    private func untilDone(_ job: JobRow, _ context: TransitionContext) async -> InstallFailure? {
        var tries = 0
        let patience = InstallPatience(from: now, times.waitTold) { [self] in await tell(job, $0, context) }
        while !Task.isCancelled {
            let failure: AgentFailure
            switch await run(job.step, deadline: job.deadline, patience) {
            case .done: return nil
            case .failed(let failure): return failure
            case .again(let reason): (failure, tries) = (reason, tries + 1)
            case .wait(let reason): failure = reason
            }
            logger.info("Host \(host.row.name), \(job.step.rawValue): \(failure.sentence)")
            await patience.met(failure, at: now)
            if now >= job.deadline || tries >= times.stepAttemptsMax { return giveUp(job, failure) }
            try? await Task.sleep(for: .milliseconds(times.stepRetry))
        }
        return nil
    }

    /// Somebody who looks on is told why nothing happens.
    private func tell(_ job: JobRow, _ failure: AgentFailure, _ context: TransitionContext) async {
        let text = "Installing host \(host.row.name). \(job.step.title): waiting. \(failure.sentence)"
        do throws(EngineError) {
            try await store.tell(.installWaits, .warning, text, of: host.row.id, context: moment(context))
        } catch {
            logger.warning("Host \(host.row.name): that it waits could not be told: \(error)")
        }
    }

    /// What does the installation once more.
    private var again: String { "muster host \(isConversion ? "reinstall" : "approve") \(host.row.name)" }

    private func moment(_ context: TransitionContext) -> TransitionContext {
        var context = context
        context.now = now
        return context
    }

    private func time(for step: InstallStep) -> Int64 { step == .contact ? times.firstContact : 2 * times.call }

    private func giveUp(_ job: JobRow, _ failure: AgentFailure) -> InstallFailure {
        InstallFailure(
            job.step,
            failure.sentence,
            remedy: "Look at the node's screen and at its agent's log, then run `\(again)`."
        )
    }

    private func run(_ step: InstallStep, deadline: Int64, _ patience: InstallPatience) async -> StepEnd {
        do {
            switch step {
            case .contact: try await waitForAgent(until: deadline, patience)
            case .capabilities: try await readCapabilities()
            case .managementNetwork: try await confirming { try await setUpManagementNetwork(patience) }
            case .persistNetwork: try await confirming { try await persistNetwork() }
            }
            return .done
        } catch let failure as InstallFailure {
            return .failed(failure)
        } catch let failure as AgentFailure {
            return StepEnd(failure)
        } catch {
            return .wait(.closed("\(error)"))
        }
    }

    /// The node fetches its certificate by polling and starts its agent only then, so nobody answers at first.
    private func waitForAgent(until deadline: Int64, _ patience: InstallPatience) async throws {
        while true {
            do {
                _ = try await link.call(.ping2, timeout: times.connect)
                return
            } catch {
                guard now < deadline, !Task.isCancelled else { throw error }
                logger.debug("Host \(host.row.name): \(error.sentence)")
                await patience.met(error, at: now)
            }
            try await Task.sleep(for: .milliseconds(times.stepRetry))
        }
    }

    @discardableResult
    private func readCapabilities() async throws -> ReportedCapabilities {
        let capabilities = try await link.capabilities()
        let hardware: HardwareInformation
        do {
            hardware = try HardwareInformation(result: try await link.call(.getHardwareInfo))
        } catch let AgentFailure.refused(error) where error.code == .hardwareInformation {
            hardware = HardwareInformation()  // Firmware without SMBIOS is no reason to turn a host away.
        }
        let summary = HostHardware(hardware, capabilities.values)
        try await store.saveReport(of: host.row.id, capabilities, summary, at: now)
        return capabilities
    }
}

extension HostInstallation {
    private var managementNetwork: NetworkRecord? { host.networks.first(where: \.isManagement) }

    /// Looks at the host and does what is missing, as often as it takes: the change may have been ordered by an engine
    /// that was killed since, and the connection that ordered it may have broken as the address moved.
    private func setUpManagementNetwork(_ patience: InstallPatience) async throws {
        guard let network = managementNetwork else { return }
        let end = now + times.connectivityCheck
        var isOrdered = false
        while true {
            let host = try await look(until: end, patience).values
            let seconds = Int(times.connectivityCheck / 1000)
            switch try ManagementNetworkPlan(for: network, on: host, connectivityTimeout: seconds) {
            case .alreadyThere: return
            case .underWay(let failure):
                guard now >= end else { break }
                if let failure { throw failure }
                return
            case .setUp(let parameters, over: let device):
                guard !isOrdered else { throw AgentFailure.closed("The host took \(network.name) back.") }
                isOrdered = true
                try await order(parameters, network, over: device)
                try await store.keepOrders(parameters, of: self.host.row.id)
                continue
            }
            try await Task.sleep(for: .milliseconds(times.connectivityPoll))
        }
    }

    /// The host's capabilities, over a new connection if need be: one that breaks now is to be expected.
    private func look(until end: Int64, _ patience: InstallPatience) async throws -> ReportedCapabilities {
        while true {
            do {
                let found = try await link.capabilities()
                patience.heard(at: now)
                return found
            } catch {
                await patience.met(error, at: now)
                guard error.isPassing, now < end, !Task.isCancelled else { throw error }
                logger.debug("Host \(host.row.name): \(error.sentence)")
            }
            await link.close()
            try await Task.sleep(for: .milliseconds(times.connectivityPoll))
        }
    }

    private func order(_ parameters: SetupNetworksParameters, _ network: NetworkRecord, over device: String)
        async throws
    {
        logger.info("Host \(host.row.name): setting up \(network.name) over \(terminalEscaped(device))")
        var isBroken = false
        do {
            _ = try await link.call(.setupNetworks, parameters.params, timeout: times.call)
        } catch {
            isBroken = true
            if case .refused(let answer) = error, !error.isPassing { throw refusal(of: answer, network) }
            logger.info("Host \(host.row.name): \(error.sentence)")
            if case .refused = error { throw error }
            guard error.isPassing else { throw error }
        }
        // As the address moves the connection breaks; the host itself shows how the change ends.
        if isBroken { await link.close() }
    }

    /// Lets the agent hear the engine while `body` runs, over a connection of its own: the one that carries the calls may
    /// be dead since the address moved, and would be so for minutes. The agent waits for this voice before it keeps a
    /// change, also one that an earlier engine ordered.
    private func confirming(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await confirmConnectivity() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private func confirmConnectivity() async {
        guard let target = host.target else { return }
        let second = AgentLink(dialer, target)
        while !Task.isCancelled {
            do {
                _ = try await second.call(.confirmConnectivity, timeout: times.confirmation)
            } catch {
                await second.close()
            }
            try? await Task.sleep(for: .milliseconds(times.connectivityPoll))
        }
        await second.close()
    }

    private func refusal(of error: RPCError, _ network: NetworkRecord) -> InstallFailure {
        InstallFailure(
            .managementNetwork,
            "The host could not set up \(network.name): \(terminalEscaped(error.message.prefix(500))) (code \(error.code.rawValue)).",
            remedy: "Mend what it names, then run `\(again)`.",
            code: .managementNetworkFailed
        )
    }

    /// The network that is kept is the one that the engine is heard over; a host that took it back keeps none.
    private func persistNetwork() async throws {
        _ = try await link.call(.setSafeNetworkConfig)
        let kept = try await readCapabilities().values.networks
        guard let network = managementNetwork, kept[network.name] == nil else { return }
        throw InstallFailure(
            .persistNetwork,
            "The host took \(network.name) back: it did not hear the engine over it.",
            remedy: "Check the way between engine and host, then run `\(again)`.",
            code: .managementNetworkFailed
        )
    }
}

extension WatchedHost {
    /// `nil` for a host without a valid certificate.
    var target: AgentAddress? {
        publicKey.map {
            AgentAddress(host: row.id, address: row.address, port: Int(row.port), publicKey: $0.publicKey)
        }
    }
}
