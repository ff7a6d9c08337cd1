import FoundationEssentials
package import HostModel
import NIOCore
import NIOHTTP1

/// When a boot profile applies.
package enum BootTime: String, Hashable, Sendable, Codable {
    /// The next boot only.
    case next
    /// Every boot from now on.
    case always
}

extension EngineSession {
    private struct BootChoice: Encodable {
        var profile: String?
        /// Said aloud: without a profile it is what takes the host's own away.
        var inherit: Bool?
        var when: BootTime
    }

    private struct AddressChoice: Encodable {
        var address: IPv4Address?
    }

    private struct ClaimCollection: Decodable {
        var claim: [ClaimResource]?
    }

    private static func path(_ host: String, _ rest: String = "") -> String {
        "\(api)/hosts/\(percentEncoded(host))\(rest)"
    }

    /// Hosts in the engine's order: all, or those that a search of oVirt's language finds (`name=kvm-* and status=up`).
    /// `brief`: with nothing but what tells hosts apart at a glance, which is a fifth as long; an engine that does not know
    /// it tells everything.
    package func hosts(search: String? = nil, brief: Bool = false) async throws(CallError) -> [HostResource] {
        let fields = [search.map { "search=\(percentEncoded($0))" }, brief ? "brief=true" : nil].compactMap(\.self)
        let query = fields.isEmpty ? "" : "?" + fields.joined(separator: "&")
        return try await decode(HostCollection.self, .get("\(Self.api)/hosts\(query)")).host ?? []
    }

    /// One host by its id. 404 when there is none.
    package func host(_ id: String) async throws(CallError) -> HostResource {
        try await decode(HostResource.self, .get(Self.path(id)))
    }

    /// Approves the open claim whose code this is. The engine refuses a wrong or stale one with 409, and a missing one
    /// unless the host's installation failed: then that is tried again. Under the same `request` it may be asked again when
    /// the answer was lost: what was approved by it is a success then, too.
    package func approve(
        _ id: String,
        code: ApprovalCode?,
        request: UniqueID = .random()
    ) async throws(CallError) {
        let body = code.map { ["code": $0.description] } ?? [:]
        var call = try Self.json(.POST, Self.path(id, "/approve"), body)
        call.headers.add(name: "Correlation-Id", value: request.rawValue)
        _ = try await perform(call)
    }

    /// Machines that a person turned away and that may not claim yet.
    package func rejections() async throws(CallError) -> [RejectionResource] {
        try await decode(RejectionCollection.self, .get("\(Self.api)/rejections")).rejection
    }

    /// Takes a rejection back.
    package func readmit(_ rejection: String) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, "\(Self.api)/rejections/\(percentEncoded(rejection))"))
    }

    /// Closes the host's open claims; a host that never was approved is removed.
    package func reject(_ id: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(id, "/reject"), ByteBuffer(string: "{}")))
    }

    /// Takes the host out of service; it is in `maintenance` once no guest runs on it.
    package func deactivate(_ id: String, reason: String? = nil) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, Self.path(id, "/deactivate"), reason.map { ["reason": $0] } ?? [:]))
    }

    /// Takes the host into service again.
    package func activate(_ id: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(id, "/activate"), ByteBuffer(string: "{}")))
    }

    /// Has the engine read everything of the host now.
    package func refresh(_ id: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(id, "/refresh"), ByteBuffer(string: "{}")))
    }

    /// Gives the host its next certificate.
    package func enrolCertificate(_ id: String) async throws(CallError) {
        _ = try await perform(.post(Self.path(id, "/enrollcertificate"), ByteBuffer(string: "{}")))
    }

    /// Has the host start once more; the job is in the answer.
    package func reboot(_ id: String) async throws(CallError) -> ActionResource {
        try await decode(ActionResource.self, .post(Self.path(id, "/reboot"), ByteBuffer(string: "{}")))
    }

    /// Sets what the host boots; `nil` takes what was set away.
    package func setBoot(_ id: String, profile: String?, when: BootTime) async throws(CallError) {
        let choice = BootChoice(profile: profile, inherit: profile == nil ? true : nil, when: when)
        _ = try await perform(try Self.json(.POST, Self.path(id, "/boot"), choice))
    }

    /// Fixes the address that the host is given from its next boot on; `nil` leaves it the one that it has.
    package func setFixedAddress(_ id: String, _ address: IPv4Address?) async throws(CallError) {
        let choice = AddressChoice(address: address)
        _ = try await perform(try Self.json(.POST, Self.path(id, "/address"), choice))
    }

    /// Removes the host; `force` also one that does not answer or is in use.
    package func remove(_ id: String, force: Bool = false) async throws(CallError) {
        _ = try await perform(HTTPCall(.DELETE, Self.path(id, force ? "?force=true" : "")))
    }

    /// All claims of the host, open or not.
    package func claims(of id: String) async throws(CallError) -> [ClaimResource] {
        try await decode(ClaimCollection.self, .get(Self.path(id, "/claims"))).claim ?? []
    }

    /// A part of the agent's last `getCapabilities`, chosen by what `Value` decodes. 404 before the first.
    package func capabilities<Value: Decodable>(
        of id: String,
        as type: Value.Type
    ) async throws(CallError) -> Value {
        try await decode(type, .get(Self.path(id, "/capabilities")))
    }
}
