import Foundation
import GRDB
package import HostModel

// `muster host add NAME --mac M --bmc …`: a machine without a system, switched on by its board, that becomes a host with
// nobody at its keyboard (docs/power.md).

/// A machine that is to come.
package struct ArrivalOrder: Sendable {
    package var name: HostName
    /// By which it asks for its boot script.
    package var mac: MACAddress
    package var board: FenceAgentSettings
    package var password: Secret
    /// Name or id.
    package var cluster: String?
    /// What it boots from now on; `nil`: `default`.
    package var profile: String?
    /// A machine that is on is switched off first; else it is refused.
    package var restarts = false

    package init(name: HostName, mac: MACAddress, board: FenceAgentSettings, password: Secret) {
        (self.name, self.mac, self.board, self.password) = (name, mac, board, password)
    }
}

extension HostEngine {
    /// Asks the board first; when it answers, stores the host and switches the machine on. What is refused here leaves
    /// nothing behind. The answer may take a minute.
    package func announce(
        _ order: ArrivalOrder,
        by user: String,
        correlation: String?
    ) async throws(EngineError) -> HostRecord {
        try order.board.check(order.password)
        guard !order.mac.isMulticast, order.mac.rawValue != 0 else {
            throw EngineError(.invalid, "\(order.mac) is no network card's own address.")
        }
        let context = context(by: user, correlation)
        let host = try await store.announced(order, at: context.now)
        let (id, sealed) = (UniqueID.random(), order.password)
        let password = try secrets.seal(sealed, for: "\(id)")
        let kind = try await kindOfStart(order, host, id, password)
        try await store.announce(order, host, agent: id, password: password, kind, context: context)
        powers.watch(host.id)
        return try await self.host(host.id)
    }

    /// How the machine is brought to boot. One that is on may be somebody's.
    private func kindOfStart(
        _ order: ArrivalOrder,
        _ host: HostRow,
        _ agent: UniqueID,
        _ password: Data
    ) async throws(EngineError) -> PowerCourse.Kind {
        let target = try await store.powerTarget(announcing: host, order.board, agent, password)
        let line = try powerLine()
        let state: PowerState
        do throws(PowerFailure) { state = try await line.status(target) } catch {
            throw EngineError(.unavailable, error.text, remedy: error.remedy)
        }
        guard state == .on else { return .on }
        guard order.restarts else {
            throw EngineError(
                .conflict,
                "The board at \(terminalEscaped(order.board.address)) says that the machine is on: something may run there.",
                remedy: "Look whether it is the right machine; --restart switches it off and on."
            )
        }
        return .restart
    }

    /// A token for the machine that asks for its boot script: once, and only for a while after it was switched on.
    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        let window = settings.enrolment.arrivalSeconds * 1000
        return try await store.issueArrival(.random(), for: request, within: window, at: settings.clock.now())
    }
}
