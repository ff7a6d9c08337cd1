import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `users` and `roles` (docs/protocols.md, section 3).
struct UserRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        addReads(to: api.group("users"))
        addChanges(to: api.group("users"))
        api.get("roles", .list("The roles that there are", RoleCollection.self)) { _, context in
            try await context.answer(RoleCollection(UserRole.allCases.reversed().map(RoleResource.init)))
        }
        api.get("roles/:id", .show("A role", RoleResource.self)) { _, context in
            let id = try context.parameters.require("id").lowercased()
            guard let role = UserRole.allCases.first(where: { $0.id == id }) else {
                throw Fault.notFound("There is no role with this id.", remedy: "GET roles lists them.")
            }
            return try await context.answer(RoleResource(role))
        }
    }

    private func addReads(to users: some RouterMethods<APIContext>) {
        users.get(
            .list("Users", SiteCollection<UserResource>.self, fields: UserResource.searchFields)
        ) { request, context in
            let query = try ListQuery(request.query, fields: UserResource.searchFields, limit: .max)
            let found = query.page(of: try await engine.users().map(UserResource.init))
            return try await context.answer(SiteCollection(found))
        }
        users.get(":id", .show("A user", UserResource.self)) { _, context in
            try await context.answer(UserResource(engine.user(context.id(of: "user"))))
        }
        users.get(":id/roles", .list("The role of a user", RoleCollection.self)) { _, context in
            let user = try await engine.user(context.id(of: "user"))
            return try await context.answer(RoleCollection([RoleResource(user.role)]))
        }
    }

    private func addChanges(to users: some RouterMethods<APIContext>) {
        users.post(.add("Makes a user", UserResource.Order.self, UserResource.self)) { request, context in
            let order = try await request.read(UserResource.Order.self, UserResource.element)
            let made = try await engine.addUser(order, by: context.user, correlation: context.correlation)
            return try context.created(UserResource(made))
        }
        users.put(":id", .change("Changes a user", UserResource.Order.self, UserResource.self)) { request, context in
            let (id, order) = (
                try context.id(of: "user"), try await request.read(UserResource.Order.self, UserResource.element)
            )
            let changed = try await engine.updateUser(id, order, by: context.user, correlation: context.correlation)
            return try await context.answer(UserResource(changed))
        }
        users.action(":id/password", .act("Sets a password", UserResource.PasswordChange.self)) { request, context in
            try await engine.setPassword(
                of: context.id(of: "user"),
                try await request.read(UserResource.PasswordChange.self, ActionResource.element),
                by: context.user,
                keeping: context.token,
                correlation: context.correlation
            )
            return try context.complete()
        }
        users.delete(":id", .remove("Removes a user")) { _, context in
            let id = try context.id(of: "user")
            try await engine.removeUser(id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }
}

extension UserResource {
    init(_ record: UserRecord) {
        self.init(
            id: record.id.rawValue,
            href: ResourcePath.href(Self.collection, record.id.rawValue),
            name: record.name,
            role: record.role,
            isEnabled: record.isEnabled
        )
        description = record.description
    }
}

extension UserResource: SearchedResource {
    static let searchFields = ["id", "name", "usrname", "user_name", "role", "description"]
    var searchValues: SearchValues {
        SearchValues(
            [
                "id": [id], "name": [name], "usrname": [name, principal, "\(principal)@\(UserRecord.directory)"],
                "user_name": [name], "role": [muster.role],
                "description": [description],
            ],
            words: [name, description ?? ""]
        )
    }
}

extension RoleResource {
    init(_ role: UserRole) { self.init(role, href: ResourcePath.href("roles", role.id)) }
}
