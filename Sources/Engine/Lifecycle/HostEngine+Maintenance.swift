import GRDB
package import HostModel

extension HostEngine {
    /// Characters of a person's reason that are kept.
    package static let reasonMax = 255

    /// Takes a host out of service: no guest is stopped or moved for it. Refused where the status does not allow it, and
    /// while other work is under way on it.
    package func deactivate(
        _ id: UniqueID,
        reason: String?,
        by user: String,
        correlation: String?
    ) async throws(EngineError) {
        let reason = reason.map { String(terminalEscaped($0).prefix(Self.reasonMax)) }.flatMap { $0.isEmpty ? nil : $0 }
        try await store.order(id, .deactivated(reason: reason), context: context(by: user, correlation))
        supervisor.watch(id)
    }

    /// Reads everything of a monitored host now, instead of at one of its next refreshes.
    package func refresh(_ id: UniqueID) async throws(EngineError) {
        let host = try await store.read { try HostRow.require(id, in: $0) }
        guard host.status.isMonitored else {
            throw EngineError(
                .conflict,
                "Host \(host.name) is \(host.status.rawValue), which is not monitored.",
                remedy: "`muster host activate \(host.name)` takes a host into service."
            )
        }
        supervisor.watch(id)
    }

    /// Takes a host into service again, or calls its maintenance off.
    package func activate(_ id: UniqueID, by user: String, correlation: String?) async throws(EngineError) {
        try await store.order(id, .activated, context: context(by: user, correlation))
        supervisor.watch(id)
    }
}

extension Store {
    /// A person's signal to a host's life.
    fileprivate func order(
        _ id: UniqueID,
        _ signal: HostLife.Signal,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            var host = try HostRow.require(id, in: db)
            let isBusy = try ImageJobRow.running(of: id, in: db) != nil || ConversionRow.running(of: id, in: db) != nil
            guard !isBusy else {
                throw EngineError(
                    .conflict,
                    "Other work is under way on host \(host.name).",
                    remedy: "Wait for its end, or see `muster event list --host \(host.name)`."
                )
            }
            var life = HostLife(status: host.status, detail: host.statusDetail, lastContact: context.now)
            try live(&host, &life, signal, context: context, in: db)
        }
    }
}
