import ArgumentParser
import EngineClient
import Foundation
import HostConversion
import HostModel

/// `muster host add`: so far its preflight, from the machine where it is typed.
struct HostAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "See whether an existing server can become a node (--check).",
        discussion: """
            Signs in to the server over SSH, looks at it, and reports everything that forbids its conversion or will not be as it \
            should, each with what to do. Changes nothing there. Ends with 1 when something forbids it. See docs/convert.md.
            """
    )

    @Argument(help: "The name that the host is to have.")
    var name: String

    @OptionGroup var server: ServerOptions

    @Flag(help: "Look only.")
    var check = false

    @Option(help: ArgumentHelp("A package repository beside the server's own.", valueName: "url"))
    var repository: String?

    @Option(help: ArgumentHelp("The tag of the management network.", valueName: "1-4094"))
    var vlan: Int?

    @Flag(help: "A server without virtualization is all right.")
    var withoutVirtualization = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard check else { throw ValidationError("Only --check is there yet.") }
        guard HostName(name) != nil else { throw ValidationError("NAME must be a host name.") }
        guard vlan.map({ (1...4094).contains($0) }) ?? true else { throw ValidationError("--vlan takes 1 to 4094.") }
        guard repository.map({ ConversionRequest.Repository(url: $0) != nil }) ?? true else {
            throw ValidationError("--repository takes an http:// or https:// URL.")
        }
    }

    func run() async throws {
        let request = try await request()
        let target = try server.target()
        let jump = try server.jumpTarget()
        let checked: CheckedServer
        do throws(ConversionError) { checked = try await Self.look(target, jump, request) } catch {
            throw UserError(error)
        }
        output.show(checked, as: checked)
        guard checked.blocked else { return }
        throw UserError(
            .failed,
            "\(name) can not become a node: \(checked.summary)",
            remedy: "do what stands behind `try:`, and check again"
        )
    }

    private func request() async throws -> ConversionRequest {
        let hosts = try await options.withSession { try await $0.hosts() }
        let url = try options.file.read()?.engine ?? ""
        guard let engine = EngineAddress(url) else {
            throw UserError(
                .configuration,
                "a server cannot reach the engine at \(terminalEscaped(url))",
                remedy: "muster login https://NAME-OR-IPV4-ADDRESS"
            )
        }
        let now = Int64(Date().timeIntervalSince1970)
        var request = ConversionRequest(address: server.address, engine: engine, clock: now)
        request.repository = repository.flatMap { ConversionRequest.Repository(url: $0) }
        (request.managementVLAN, request.needsVirtualization) = (vlan, !withoutVirtualization)
        for host in hosts {
            guard let id = host.hardware_information?.uuid.flatMap({ HardwareID($0) }) else { continue }
            request.knownIDs[id] = host.name
        }
        return request
    }

    private static func look(
        _ target: SSHTarget,
        _ jump: SSHTarget?,
        _ request: ConversionRequest
    ) async throws(ConversionError) -> CheckedServer {
        let connection = try await SSHConnection.open(target, through: jump)
        do throws(ConversionError) {
            let report = try await ServerInspection(connection).report(for: request)
            await connection.close()
            return CheckedServer(target.address, connection.hostKey.fingerprint, report)
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// What a check found, for people and for programs.
private struct CheckedServer: Encodable, Layout {
    var address: String
    var fingerprint: String
    var blocked: Bool
    var summary: String
    var findings: [PreflightFinding]
    private let table: String

    enum CodingKeys: String, CodingKey {
        case address
        case fingerprint
        case blocked
        case summary
        case findings
    }

    init(_ address: String, _ fingerprint: HostKeyFingerprint, _ report: PreflightReport) {
        (self.address, self.fingerprint) = (address, fingerprint.rawValue)
        (blocked, summary, findings) = (report.isBlocked, report.summary, report.findings)
        table = report.table
    }

    func text(_ style: Style, headers: Bool) -> String { "host key of \(address): \(fingerprint)\n\(table)" }
}
