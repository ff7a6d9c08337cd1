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

    private struct Approval: Decodable, WireDocument {
        static let element = "action"
        var code: String?
        /// oVirt's: false is refused.
        var activate: Bool?
    }

    /// With `inherit` in the place of a profile the host has none of its own any more.
    private struct BootChoice: Decodable, WireDocument {
        static let element = "action"
        var profile: String?
        var inherit: Bool?
        var when: BootSchedule

        /// `nil` takes the profile away. A key that is written wrong takes nothing away.
        var checkedProfile: String? {
            get throws(Fault) {
                guard (profile == nil) == (inherit ?? false) else {
                    throw Fault(
                        .badRequest,
                        "The order says neither which profile the host boots, nor that it has none of its own, or both.",
                        remedy: "Give profile, or inherit: true to take away the host's own choice."
                    )
                }
                return profile
            }
        }
    }

    /// Without an address the host has none fixed any more.
    private struct AddressChoice: Decodable, WireDocument {
        static let element = "action"
        var address: IPv4Address?
    }

    private struct Deactivation: Decodable, WireDocument {
        static let element = "action"
        var reason: String?
    }

    private struct ClaimCollection: Codable, WireDocument {
        static let element = "claims"
        var claim: [ClaimResource]
    }

    private typealias Field = Call.Field

    private static let capabilities = Call(
        "What the agent of a host said of it, in VDSM's words",
        [.text("application/json", "The agent's own text")]
    )

    private static let brief = Call.Field("brief", .flag, "Only what tells hosts apart at a glance")

    func add(to api: some RouterMethods<APIContext>) {
        addReads(to: api.group("hosts"))
        addActions(to: api.group("hosts"))
        addChanges(to: api.group("hosts"))
    }

    private func addReads(to hosts: some RouterMethods<APIContext>) {
        hosts.get(
            .list("Hosts", HostCollection.self, fields: HostFilter.fields, query: [Self.brief])
        ) { request, context in
            let query = request.query
            let count = try PageSize(query, limit: Self.pageMax).count
            var filter = try HostFilter(search: query["search"] ?? "", max: count)
            filter.isCaseSensitive = try ListQuery.flag(query, "case_sensitive") ?? false
            let records = try await engine.hostListing(matching: filter)
            let isBrief = try ListQuery.flag(query, "brief") ?? false
            return try await context.answer(HostCollection.self, of: records) { record in
                isBrief ? HostResource(brief: record) : HostResource(record)
            }
        }
        hosts.get(":id", .show("A host", HostResource.self)) { _, context in
            try await context.answer(HostResource(alone: await engine.host(context.id(of: "host"))))
        }
        hosts.get(":id/claims", .list("The claims on a host that still answer", ClaimCollection.self)) { _, context in
            let claims = try await engine.claims(of: context.id(of: "host"))
            return try await context.answer(ClaimCollection(claim: claims.map(ClaimResource.init)))
        }
        hosts.get(":id/capabilities", Self.capabilities) { _, context in
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
        hosts.action(
            ":id/approve",
            .act(
                "Approves the claim with this code; without one tries a failed installation again",
                Approval.self,
                needsBody: false,
                query: [Field("code", .text, "The code that the node shows")]
            )
        ) { request, context in
            let approval = try await request.readIfAny(Approval.self)
            guard approval?.activate != false else {
                throw Fault(
                    .conflict,
                    "A node that is approved goes into service.",
                    remedy: "Leave activate out, and deactivate the host when it is up."
                )
            }
            let code = request.query["code"] ?? approval?.code
            try await engine.approve(
                context.id(of: "host"),
                code: code,
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        hosts.action(":id/reject", .act("Closes the open claims of a host")) { _, context in
            try await engine.reject(context.id(of: "host"), by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        hosts.action(
            ":id/deactivate",
            .act("Takes a host out of service", Deactivation.self, needsBody: false)
        ) { request, context in
            let reason = try await request.readIfAny(Deactivation.self)?.reason
            try await engine.deactivate(
                context.id(of: "host"),
                reason: reason,
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        hosts.action(":id/activate", .act("Puts a host into service")) { _, context in
            try await engine.activate(context.id(of: "host"), by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        hosts.action(":id/refresh", .act("Has everything of a host read now")) { _, context in
            try await engine.refresh(context.id(of: "host"))
            return try context.complete()
        }
        hosts.action(":id/enrollcertificate", .act("Gives a host its next certificate")) { _, context in
            let id = try context.id(of: "host")
            try await engine.enrolCertificate(of: id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        hosts.action(":id/forceselectspm", .act("Always refused: there is no storage")) { _, context -> Response in
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
        hosts.put(
            ":id",
            .change("Changes what is said of a host", HostOrder.self, HostResource.self)
        ) { request, context in
            let id = try context.id(of: "host")
            let order = try await request.read(HostOrder.self)
            let power = try order.power_management.map { try PowerManagementChange($0) }
            try await engine.update(id, order, power: power, by: context.user, correlation: context.correlation)
            return try await context.answer(HostResource(alone: await engine.host(id)))
        }
        hosts.action(":id/boot", .act("Sets what a host boots", BootChoice.self)) { request, context in
            let choice = try await request.read(BootChoice.self)
            try await engine.setBoot(
                context.id(of: "host"),
                profile: choice.checkedProfile,
                when: choice.when,
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        hosts.action(
            ":id/address",
            .act("Fixes the address that a host is given at its boots", AddressChoice.self)
        ) { request, context in
            let choice = try await request.read(AddressChoice.self)
            try await engine.setFixedAddress(
                context.id(of: "host"),
                choice.address,
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        hosts.delete(
            ":id",
            .remove("Forgets a host and revokes its key", query: [Field("force", .flag, "Also one that is in use")])
        ) { request, context in
            try await engine.remove(
                context.id(of: "host"),
                force: request.query["force"] == "true",
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }
}
