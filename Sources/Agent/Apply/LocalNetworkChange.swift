import AgentWire
import HostModel
package import Logging
import NIOCore
package import SystemPackage

/// A change that a person asks for on the host itself: read from a file, planned, or made.
package struct LocalNetworkChange: Sendable {
    private let settings: ApplySettings
    private let logger: Logger

    /// The longest file read, in bytes: thousands of networks.
    package static let fileBytesMax = 16 << 20

    package init(_ settings: ApplySettings, logger: Logger) { (self.settings, self.logger) = (settings, logger) }

    /// The plan as text. Throws `NetworkRefusal` when the change is refused.
    package func plan(of file: FilePath) async throws -> String {
        try await NetworkKeeper(settings, logger: logger).plan(try read(file)).text
    }

    /// What in the kernel is not as the configuration says, as a person reads it; `nil` when all is.
    package func drift() async throws -> String? {
        let differences = try await NetworkKeeper(settings, logger: logger).ownership().drift.differences
        guard !differences.isEmpty else { return nil }
        return differences.sorted { $0.key < $1.key }.map { name, lines in
            terminalEscaped(name) + ":\n" + lines.map { "    \(terminalEscaped($0))\n" }.joined()
        }
        .joined()
    }

    /// The networks that were committed stand again; gives what does not. A boot network is waited for only where one has
    /// begun: a server has none, and nothing here says so to a person's command.
    package func restore(isForced: Bool) async throws -> [String] {
        try settings.run.make()
        var settings = settings
        let report = settings.run.value(BootNetworkReport.self, in: BootNetworkReport.fileName)
        settings.waitsForBootNetwork = settings.waitsForBootNetwork && report != nil
        return await NetworkKeeper(settings, logger: logger).restore(isForced: isForced)
    }

    package func apply(_ file: FilePath) async throws {
        var call = try read(file)
        call.options.connectivityCheck = false
        try settings.run.make()
        try await NetworkKeeper(settings, logger: logger).setupNetworks(call)
    }

    private func read(_ file: FilePath) throws -> SetupNetworksParameters {
        guard let bytes = try readFile(file, limit: Self.fileBytesMax) else { throw FileFailure(file, "read", code: 2) }
        let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(bytes: bytes))
        return try SetupNetworksParameters(params: value)
    }
}
