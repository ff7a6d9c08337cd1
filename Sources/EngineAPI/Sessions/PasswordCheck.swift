import Engine
import HTTPTypes
import Hummingbird

/// The one door to `HostEngine.authenticate`, which slows guesses of one name; here a source that guesses is slowed.
final class PasswordCheck: Sendable {
    private let engine: HostEngine
    private let failures: SourceRate

    init(engine: HostEngine, failures: SourceRate = SourceRate(.signInFailures)) {
        (self.engine, self.failures) = (engine, failures)
    }

    /// The user, or a fault: 401 for a wrong name or password, 429 for one guess too many.
    func user(_ name: String, password: String, context: APIContext) async throws -> UserRecord {
        if let seconds = failures.wait(context.source) { throw Self.tooMany(seconds) }
        do throws(EngineError) {
            return try await engine.authenticate(user: name, password: password)
        } catch {
            guard [.forbidden, .notFound, .invalid].contains(error.kind) else { throw error }
            _ = failures.take(context.source)
            throw Fault(
                .unauthorized,
                "The user name or the password is wrong.",
                remedy: "User names are written NAME@PROFILE, such as admin@internal."
            )
        }
    }

    private static func tooMany(_ seconds: Int) -> Fault {
        Fault(
            .tooManyRequests,
            "There were too many attempts to sign in.",
            remedy: "Try again in \(seconds) seconds.",
            headers: [.retryAfter: "\(seconds)"]
        )
    }
}
