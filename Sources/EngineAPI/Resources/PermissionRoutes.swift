import Engine
import HostModel
import Hummingbird

/// `permissions` of the whole system and `users/ID/permissions`: which user has which role, as oVirt's clients give and take
/// it. A user has one role and so one permission; permissions of single things there are none.
struct PermissionRoutes {
    let engine: HostEngine

    /// Who gets what; a user's own collection knows who.
    private struct Order: Decodable, WireDocument {
        static let element = "permission"
        var user: WireReference?
        var role: WireReference?
        /// Of single things, and of groups, there are no permissions: who asks for one must not get the whole system.
        var group, cluster, data_center, disk, host, storage_domain, template, vm, vm_pool: WireReference?

        func refuseScope() throws {
            let scopes = [
                ("group", group), ("cluster", cluster), ("data_center", data_center), ("disk", disk), ("host", host),
                ("storage_domain", storage_domain), ("template", template), ("vm", vm), ("vm_pool", vm_pool),
            ]
            guard let scope = scopes.first(where: { $0.1 != nil })?.0 else { return }
            throw Fault(
                .badRequest,
                "Permissions are of users and of the whole system: leave \(scope) out, or give no permission."
            )
        }
    }

    func add(to api: some RouterMethods<APIContext>) {
        addOfSystem(to: api.group("permissions"))
        addOfUser(to: api.group("users/:id/permissions"))
    }

    private func addOfSystem(to permissions: some RouterMethods<APIContext>) {
        permissions.get(.list("Who has which role", PermissionCollection.self)) { _, context in
            try await context.answer(PermissionCollection(try await engine.users().map(PermissionResource.init)))
        }
        permissions.get(":id", .show("A permission", PermissionResource.self)) { _, context in
            try await context.answer(PermissionResource(try await holder(context)))
        }
        permissions.post(.add("Gives a user a role", Order.self, PermissionResource.self)) { request, context in
            let order = try await request.read(Order.self, Order.element)
            return try await grant(order, to: user(order.user), context)
        }
        permissions.delete(":id", .remove("Takes a role from a user, who may look on")) { _, context in
            try await revoke(from: holder(context), context)
        }
    }

    private func addOfUser(to permissions: some RouterMethods<APIContext>) {
        permissions.get(.list("What gives a user the role", PermissionCollection.self)) { _, context in
            let user = try await engine.user(context.id(of: "user"))
            return try await context.answer(PermissionCollection([PermissionResource(user)]))
        }
        permissions.get(":permission", .show("A permission of a user", PermissionResource.self)) { _, context in
            try await context.answer(PermissionResource(try await holder(context, at: "permission")))
        }
        permissions.post(.add("Gives a user a role", Order.self, PermissionResource.self)) { request, context in
            let user = try await engine.user(context.id(of: "user"))
            return try await grant(try await request.read(Order.self, Order.element), to: user, context)
        }
        permissions.delete(":permission", .remove("Takes a role from a user, who may look on")) { _, context in
            try await revoke(from: holder(context, at: "permission"), context)
        }
    }

    private func grant(_ order: Order, to user: UserRecord, _ context: APIContext) async throws -> Response {
        try order.refuseScope()
        let role = try Self.role(order.role)
        let made = try await engine.grant(role, to: user.id, by: context.user, correlation: context.correlation)
        return try context.created(PermissionResource(made))
    }

    private func revoke(from user: UserRecord, _ context: APIContext) async throws -> Response {
        try await engine.revoke(user.role, from: user.id, by: context.user, correlation: context.correlation)
        return try context.complete()
    }

    /// Whose permission the path names; where the path names a user, too, that user's.
    private func holder(_ context: APIContext, at name: String = "id") async throws -> UserRecord {
        let id = try context.id(of: "permission", at: name)
        let isOfUser = name != "id"
        let users = isOfUser ? [try await engine.user(context.id(of: "user"))] : try await engine.users()
        guard let user = users.first(where: { PermissionResource.id(of: $0) == id.rawValue }) else {
            throw Fault.notFound("There is no permission with the id \(id).", remedy: "GET permissions lists them.")
        }
        return user
    }

    private func user(_ reference: WireReference?) async throws -> UserRecord {
        guard let reference, !reference.text.isEmpty else {
            throw Fault(.badRequest, "A permission needs a user.", remedy: "Name one by id or name.")
        }
        if let id = reference.id.flatMap(UniqueID.init(rawValue:)) { return try await engine.user(id) }
        let name = UserRecord.fullName(reference.text)
        guard let found = try await engine.users().first(where: { $0.name == name }) else {
            throw Fault.notFound("There is no user \(reference.text.prefix(64)).", remedy: "GET users lists them.")
        }
        return found
    }

    private static func role(_ reference: WireReference?) throws -> UserRole {
        let text = reference?.id ?? reference?.text ?? ""
        let wanted = text.lowercased()
        guard let role = UserRole.allCases.first(where: { $0.id == wanted || $0.rawValue.lowercased() == wanted })
        else {
            let names = UserRole.allCases.map(\.rawValue).joined(separator: ", ")
            // In the detail: oVirt's clients show nothing else.
            throw Fault(.badRequest, "There is no role \"\(text.prefix(64))\"; there are \(names).")
        }
        return role
    }
}

extension PermissionResource: WirePlace {
    package static var element: String { "permission" }
    package var place: String? { href }

    /// Another one for each role, so that who takes back what was given does not take another role that came meanwhile.
    static func id(of user: UserRecord) -> String { ResourcePath.id(of: "\(user.id)/\(user.role.rawValue)") }

    init(_ user: UserRecord) {
        let id = Self.id(of: user)
        self.init(
            id: id,
            href: ResourcePath.href("permissions", id),
            role: ResourceLink(
                id: user.role.id,
                href: ResourcePath.href("roles", user.role.id),
                name: user.role.rawValue
            ),
            user: ResourcePath.link(UserResource.collection, user.id, name: user.name)
        )
    }
}
