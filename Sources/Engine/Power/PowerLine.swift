import AgentWire
import Fencing
import HostModel
import Logging

/// The way to a host's boards: fence agents run by the engine, or by another host in its place.
struct PowerLine: Sendable {
    let fencing: FenceAgents
    let box: SecretBox
    let store: Store
    let settings: EngineSettings
    let dialer: AgentDialer

    /// Hosts that are tried as a proxy, one after the other.
    static let proxiesMax = 3

    /// Whether the machine is on. Boards of which each feeds it alone: off only when all say so.
    func status(_ target: PowerTarget) async throws(PowerFailure) -> PowerState {
        try await overGroups(target) { group throws(PowerFailure) in
            var states: [PowerState] = []
            for agent in group {
                let answer = try await self.tell(agent, .status, target)
                states.append(answer["power"]?.string.flatMap { PowerState(rawValue: $0) } ?? .unknown)
            }
            if states.contains(.on) { return .on }
            return states.allSatisfy { $0 == .off } ? .off : .unknown
        }
    }

    /// Switches it; of boards that feed it together all for off.
    func turn(_ action: FenceOrder.Action, _ target: PowerTarget) async throws(PowerFailure) {
        try await overGroups(target) { group throws(PowerFailure) in
            if action == .on, target.job.bootsFromNetwork { try await self.bootFromNetwork(group, target) }
            for agent in group { _ = try await self.tell(agent, action, target) }
        }
    }

    /// One after the other in their order, until one does it. Those of one turn that are concurrent go together.
    private func overGroups<Answer: Sendable>(
        _ target: PowerTarget,
        _ body: ([FenceAgentRow]) async throws(PowerFailure) -> Answer
    ) async throws(PowerFailure) -> Answer {
        var failure = PowerFailure(
            text: "Host \(target.host.name) has no fence agent.",
            remedy: "Add one: `muster host power \(target.host.name) agent add`."
        )
        for group in Self.groups(target.agents) {
            do throws(PowerFailure) { return try await body(group) } catch { failure = error }
        }
        throw failure
    }

    static func groups(_ agents: [FenceAgentRow]) -> [[FenceAgentRow]] {
        agents.reduce(into: []) { groups, agent in
            if let last = groups.last?.last, last.isConcurrent, agent.isConcurrent, last.turn == agent.turn {
                groups[groups.count - 1].append(agent)
            } else {
                groups.append([agent])
            }
        }
    }

    private func bootFromNetwork(_ group: [FenceAgentRow], _ target: PowerTarget) async throws(PowerFailure) {
        guard let agent = group.first(where: { FenceAgents.canBootFromNetwork($0.type) }) else {
            throw PowerFailure(
                text: "A board of the type \(group.first?.type ?? "") can not be told what the machine boots from.",
                remedy: "Set the network first in the machine's firmware, and leave --boot-from network out."
            )
        }
        do throws(RPCError) {
            let order = try order(agent, .on)
            try await inTurn { () throws(RPCError) in try await fencing.bootFromNetwork(order) }
        } catch {
            throw Self.failure(error.message, agent, target)
        }
    }

    /// Boards that hang hold the engine's places for programs. Whoever finds none waits for one: that is no fault of his board.
    private func inTurn<Answer: Sendable>(
        _ body: () async throws(RPCError) -> Answer
    ) async throws(RPCError) -> Answer {
        var waited: Int64 = 0
        while true {
            do throws(RPCError) { return try await body() } catch {
                guard error.code == .resourceUnavailable, waited < settings.power.turn, !Task.isCancelled else {
                    throw error
                }
            }
            try? await Task.sleep(for: .milliseconds(settings.power.poll))
            waited += settings.power.poll
        }
    }

    private func order(_ agent: FenceAgentRow, _ action: FenceOrder.Action) throws(RPCError) -> FenceOrder {
        try agent.settings.order(action, try password(agent))
    }

    private func password(_ agent: FenceAgentRow) throws(RPCError) -> Secret {
        do throws(EngineError) { return try box.open(agent.password, of: "\(agent.id)") } catch {
            throw RPCError(.general, error.description)
        }
    }

    /// By the first of the proxies that can run it at all. What a board itself refuses is not asked of it again by another
    /// way: it counts wrong passwords.
    private func tell(
        _ agent: FenceAgentRow,
        _ action: FenceOrder.Action,
        _ target: PowerTarget
    ) async throws(PowerFailure) -> JSONValue {
        var words: [String] = []
        for proxy in target.power.proxies {
            do throws(RPCError) {
                if proxy == .engine {
                    let order = try order(agent, action)
                    return try await inTurn { () throws(RPCError) in try await fencing.answer(order) }
                }
                if let answer = try await ask(proxy, agent, action, target, &words) { return answer }
            } catch {
                guard Self.isProxyFault(error.code) else { throw Self.failure(error.message, agent, target) }
                words.append(proxy == .engine ? "The engine: \(error.message)." : error.message)
            }
        }
        let why = words.isEmpty ? "no host is up that could" : words.joined(separator: " ")
        throw PowerFailure(
            text: "Nobody could run fence_\(agent.type) for host \(target.host.name): \(why)",
            remedy: "Install fence-agents on the engine, or bring another host of its cluster up."
        )
    }

    /// `nil` when no host of that kind can be asked.
    private func ask(
        _ proxy: PowerProxy,
        _ agent: FenceAgentRow,
        _ action: FenceOrder.Action,
        _ target: PowerTarget,
        _ words: inout [String]
    ) async throws(RPCError) -> JSONValue? {
        let params = agent.settings.parameters(action, try password(agent))
        for host in (target.proxies[proxy] ?? []).shuffled().prefix(Self.proxiesMax) {
            let known: WatchedHost?
            do throws(EngineError) { known = try await store.watched(host) } catch { continue }
            guard let known, let address = known.target else { continue }
            let link = AgentLink(dialer, address)
            let result: Result<JSONValue, AgentFailure>
            do throws(AgentFailure) { result = .success(try await link.call(.fenceNode, params)) } catch {
                result = .failure(error)
            }
            await link.close()
            switch result {
            case .success(let answer): return answer
            case .failure(.refused(let error)) where !Self.isProxyFault(error.code): throw error
            case .failure(let failure): words.append("Host \(known.row.name): \(failure.sentence)")
            }
        }
        return nil
    }

    /// Whoever was to run it could not; the board was not asked.
    private static func isProxyFault(_ code: RPCError.Code) -> Bool {
        [.unsupportedFenceAgent, .resourceUnavailable, .recovering, .exhausted, .methodNotFound].contains(code)
    }

    private static func failure(_ message: String, _ agent: FenceAgentRow, _ target: PowerTarget) -> PowerFailure {
        PowerFailure(
            text: "The board at \(terminalEscaped(agent.address)): \(terminalEscaped(message.prefix(500))).",
            remedy:
                "Ask it: `muster host power \(target.host.name) status`; look at its address, its user's rights and whether "
                + "the account is locked."
        )
    }
}
