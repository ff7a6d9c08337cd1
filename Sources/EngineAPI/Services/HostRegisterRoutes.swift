import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// oVirt's own registration, protocol version 1 (ovirt.md 2.1), for nodes that speak nothing else. Every refusal is a
/// 400 with a line of text, because that is all those nodes read.
struct HostRegisterRoutes {
    let engine: HostEngine
    let trust: TrustAnchors
    let rate: SourceRate
    let door: EnrolmentDoor

    init(engine: HostEngine, trust: TrustAnchors, door: EnrolmentDoor, rate: SourceRate = SourceRate(.claims)) {
        (self.engine, self.trust, self.door, self.rate) = (engine, trust, door, rate)
    }

    static let agentPort: UInt16 = 54321

    func add(to router: some RouterMethods<APIContext>) {
        router.get("ovirt-engine/services/host-register") { request, context in
            do {
                return try await answer(request, context)
            } catch let error as EngineError {
                return Self.refuse([error.detail, error.remedy].compactMap(\.self).joined(separator: " "))
            }
        }
        router.get("ovirt-engine/services/pki-resource") { request, _ in
            let query = request.query
            return trust.response(
                resource: query["resource"] ?? "",
                format: query["format"] ?? TrustAnchors.Format.authority.rawValue,
                alias: query["alias"]
            ) ?? Self.refuse("There is no such resource in such a format.")
        }
    }

    private func answer(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = request.query
        guard query["version"] == "1" else { return Self.refuse("Only version=1 of this protocol is served.") }
        switch query["command"] {
        case "get-version": return Response.text("1")
        case "get-pki-trust": return trust.authority
        case "get-ssh-trust": return trust.sshKey(comment: TrustAnchors.sshComment)
        case "register": return try await register(query, context)
        default: return Self.refuse("The command is none of get-version, get-pki-trust, get-ssh-trust, register.")
        }
    }

    private func register(_ query: FormFields, _ context: APIContext) async throws -> Response {
        guard rate.take(context.source) == nil else {
            return Self.refuse("There were too many calls; try again later.")
        }
        guard let id = query["uniqueId"], !id.isEmpty else { return Self.refuse("The parameter uniqueId is missing.") }
        func said(_ name: String) -> String? { query[name].flatMap { $0.isEmpty ? nil : $0 } }
        // The protocol says vdsPort, vdsm-tool says port.
        guard let port = (said("vdsPort") ?? said("port")).map(UInt16.init) ?? Self.agentPort, port > 0 else {
            return Self.refuse("The parameter vdsPort (or port) is not a port.")
        }
        // The peer's address itself, not its reverse name: whoever answers for that could name another machine.
        let address = said("address") ?? context.source
        let wanted = LegacyRegistration(
            uniqueID: id,
            name: said("name") ?? address,
            address: address,
            port: port,
            source: context.source
        )
        try await door.pass { try await engine.register(wanted) }
        return Response.text("OK\n")
    }

    private static func refuse(_ sentence: String) -> Response {
        Response.text(terminalEscaped(sentence) + "\n", status: .badRequest)
    }
}
