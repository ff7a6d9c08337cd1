import HostModel
import Logging
import Subprocess
import SystemPackage

/// Tells the engine that a root of this machine's own, on a medium or in a slot, did not come up: through the boot server
/// beside the engine that the node was told of. Nothing of such a start needs a network, so it is set up for this.
struct OwnRootReport: Sendable {
    let settings: LiveRoot.Settings
    let logger: Logger

    /// Does what it can; a machine whose engine is not known, or has no boot server, shows it on its console only.
    func send(_ message: String) async {
        let configuration = NodeConfiguration(
            commandLine: settings.commandLine,
            state: settings.state,
            run: settings.run
        )
        guard let engine = configuration.engine else { return }
        do {
            _ = try await Subprocess.run(
                .path(settings.bootNetwork),
                input: .none,
                output: .discarded,
                error: .discarded
            )
            let line = (try? readFile(settings.commandLine, limit: KernelArguments.bytesMax)) ?? []
            let query = BootEventReport.query(KernelArguments(String(decoding: line, as: UTF8.self)))
            let isTaken = await BootEventReport(host: "\(engine.host)", query: query).send(stage: "live_root", message)
            logger.notice("the failure was \(isTaken ? "told to" : "not taken by") the boot server at \(engine.host)")
        } catch {
            logger.warning("no network to report by: \(terminalEscaped("\(error)"))")
        }
    }
}
