import EngineClient
import HostModel

extension EngineSession {
    /// The host of this name or id. A part of a name is never taken for it: approving or removing the wrong host cannot
    /// be taken back. The error names what the part fits.
    func findHost(_ text: String) async throws -> HostResource {
        try UserError.host(text, among: try await hosts())
    }
}

extension UserError {
    /// The most candidates that an error names.
    static let candidatesMax = 5

    /// The host of this name or id.
    static func host(_ text: String, among hosts: [HostResource]) throws(UserError) -> HostResource {
        let wanted = text.lowercased()
        if let host = hosts.first(where: { $0.id == wanted || $0.name.lowercased() == wanted }) { return host }
        throw noHost(text, among: hosts)
    }

    static func noHost(_ text: String, among hosts: [HostResource]) -> UserError {
        let wanted = text.lowercased()
        let names = hosts.filter { $0.name.lowercased().hasPrefix(wanted) || $0.id.hasPrefix(wanted) }.map(\.name)
        let shown = names.sorted().prefix(candidatesMax).map { terminalEscaped($0) }
        let more = names.count > candidatesMax ? " and \(names.count - candidatesMax) more" : ""
        let remedy =
            wanted.isEmpty || names.isEmpty
            ? "muster host list" : "the whole name, such as \(shown.joined(separator: ", "))\(more)"
        return UserError(.badData, "no host has the name or id \(terminalEscaped(text))", remedy: remedy)
    }
}
