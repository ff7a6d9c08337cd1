import Engine
import HTTPTypes
import HostModel
import Hummingbird
import NIOHTTP1

/// Why an action failed: the client gets it as an `<action>` with the fault in it.
struct FailedAction: Error {
    var cause: any Error
}

extension RouterMethods where Context == APIContext {
    /// oVirt's actions: `POST …/VERB`. What they refuse is an action that failed, not a bare fault.
    func action(
        _ path: RouterPath,
        _ call: Call,
        _ handler: @escaping @Sendable (Request, APIContext) async throws -> Response
    ) {
        post(path, call) { request, context in
            do {
                return try await handler(request, context)
            } catch let error as HTTPParserError {
                // Not a request at all.
                throw error
            } catch {
                throw FailedAction(cause: error)
            }
        }
    }
}

extension APIContext {
    /// oVirt's answer to an action that goes on: 202 with the job.
    func begun(_ job: JobRecord) async throws -> Response {
        var action = ActionResource(status: "pending")
        action.async = true
        action.job = ResourceLink(id: job.id.rawValue, href: ResourcePath.href("jobs", job.id.rawValue))
        return try await answer(action, status: .accepted)
    }
}
