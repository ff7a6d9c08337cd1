package import HostModel

/// `register.json`: where the registration stands, for the console. All text in it is escaped for a terminal.
package struct RegisterReport: Hashable, Sendable, Codable {
    package var state: EnrolmentStatus.Stage
    /// `K7QD-W3MA-T`, while a person is to compare it.
    package var code: String?
    package var engine: EngineAddress?
    /// The name that the host has in the engine.
    package var name: HostName?
    /// SHA-256 of the engine's CA certificate.
    package var authority: Nonce?
    package var warning: EnrolmentStatus.Warning?
    package var error: String?
    package var remedy: String?
    /// Seconds since 1970 of the last change.
    package var since: Int64

    package static let fileName = "register.json"

    package init(_ status: EnrolmentStatus, engine: EngineAddress?, since: Int64) {
        (self.state, self.code, self.engine) = (status.stage, status.code?.description, engine)
        (self.name, self.authority, self.warning) = (status.name, status.authority, status.warning)
        (self.error, self.remedy) = (status.failure?.description, status.failure?.remedy)
        self.since = since
    }
}
