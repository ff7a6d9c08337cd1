package import HostModel

/// The one question that the boot services ask: what does this machine boot?
///
/// The engine answers it in process or over a socket; tests answer it from memory. An error means that nobody could
/// answer: the machine is told to try again, never given something else.
package protocol BootDirectory: Sendable {
    /// What the machine boots now. Asking twice changes nothing.
    func answer(_ request: BootRequest) async throws -> BootAnswer

    /// Records steps of machines' boots. May be called with several at once; losing one is not an error of the boot.
    func record(_ events: [BootEvent]) async throws

    /// Addresses kept for known machines.
    func reservations() async throws -> [AddressReservation]

    /// The token by which an announced machine registers, once. Refused where the machine gets none now.
    func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket

    /// A link to the machine's kickstart, good for one fetch. Refused, with a sentence for its screen, where the machine
    /// cannot be installed.
    func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket

    /// What a link stands for. The link is spent by that, whatever becomes of the answer.
    func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer

    /// How this boot server is now; the directory keeps the last word.
    func report(status: BootStatus) async throws

    /// How an installation ended.
    func report(_ report: InstallReport) async throws -> InstallReportAnswer
}

/// A directory without kickstarts and status, for trying the boot services.
extension BootDirectory {
    package func report(status: BootStatus) async throws {}

    package func issueArrival(_ request: BootRequest) async throws -> ArrivalTicket { throw NoKickstarts() }

    package func issueKickstart(_ request: BootRequest) async throws -> KickstartTicket { throw NoKickstarts() }

    package func fetchKickstart(_ fetch: KickstartFetch) async throws -> KickstartAnswer { KickstartAnswer(.unknown) }

    package func report(_ report: InstallReport) async throws -> InstallReportAnswer { InstallReportAnswer(.unknown) }
}

/// Kickstarts and announced machines need an engine, which keeps the tokens.
struct NoKickstarts: Error, CustomStringConvertible {
    var description: String { "tokens need an engine" }
}
