import AgentWire
import HostModel
import Netlink

// The end of a change: the engine must be heard, while nobody else moves the same links.

extension NetworkKeeper {
    private enum Ending: Sendable {
        case heard
        case silent
        /// Somebody else changed the same links.
        case disturbed([NetworkStep])
    }

    /// Returns when the engine is heard, and what was changed is still as it was changed. Only a voice that comes now counts:
    /// one from before the change proves nothing.
    func awaitEngine(seconds: Int, _ plan: NetworkPlan) async throws {
        let (voices, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.listener = listener
        defer { self.listener = nil }
        let changes = (try? NetlinkMonitor())?.changes()
        let ending = await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                for await _ in voices { return await self.disturbance(plan) ?? .heard }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(seconds))
                return .silent
            }
            if let changes {
                group.addTask {
                    for await _ in changes { if let disturbance = await self.disturbance(plan) { return disturbance } }
                    return nil
                }
            }
            var ending: Ending?
            while ending == nil, let next = await group.next() { ending = next }
            group.cancelAll()
            return ending ?? .silent
        }
        switch ending {
        case .heard: return
        case .silent:
            throw RPCError(
                .lostConnection,
                "connectivity check failed: the engine was not heard for \(seconds) seconds"
            )
        case .disturbed(let steps):
            let sentences = steps.prefix(Self.deviationsMax).map(\.description).joined(separator: "; ")
            throw RPCError(.failedIfup, "Another program changed the same links meanwhile; lost: \(sentences)")
        }
    }

    /// What passes by itself is none: it is looked at twice.
    private func disturbance(_ plan: NetworkPlan) async -> Ending? {
        guard let first = try? runner.state(), !plan.deviations(in: first).isEmpty else { return nil }
        try? await Task.sleep(for: Self.disturbancePause)
        guard let second = try? runner.state() else { return nil }
        let steps = plan.deviations(in: second)
        return steps.isEmpty ? nil : .disturbed(steps)
    }

    private static let disturbancePause = Duration.milliseconds(300)
}
