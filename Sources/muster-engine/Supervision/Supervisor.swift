import ArgumentParser
import Foundation
import Glibc
import HostModel
import LogLines
import Logging
import ServiceLifecycle
import Subprocess
import Synchronization
import SystemPackage
import UnixSignals

/// The part of `serve` that stays root. It holds no socket and reads nothing that comes from a network; it starts the
/// engine and muster-boot as users of their own, and keeps them running.
struct Supervisor: Sendable {
    var settings: Settings
    var configuration: ServeConfiguration
    var logger: Logger

    /// Runs until SIGTERM or SIGINT, or until a child says at its first start that its flags or settings are wrong.
    func run() async throws {
        let engine = try Account(settings.text(.user), setting: .user)
        let boot = try Account(settings.text(.bootUser), setting: .bootUser)
        let (engineProgram, bootProgram) = try programs(engine: engine, boot: boot)
        let places = InstalledPlaces(configuration: configuration)
        try await places.prepare(engine: engineProgram, boot: bootProgram)
        let (ready, engineIsReady) = AsyncStream.makeStream(of: ReadyLine.self, bufferingPolicy: .bufferingOldest(1))
        let engineService = ChildService(
            name: engineProgram.name,
            program: { engineProgram },
            onLine: { line in
                Console.output.write(terminalEscaped(line))
                if let line = ReadyLine(line) { engineIsReady.yield(line) }
            },
            logger: logger
        )
        let bootService = bootProgram.map { program in
            ChildService(
                name: program.name,
                program: { await ready.first { _ in true }.map(program.telling) },
                logger: logger
            )
        }
        try await group([engineService, bootService].compactMap(\.self)).run()
    }

    private func group(_ services: [ChildService]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0,
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = ChildService.stopMax
        return ServiceGroup(configuration: configuration)
    }

    /// The two children; no muster-boot without boot settings.
    private func programs(engine: Account, boot: Account) throws -> (engine: ChildProgram, boot: ChildProgram?) {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var engineArguments = ["serve", "--unprivileged"]
        for setting in Setting.allCases {
            guard let text = settings[setting] else { continue }
            engineArguments.append("--\(setting.rawValue)=\(text)")
        }
        if configuration.boot != nil { engineArguments.append("--boot-group=\(boot.group)") }
        let engineProgram = ChildProgram(
            name: "the engine",
            path: own,
            arguments: engineArguments,
            account: engine,
            groups: configuration.boot == nil ? [] : [boot.group],
            capabilities: [.bindService],
            refusals: Set(StartFailure.Status.allCases.map(\.rawValue))
        )
        return (engineProgram, configuration.bootProgram(beside: own, account: boot))
    }
}
