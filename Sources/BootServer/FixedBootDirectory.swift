import FoundationEssentials
package import HostModel

/// A directory that gives every machine the same answer: for trying the boot services without an engine.
package struct FixedBootDirectory: BootDirectory {
    private let fixed: BootAnswer

    package init(_ answer: BootAnswer) { fixed = answer }

    /// Reads the answer from JSON (`BootAnswer`: `profile`, `manifest`, `reason`).
    package init(json: [UInt8]) throws {
        fixed = try JSONDecoder().decode(BootAnswer.self, from: Data(json))
    }

    package func answer(_ request: BootRequest) async throws -> BootAnswer { fixed }

    /// Events are in the log of the boot services already.
    package func record(_ events: [BootEvent]) async throws {}

    package func reservations() async throws -> [AddressReservation] { [] }
}
