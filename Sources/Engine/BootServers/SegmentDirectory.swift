import BootServer
package import HostModel

/// `BootDirectory` as one boot server on another segment asks it: the engine knows by whom.
package struct SegmentDirectory: BootDirectory {
    private let engine: HostEngine
    package let id: UniqueID
    package let name: HostName

    init(engine: HostEngine, id: UniqueID, name: HostName) { (self.engine, self.id, self.name) = (engine, id, name) }

    package func answer(_ request: BootRequest) async throws -> BootAnswer { try await engine.answer(request) }

    package func record(_ events: [BootEvent]) async throws { try await engine.record(events, of: id) }

    package func reservations() async throws -> [AddressReservation] { try await engine.reservations() }

    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket {
        try await engine.issueArrival(request)
    }

    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket {
        try await engine.issueKickstart(request)
    }

    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer {
        try await engine.fetchKickstart(fetch)
    }

    package func report(status: BootStatus) async throws { try await engine.report(status: status, of: id, name) }

    package func report(_ report: InstallReport) async throws -> InstallReportAnswer { try await engine.report(report) }

    /// Its certificate, for the key that was approved.
    package func certificate() async throws -> BootCertificate { try await engine.bootCertificate(of: id) }
}
