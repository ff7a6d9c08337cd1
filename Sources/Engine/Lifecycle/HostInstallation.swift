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

    private var times: MonitoringTimes { settings.monitoring }
    private var now: Int64 { settings.clock.now() }

    /// How one run of a step ended.
    private enum StepEnd {
        case done
        case failed(InstallFailure)
        /// Nothing is lost by another try.
        case again(AgentFailure)
    }

    /// Goes on from the stored step to the end. `nil` when the job was taken away: somebody approved or removed the host
    /// meanwhile, or the task was cancelled.
    func run(_ stored: JobRow, _ context: TransitionContext) async throws(EngineError) -> HostLife.Signal? {
        var job = stored
        job.deadline = max(job.deadline, now + time(for: job.step))
        while !Task.isCancelled {
            guard let started = try await store.startStep(of: job, host: host.row, context: moment(context)) else {
                return nil
            }
            job.attempts = started.attempts
            switch await run(job.step, deadline: job.deadline) {
            case .done:
                guard let next = job.step.next else { return .installed }
                let advanced = try await store.finishStep(of: job, next: next, deadline: now + time(for: next))
                guard let advanced else { return nil }
                job = advanced
            case .failed(let failure): return .installFailed(failure)
            case .again(let failure):
                guard !Task.isCancelled else { return nil }
                logger.info("Host \(host.row.name), \(job.step.rawValue): \(failure.sentence)")
                if now >= job.deadline || job.attempts >= times.stepAttemptsMax {
                    return .installFailed(giveUp(job, failure))
                }
                try? await Task.sleep(for: .milliseconds(times.stepRetry))
            }
        }
        return nil
    }

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
            remedy: "Look at the node's screen and at its agent's log, then run `muster host approve \(host.row.name)`."
        )
    }

    private func run(_ step: InstallStep, deadline: Int64) async -> StepEnd {
        do {
            switch step {
            case .contact: try await waitForAgent(until: deadline)
            case .capabilities: try await readCapabilities()
            case .managementNetwork: try await setUpManagementNetwork()
            case .persistNetwork: try await persistNetwork()
            }
            return .done
        } catch let failure as InstallFailure {
            return .failed(failure)
        } catch let failure as AgentFailure {
            return .again(failure)
        } catch {
            return .again(.closed("\(error)"))
        }
    }

    /// The node fetches its certificate by polling and starts its agent only then, so nobody answers at first.
    private func waitForAgent(until deadline: Int64) async throws {
        while true {
            do {
                _ = try await link.call(.ping2, timeout: times.connect)
                return
            } catch {
                guard now < deadline, !Task.isCancelled else { throw error }
                logger.debug("Host \(host.row.name): \(error.sentence)")
            }
            try await Task.sleep(for: .milliseconds(times.stepRetry))
        }
    }

    private func readCapabilities() async throws {
        let capabilities = try await link.capabilities()
        let hardware: HardwareInformation
        do {
            hardware = try HardwareInformation(result: try await link.call(.getHardwareInfo))
        } catch let AgentFailure.refused(error) where error.code == .hardwareInformation {
            hardware = HardwareInformation()  // Firmware without SMBIOS is no reason to turn a host away.
        }
        let summary = HostHardware(hardware, capabilities.values)
        try await store.saveReport(of: host.row.id, capabilities, summary, at: now)
    }
}

extension HostInstallation {
    private var managementNetwork: NetworkRecord? { host.networks.first(where: \.isManagement) }

    private func setUpManagementNetwork() async throws {
        guard let network = managementNetwork else { return }
        let before = try await link.capabilities()
        let plan = try ManagementNetworkPlan(
            for: network,
            on: before.values,
            connectivityTimeout: Int(times.connectivityCheck / 1000)
        )
        guard case .setUp(let parameters, over: let device) = plan else { return }
        logger.info("Host \(host.row.name): setting up \(network.name) over \(terminalEscaped(device))")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await confirmConnectivity() }
            defer { group.cancelAll() }
            do {
                _ = try await link.call(.setupNetworks, parameters.params, timeout: times.call)
            } catch let AgentFailure.refused(error) where error.code != .resourceUnavailable {
                throw refusal(of: error, network)
            } catch let failure as AgentFailure {
                // The address moved, or an earlier call is still at it: the host itself shows how that ended.
                logger.info("Host \(host.row.name): \(failure.sentence)")
                try await waitForNetwork(network)
            }
        }
        try await verify(network)
    }

    /// Lets the agent hear the engine, over a connection of its own: the one that carries the call may be dead since the
    /// address moved, and would be so for minutes.
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

    private func waitForNetwork(_ network: NetworkRecord) async throws {
        let end = now + times.connectivityCheck
        while now < end {
            try await Task.sleep(for: .milliseconds(times.connectivityPoll))
            await link.close()
            guard let capabilities = try? await link.capabilities() else { continue }
            if capabilities.values.networks[network.name] != nil { return }
        }
    }

    private func verify(_ network: NetworkRecord) async throws {
        let after = try await link.capabilities()
        guard after.values.networks[network.name] != nil else {
            throw InstallFailure(
                .managementNetwork,
                "The host took \(network.name) back: it did not hear the engine over it.",
                remedy: "Check the way between engine and host, then run `muster host approve \(host.row.name)`.",
                code: .managementNetworkFailed
            )
        }
    }

    private func refusal(of error: RPCError, _ network: NetworkRecord) -> InstallFailure {
        InstallFailure(
            .managementNetwork,
            "The host could not set up \(network.name): \(terminalEscaped(error.message.prefix(500))) (code \(error.code.rawValue)).",
            remedy: "Mend what it names, then run `muster host approve \(host.row.name)`.",
            code: .managementNetworkFailed
        )
    }

    private func persistNetwork() async throws {
        _ = try await link.call(.setSafeNetworkConfig)
        try await readCapabilities()
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
