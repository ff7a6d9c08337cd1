import Engine
import Hummingbird

/// `GET …/api/diagnostics` and `…/diagnostics/log`: what `muster support bundle` asks the engine about itself. For the
/// signed-in only.
struct DiagnosticsRoute {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        api.get("diagnostics") { _, _ in try Response.json(await engine.diagnostics()) }
        api.get("diagnostics/log") { _, _ in
            Response.text(engine.recentLog.map { $0 + "\n" }.joined())
        }
    }
}
