import GRDB
import HostModel

extension HostEngine {
    /// oVirt's `host-register` (ovirt.md 2.2): a node without a key becomes a host in `pending_approval`; one that is
    /// known already is told that all is well, and nothing changes.
    package func register(_ request: LegacyRegistration) async throws(EngineError) {
        let now = settings.clock.now()
        guard claimRate.allows(request.source, at: now) else {
            throw EngineError(.tooMany, "Too many machines register at once.", remedy: "Wait a minute.")
        }
        guard let hardwareID = HardwareID(request.uniqueID) else {
            let text = "A machine at \(terminalEscaped(request.source)) tried to register with an empty machine id."
            try await store.record([Occurrence(.registrationEmptyID, .error, text)], at: now)
            throw EngineError(.invalid, "uniqueId is empty.", remedy: "Give the machine's id, see `vdsm-tool vdsm-id`.")
        }
        guard HostName(request.address) != nil else {
            throw EngineError(.invalid, "The address is neither a DNS name nor an IPv4 address.")
        }
        guard request.port > 0 else { throw EngineError(.invalid, "The agent's port is 0.") }
        try await store.register(request, hardwareID, limits: settings.enrolment, at: now)
    }
}

extension Store {
    func register(
        _ request: LegacyRegistration,
        _ hardwareID: HardwareID,
        limits: EnrolmentLimits,
        at now: Int64
    ) async throws(EngineError) {
        try await write { db in
            if try RejectionRow.of(hardwareID, at: now, in: db) != nil {
                throw EngineError(.forbidden, "This machine was rejected.", remedy: "Ask who runs this engine.")
            }
            if let known = try HostRow.filter(Column("hardwareID") == hardwareID).fetchOne(db) {
                return try heard(known.id, at: now, in: db)
            }
            let source = terminalEscaped(request.source)
            try makeRoomForHost(from: source, limits: limits, in: db)
            var host = HostRow.waiting(
                try freeName(wish: HostName(request.name), in: db),
                at: request.address,
                port: request.port,
                in: try defaultCluster(in: db),
                hardwareID: hardwareID,
                from: source,
                now: now
            )
            try host.insert(db)
            let text = "Host \(host.name) registered with oVirt's protocol at \(host.address); it has no key yet."
            try record(Occurrence(.registered, .normal, text, host: host), at: now, in: db)
        }
    }
}
