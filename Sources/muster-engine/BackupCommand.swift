import ArgumentParser
import Engine
import Foundation
import HostModel

/// `muster-engine backup`: the installation as one file, beside a running engine.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write the installation (database, keys, address) to one file; the engine may run meanwhile.",
        discussion: """
            The file has the CA's key and the passwords' hashes in it: it is readable by its owner only, and is not \
            encrypted. Its end is a SHA-256 of the rest. Images are not in it.
            """
    )

    @Argument(help: "The file; there must be none of this name.", completion: .file())
    var file: String

    @OptionGroup var options: SettingOptions

    func run() throws {
        try reported {
            let serve = try ServeConfiguration(options.resolved())
            let settings = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            let summary = try InstallationBackup.write(settings, to: file)
            print("\(terminalEscaped(file)): \(summary.hosts) hosts, \(summary.files) files, \(summary.bytes) bytes.")
        }
    }
}

/// `muster-engine restore`: an installation out of such a file.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make an installation out of a backup.",
        discussion: """
            The file is verified before anything is changed: its SHA-256, SQLite's own check, and that this version knows its \
            schema. No engine may run on the data directory. Publish the images again, or copy DATA/images.

            The restored engine has the keys of the one that the backup is of, and agents would obey both. So it speaks to no \
            host of the backup until `muster-engine take-over`, or --take-over here, says that the other one runs no more. Jobs \
            that were under way are ended as failed; nothing is installed or switched again.
            """
    )

    @Argument(help: "What `muster-engine backup` wrote.", completion: .file())
    var file: String

    @Flag(help: "The data directory need not be empty: what is there is moved into before-restore-TIME in it.")
    var overwrite = false

    @Flag(help: "The engine that the backup is of runs no more: take its hosts over at once.")
    var takeOver = false

    @OptionGroup var options: SettingOptions

    func run() throws {
        try reported {
            let serve = try ServeConfiguration(options.resolved())
            let settings = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            let summary = try InstallationBackup.restore(
                file,
                to: settings,
                overwriting: overwrite,
                takesOver: takeOver
            )
            print(
                "\(serve.dataDirectory): \(summary.hosts) hosts and \(summary.files) files are back. "
                    + "Start it with `muster-engine serve`."
            )
            guard !takeOver, summary.hosts > 0 else { return }
            print(
                "It speaks to none of these hosts until `muster-engine take-over` says that the old engine runs no more."
            )
        }
    }
}

/// `muster-engine take-over`: the engine that a restored installation came from runs no more.
struct TakeOverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "take-over",
        abstract: "Let a restored engine speak to the hosts of its backup: the engine that was backed up runs no more.",
        discussion: """
            Two engines with the same keys would both set up, fence and install the same hosts. Make sure that the other one is \
            off and stays off. A running engine begins within a second; no restart is needed.
            """
    )

    @OptionGroup var options: SettingOptions

    func run() throws {
        try reported {
            let serve = try ServeConfiguration(options.resolved())
            let settings = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            let wasHeld = try RestoreHold.end(settings)
            print(
                wasHeld ? "The hosts of the backup are this engine's." : "Nothing is held back; there is nothing to do."
            )
        }
    }
}

private func reported(_ body: () throws -> Void) throws {
    do { try body() } catch let failure as StartFailure { throw failure.report() } catch let error as EngineError {
        throw StartFailure(error).report()
    }
}
