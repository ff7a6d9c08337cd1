import ArgumentParser
import BootServer
import EngineClient
import Glibc
import HostModel
import LogLines
import Logging
import Recipes
import ServiceLifecycle
import UnixSignals

@main
struct MusterBoot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-boot",
        abstract: "Boots the machines of one network segment: DHCP, TFTP and HTTP.",
        discussion: """
            A machine gets an address and the name of a loader by DHCP, the loader (iPXE) by TFTP or HTTP, and then by \
            HTTP the script that its boot profile asks for. What a machine boots is decided by the engine, which \
            muster-boot asks over --directory-socket for every machine, every time.

            muster-engine starts muster-boot by itself. Alone it needs no root, only the capabilities to listen below \
            port 1024 and to answer machines that have no address yet:

              setcap cap_net_bind_service,cap_net_raw+ep /usr/bin/muster-boot
              muster-boot --interface eth1 --address 10.77.0.1/24 --pool 10.77.0.100-10.77.0.199 \\
                --image-directory /var/lib/muster/images --engine engine.example.org

            Every boot step is one line on standard error and one event of the machine in the engine. SIGTERM ends it \
            within 5 seconds; transfers on their way get that time.

            Before the first start, `muster-boot check` with the same options looks for what would keep it from serving: the \
            interface, ports and who has them, other DHCP servers, missing loaders.

            On another segment than the engine's, --engine-url asks it over the network. At its first start muster-boot then makes \
            a key, shows a code, and serves once a person has approved that: `muster boot approve NAME --code CODE`. While the \
            engine is away, machines that it knows boot by its last answers and by images that are kept here (docs/boot.md).

              muster-boot --interface eth1 --address 10.78.0.1/24 --pool 10.78.0.100-10.78.0.199 \\
                --engine-url https://engine.example.org --ca-fingerprint SHA256:…

            To try it without an engine, --profile-file gives every machine the same answer, a BootAnswer in JSON:

              {"profile": {"name": "try", "mode": "run", "kernelArguments": ["console=ttyS0"]},
               "manifest": {"schema": 1, "name": "node-minimal", "version": "0123456789ab", …},
               "reason": "a trial"}
            """
    )

    @OptionGroup var options: MusterBootOptions

    func validate() throws {
        let ways = [options.directorySocket, options.profileFile, options.engineURL]
        guard ways.count(where: { $0 != nil }) == 1 else {
            throw ValidationError("Give one of --directory-socket, --engine-url and --profile-file.")
        }
        _ = try options.settings()
        _ = try options.remoteEngine()
    }

    /// As ArgumentParser's own, but with the exit statuses of `Ending`: a wrong option is a configuration that can never
    /// work, and whoever starts this program again must be able to tell.
    static func main() async {
        do {
            // Not a subcommand of ArgumentParser: that would want the options of a start twice.
            if CommandLine.arguments.dropFirst().first == "check" {
                return try await check(Array(CommandLine.arguments.dropFirst(2)))
            }
            let command = try parse()
            try await command.run()
        } catch let ending as Ending {
            ending.leave()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Ending.leave(.configuration, fullMessage(for: error))
        }
    }

    private static func check(_ arguments: [String]) async throws {
        do {
            guard let command = try CheckCommand.parseAsRoot(arguments) as? CheckCommand else { return }
            try await command.run()
        } catch {
            CheckCommand.exit(withError: error)
        }
    }

    func run() async throws {
        let format = options.logFormat
        LoggingSystem.bootstrap { LineLogHandler(label: $0, format: format) }
        let logger = Logger(label: "muster-boot")
        let settings = try options.settings()
        raiseDescriptorLimit()
        do {
            if let engine = try options.remoteEngine() { return try await serve(engine, settings, logger) }
            let services = try await BootServices.open(settings, directory: try options.directory(), logger: logger)
            try await serve([services], logger)
        } catch let failure as StartFailure {
            throw Ending(failure)
        } catch let error as RecipeError {
            throw Ending(.configuration, "\(error); \(error.remedy)")
        } catch let error as PXEDirectory.Failure {
            throw Ending(.configuration, "\(error)")
        }
    }

    /// Nothing is served before a person has approved this boot server.
    private func serve(_ engine: RemoteEngine, _ settings: BootServicesSettings, _ logger: Logger) async throws {
        guard let directory = try await engine.open(logger) else { return }
        var settings = settings
        (settings.imageStore, settings.imageDirectory) = (directory.images, directory.images.directory)
        settings.engine = settings.engine ?? engine.location(directory.authorityFingerprint)
        let services = try await BootServices.open(settings, directory: directory, logger: logger)
        do {
            try await serve([services, SegmentService(directory: directory)], logger)
        } catch let ending as Ending where ending.status == .software {
            guard directory.isRemoved else { throw ending }
            throw Ending(.notPermitted, "\(SegmentBootDirectory.Removed()); started again it asks to be enrolled anew")
        }
    }

    private func serve(_ services: [any Service], _ logger: Logger) async throws {
        do { try await run(services, logger) } catch {
            throw Ending(.software, "the boot services ended: \(error)")
        }
    }

    private func run(_ services: [any Service], _ logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(BootServices.drainSeconds)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// One descriptor a connection and one a file: the usual soft limit of 1,024 is soon reached.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
