import ArgumentParser
import Engine
import EngineAPI
import Glibc
import HostModel
import LogLines
import Logging
import ServiceLifecycle

/// `muster-engine serve`: as root a supervisor of two unprivileged children, otherwise the engine itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the engine, and muster-boot as its child when --boot-interface is set."
    )

    @OptionGroup var options: SettingOptions
    @Flag(help: "Print the settings that hold and where each came from, and exit.")
    var printSettings = false
    @Flag(help: .hidden)
    var unprivileged = false
    @Option(help: .hidden)
    var bootGroup: UInt32?

    func run() async throws {
        do {
            try await serve()
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as ListenError {
            throw StartFailure(error).report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        } catch let ended as ChildEnded {
            // The child has said why.
            throw ExitCode(ended.status)
        }
    }

    private func serve() async throws {
        let settings = try unprivileged ? options.resolvedFromFlags() : options.resolved()
        let configuration = try ServeConfiguration(settings)
        guard !printSettings else { return print(settings.listing) }
        let recent = RecentLines()
        var logger = Logger(label: "muster-engine") {
            LineLogHandler(label: $0, format: configuration.logFormat, recent: recent)
        }
        logger.logLevel = configuration.logLevel
        if unprivileged || geteuid() != 0 {
            try await runEngine(configuration, logger, recent)
        } else {
            if configuration.boot == nil {
                logger.notice("boot services are off; --boot-interface and --boot-address turn them on")
            }
            try await Supervisor(settings: settings, configuration: configuration, logger: logger).run()
        }
    }

    private func runEngine(
        _ configuration: ServeConfiguration,
        _ logger: Logger,
        _ recent: RecentLines
    ) async throws {
        guard unprivileged || configuration.boot == nil else {
            throw StartFailure(.notPermitted, "Boot services need root.", remedy: "Start as root, or use --boot none.")
        }
        try await EngineProcess(
            configuration: configuration,
            bootGroup: bootGroup,
            logger: logger,
            recent: recent
        ).run()
    }
}
