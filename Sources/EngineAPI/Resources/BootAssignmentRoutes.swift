import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `bootassignments`: what the hosts of tags and clusters boot that have no profile of their own.
struct BootAssignmentRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let assignments = api.group("bootassignments")
        assignments.get(.list("Boot profiles of tags and clusters", BootAssignmentCollection.self)) { _, context in
            try await context.answer(BootAssignmentCollection(engine.bootAssignments()))
        }
        assignments.put(
            ":scope/:name",
            .change("Sets what the hosts of a tag or a cluster boot", BootAssignmentOrder.self, BootAssignment.self)
        ) { request, context in
            let (scope, name) = (try scope(context), try context.parameters.require("name"))
            let order = try await request.read(BootAssignmentOrder.self)
            try await engine.assignProfile(
                order.profile,
                to: scope,
                name,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.answer(BootAssignment(scope: scope, name: name, profile: order.profile))
        }
        assignments.delete(
            ":scope/:name",
            .remove("Takes the boot profile from a tag or a cluster")
        ) { _, context in
            try await engine.assignProfile(
                nil,
                to: scope(context),
                context.parameters.require("name"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }

    private func scope(_ context: APIContext) throws -> BootAssignment.Scope {
        let word = try context.parameters.require("scope")
        guard let scope = BootAssignment.Scope(rawValue: word) else {
            throw Fault.notFound("Hosts are not named together by \(word.prefix(32)).", remedy: "Send tag or cluster.")
        }
        return scope
    }
}
