import AgentWire
import HostConversion
import HostModel
import Logging

/// Does with one host's power what is stored to be done, until nothing is. Each host has its own: a board that hangs holds
/// nobody else up.
struct PowerWork: Sendable {
    let id: UniqueID
    let line: PowerLine
    let gate: ServerGate
    let supervisor: HostSupervisor
    let engineStart: Int64
    let dumps: CrashDumps
    let logger: Logger

    private var store: Store { line.store }
    private var settings: EngineSettings { line.settings }
    private var now: Int64 { settings.clock.now() }

    func run() async {
        while !Task.isCancelled {
            do {
                guard try await step() else { return }
            } catch {
                logger.of(host: id).warning("The work on the power of host \(id) begins anew: \(error)")
                try? await Task.sleep(for: .milliseconds(settings.power.poll))
            }
        }
    }

    /// False when nothing is left to do.
    private func step() async throws(EngineError) -> Bool {
        guard let target = try await store.powerTarget(id) else { return false }
        let signal = await perform(target)
        guard !Task.isCancelled else { return false }
        let moment = PowerMoment(
            times: settings.power,
            engineStart: engineStart,
            lastDump: dumps.last(from: target.host.address)
        )
        let context = TransitionContext(now: now, times: settings.monitoring)
        guard let (job, hostChanged) = try await store.advancePower(target.job, signal, moment, context: context) else {
            return true
        }
        if hostChanged { supervisor.watch(id) }
        guard job.state == .started else { return true }
        let pause = job.course.pause(settings.power)
        if pause > 0 { try? await Task.sleep(for: .milliseconds(pause)) }
        return true
    }

    private func perform(_ target: PowerTarget) async -> PowerCourse.Signal {
        do throws(PowerFailure) {
            switch target.job.course.order {
            case .restartAgent: return try await restartAgent(target)
            case .off:
                // A host that has come back is not the engine's to switch off.
                guard target.job.course.kind != .fence || target.host.status == .nonResponsive else { return .passed }
                try await line.turn(.off, target)
            case .on: try await line.turn(.on, target)
            case .ask: return .power(try await line.status(target))
            case .greet: return await greet() ? .greeted : .passed
            case .wait: return .passed
            }
            return .done
        } catch {
            return .failed(error)
        }
    }

    private func greet() async -> Bool {
        guard let host = try? await store.watched(id), let address = host.target else { return false }
        let link = AgentLink(line.dialer, address)
        defer { Task { await link.close() } }
        return (try? await link.capabilities()) != nil
    }

    // MARK: - Soft fencing

    /// Restarts the agent where the engine's own key opens the host; oVirt restarts vdsmd so.
    private func restartAgent(_ target: PowerTarget) async throws(PowerFailure) -> PowerCourse.Signal {
        guard target.host.status == .nonResponsive, let access = target.access, access.hasEngineKey else {
            return .passed
        }
        do throws(ConversionError) {
            let connection = try await gate.connect(access.byEngineKey, .engineKey)
            do throws(ConversionError) {
                let answer = try await connection.run(Self.restart)
                await connection.close()
                guard answer.exitCode == 0 else {
                    let said = terminalEscaped(answer.complaint.prefix(300))
                    throw ConversionError(.step, "systemctl failed: \(said)", remedy: "look at the host's journal")
                }
            } catch {
                await connection.close()
                throw error
            }
            return .done
        } catch {
            throw PowerFailure(text: sentence(error.message), remedy: sentence(error.remedy))
        }
    }

    /// The agent of a package, or that of an image. Its root half keeps the networks and the undo of a change that is under
    /// way, so that one is only begun where it is not there.
    private static let restart = RemoteScript(
        """
        unit=muster-serve.service
        systemctl cat $unit > /dev/null 2>&1 || unit=muster-agent.service
        systemctl start muster-apply.service
        systemctl restart $unit
        """,
        purpose: "the restart of the agent",
        timeLimit: .seconds(60)
    )
}
