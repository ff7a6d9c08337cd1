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
}
