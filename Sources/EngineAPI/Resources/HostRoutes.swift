import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// `hosts` and what can be done with one (docs/protocols.md, section 3).
struct HostRoutes {
    let engine: HostEngine

    /// The most hosts of one answer.
    static let pageMax = 10_000

    private struct Approval: Decodable {
        var code: String?
    }

    private struct BootChoice: Decodable {
        var profile: String
        var when: BootSchedule
    }

    /// Without an address the host has none fixed any more.
    private struct AddressChoice: Decodable {
        var address: IPv4Address?
    }

    private struct Deactivation: Decodable {
        var reason: String?
    }

    private struct ClaimCollection: Encodable {
        var claim: [ClaimResource]
    }

    func add(to api: some RouterMethods<APIContext>) {
        addReads(to: api.group("hosts"))
        addActions(to: api.group("hosts"))
        addChanges(to: api.group("hosts"))
    }

    private func addReads(to hosts: some RouterMethods<APIContext>) {
        hosts.get { request, _ in
            let query = request.query
            let count = try PageSize(query, limit: Self.pageMax).count
            let filter = try HostFilter(search: query["search"] ?? "", max: count)
            let records = try await engine.hosts(matching: filter)
            return try Response.json(HostCollection(records.map(HostResource.init)))
        }
        hosts.get(":id") { _, context in
            try Response.json(HostResource(await engine.host(context.id(of: "host"))))
        }
        hosts.get(":id/claims") { _, context in
            let claims = try await engine.claims(of: context.id(of: "host"))
            return try Response.json(ClaimCollection(claim: claims.map(ClaimResource.init)))
        }
        hosts.get(":id/capabilities") { _, context in
            let id = try context.id(of: "host")
            guard let json = try await engine.capabilities(of: id) else {
                throw Fault.notFound(
                    "The agent of this host has not reported its capabilities yet.",
                    remedy: "They are there once the host is up."
                )
            }
            return Response.text(json, type: "application/json")
        }
    }

    private func addActions(to hosts: some RouterMethods<APIContext>) {
        hosts.post(":id/approve") { request, context in
            let typed = try await request.jsonIfAny(Approval.self)?.code
            let code = request.query["code"] ?? typed
            try await engine.approve(
                context.id(of: "host"),
                code: code,
                by: context.user,
                correlation: context.correlation
            )
            return try Self.complete()
        }
        hosts.post(":id/reject") { _, context in
            try await engine.reject(context.id(of: "host"), by: context.user, correlation: context.correlation)
            return try Self.complete()
        }
        hosts.post(":id/deactivate") { request, context in
            let reason = try await request.jsonIfAny(Deactivation.self)?.reason
            try await engine.deactivate(
                context.id(of: "host"),
                reason: reason,
                by: context.user,
                correlation: context.correlation
            )
            return try Self.complete()
        }
        hosts.post(":id/activate") { _, context in
            try await engine.activate(context.id(of: "host"), by: context.user, correlation: context.correlation)
            return try Self.complete()
        }
        hosts.post(":id/refresh") { _, context in
            try await engine.refresh(context.id(of: "host"))
            return try Self.complete()
        }
        hosts.post(":id/enrollcertificate") { _, context in
            let id = try context.id(of: "host")
            try await engine.enrolCertificate(of: id, by: context.user, correlation: context.correlation)
            return try Self.complete()
        }
        hosts.post(":id/forceselectspm") { _, context -> Response in
            let host = try await engine.host(context.id(of: "host"))
            throw Fault(
                .conflict,
                "Host \(host.name) cannot be the storage pool manager: its data center has no storage.",
                remedy: "Nothing is to be done; without storage no host needs to be it."
            )
        }
    }

    /// What people say of hosts, what they boot, and their end.
    private func addChanges(to hosts: some RouterMethods<APIContext>) {
        hosts.put(":id") { request, context in
            let id = try context.id(of: "host")
            let order = try await request.json(HostOrder.self)
            let power = try order.power_management.map { try PowerManagementChange($0) }
            try await engine.update(id, order, power: power, by: context.user, correlation: context.correlation)
            return try Response.json(HostResource(await engine.host(id)))
        }
        hosts.post(":id/boot") { request, context in
            let choice = try await request.json(BootChoice.self)
            try await engine.setBoot(
                context.id(of: "host"),
                profile: choice.profile,
                when: choice.when,
                by: context.user,
                correlation: context.correlation
            )
            return try Self.complete()
        }
        hosts.post(":id/address") { request, context in
            let choice = try await request.json(AddressChoice.self)
            try await engine.setFixedAddress(
                context.id(of: "host"),
                choice.address,
                by: context.user,
                correlation: context.correlation
            )
            return try Self.complete()
        }
        hosts.delete(":id") { request, context in
            try await engine.remove(
                context.id(of: "host"),
                force: request.query["force"] == "true",
                by: context.user,
                correlation: context.correlation
            )
            return try Self.complete()
        }
    }

    private static func complete() throws -> Response { try Response.json(ActionResource(status: "complete")) }
}
