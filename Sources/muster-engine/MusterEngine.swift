import ArgumentParser
import Engine

/// The engine's program: `init` makes an installation, `serve` runs it.
@main
struct MusterEngine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-engine",
        abstract: "The engine that takes machines in, approves them and keeps them managed.",
        discussion: """
            Settings come from flags, then from the environment (MUSTER_ENGINE_DATA_DIRECTORY for --data-directory), \
            then from /etc/muster/engine.yaml (data-directory: …), then from the defaults.
            """,
        version: HostEngine.version,
        subcommands: [
            InitCommand.self, ServeCommand.self, FingerprintCommand.self, BackupCommand.self, RestoreCommand.self,
            TakeOverCommand.self, AuditCommand.self, PasswordCommand.self,
            CertificateCommand.self, SimulateCommand.self,
        ]
    )
}
