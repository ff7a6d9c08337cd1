import ArgumentParser
import Engine

/// `muster-engine fingerprint`: what `muster login` asks people to compare with.
struct FingerprintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fingerprint",
        abstract: "Print the SHA-256 of the installation's CA certificate.",
        discussion: "Compare it with what `muster login` shows; nodes take it as management_server_fingerprint=."
    )

    @OptionGroup var options: SettingOptions

    func run() throws {
        do {
            let serve = try ServeConfiguration(options.resolved())
            print(try HostEngine.authorityFingerprint(in: serve.dataDirectory))
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        }
    }
}
