import GRDB
package import HostModel

// What people ask of a host's power, and the work on it.

extension HostEngine {
    /// How the host is switched; the passwords are in no answer.
    package func fenceAgents(of id: UniqueID) async throws(EngineError) -> [FenceAgentRecord] {
        try await store.fenceAgents(of: id).map(\.record)
    }

    package func addFenceAgent(
        to id: UniqueID,
        _ settings: FenceAgentSettings,
        password: Secret,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> FenceAgentRecord {
        try settings.check(password)
        return try await store.addFenceAgent(
            to: id,
            settings,
            password,
            secrets,
            context: context(by: user, correlation)
        )
    }

    package func changeFenceAgent(
        _ agent: UniqueID,
        of id: UniqueID,
        _ change: FenceAgentChange,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> FenceAgentRecord {
        let context = context(by: user, correlation)
        return try await store.changeFenceAgent(agent, of: id, change, secrets, context: context)
    }

    package func removeFenceAgent(
        _ agent: UniqueID,
        of id: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        try await store.removeFenceAgent(agent, of: id, context: context(by: user, correlation))
    }

    package func fencingPolicy(of cluster: UniqueID) async throws(EngineError) -> FencingPolicy {
        try await store.read { try Store.fencingPolicy(of: cluster, in: $0) }
    }

    package func setFencingPolicy(
        _ policy: FencingPolicy,
        of cluster: UniqueID,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        guard (0...100).contains(policy.threshold) else {
            throw EngineError(.invalid, "The threshold is a share in percent, from 0 to 100.")
        }
        try await store.setFencingPolicy(policy, of: cluster, context: context(by: user, correlation))
    }

    /// Asks the board now. What it answers, or that it does not, is kept as its state.
    package func powerStatus(of id: UniqueID) async throws(EngineError) -> PowerState {
        let target = try await store.powerTarget(asking: id, at: settings.clock.now())
        let line = try powerLine()
        let result: Result<PowerState, PowerFailure>
        do throws(PowerFailure) { result = .success(try await line.status(target)) } catch {
            result = .failure(error)
        }
        try await store.keepAnswer(of: id, result, settings.power, at: settings.clock.now())
        switch result {
        case .success(let state): return state
        case .failure(let failure): throw EngineError(.unavailable, failure.text, remedy: failure.remedy)
        }
    }

    /// Switches the host. One on which guests run is only switched off by force.
    package func switchPower(
        _ id: UniqueID,
        _ action: PowerAction,
        bootsFromNetwork: Bool = false,
        force: Bool = false,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> JobRecord {
        if let host = try await store.watched(id) {
            try refuseHeld(host.row.name, certificateOf: host.publicKey?.issued)
        }
        if action != .on, !force { try await refuseGuests(of: id) }
        let context = context(by: user, correlation)
        let job = try await store.beginPowerJob(action, of: id, bootsFromNetwork: bootsFromNetwork, context: context)
        powers.watch(id)
        return job
    }

    private func refuseGuests(of id: UniqueID) async throws(EngineError) {
        let host = try await host(id)
        let mayHaveGuests: Set<HostStatus> = [.up, .nonOperational, .preparingForMaintenance]
        guard mayHaveGuests.contains(host.status), let running = try? await guests(on: id), running > 0 else { return }
        throw EngineError(
            .conflict,
            "\(running) guests run on host \(host.name).",
            remedy: "Stop them or move them first, or use --force."
        )
    }

    func powerLine() throws(EngineError) -> PowerLine {
        PowerLine(
            fencing: fencing,
            box: secrets,
            store: store,
            settings: settings,
            dialer: try AgentDialer(authority: authority.certificate, identity: identity, times: settings.monitoring)
        )
    }

    /// Goes on with stored work on the power of hosts, until the task is cancelled.
    func workOnPower() async throws(EngineError) {
        let (line, start) = (try powerLine(), settings.clock.now())
        for host in try await store.hostsBeingSwitched() { powers.watch(host) }
        await powers.run { [gate, supervisor, dumps, logger] id in
            await PowerWork(
                id: id,
                line: line,
                gate: gate,
                supervisor: supervisor,
                engineStart: start,
                dumps: dumps,
                logger: logger
            ).run()
        }
    }
}

extension Store {
    func keepAnswer(
        of id: UniqueID,
        _ answer: Result<PowerState, PowerFailure>,
        _ times: PowerTimes,
        at now: Int64
    ) async throws(EngineError) {
        try await write { db in
            guard let host = try HostRow.fetch(id, in: db) else { return }
            switch answer {
            case .success: try Self.clearFault(of: host.id, in: db)
            case .failure(let failure): try Self.setFault(failure, of: host.id, times: times, at: now, in: db)
            }
        }
    }

    func setFencingPolicy(
        _ policy: FencingPolicy,
        of cluster: UniqueID,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let known = try ClusterRecord.filter(Column("id") == cluster).fetchOne(db)
            guard let known else {
                throw EngineError(.notFound, "There is no cluster \(cluster).", remedy: "List them.")
            }
            try db.execute(
                literal: "UPDATE cluster SET fencing = \(try ColumnJSON.encode(policy)) WHERE id = \(cluster)"
            )
            let text = "The fencing policy of cluster \(known.name) was changed."
            let occurrence = Occurrence(
                .fencingPolicyChanged,
                .normal,
                text,
                user: context.user,
                correlation: context.correlation
            )
            try record(occurrence, at: context.now, in: db)
        }
    }
}
