import Engine
import Hummingbird

/// `GET /ovirt-engine/services/health`: what oVirt's monitoring looks for, after the database really answered.
struct HealthRoute {
    let engine: HostEngine

    func add(to router: some RouterMethods<APIContext>) {
        router.get("ovirt-engine/services/health") { _, _ in
            do { try await engine.checkHealth() } catch let error as EngineError {
                throw Fault(.serviceUnavailable, error.detail, remedy: error.remedy)
            }
            return Response.text("DB Up!Welcome to Health Status!")
        }
    }
}
