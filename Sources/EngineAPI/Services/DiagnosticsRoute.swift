import Engine
import Hummingbird

/// `GET …/api/diagnostics` and `…/diagnostics/log`: what `muster support bundle` asks the engine about itself. For the
/// signed-in only.
struct DiagnosticsRoute {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        api.get("diagnostics", Call("What the engine says of itself", [.ok(EngineDiagnostics.self)])) { _, _ in
            try Response.json(await engine.diagnostics())
        }
        api.get(
            "diagnostics/log",
            Call("The newest lines of the engine's own log", [.text("text/plain", "A line each")])
        ) { _, _ in
            Response.text(engine.recentLog.map { $0 + "\n" }.joined())
        }
    }
}
