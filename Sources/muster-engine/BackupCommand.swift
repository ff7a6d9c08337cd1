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
            """
    )

    @Argument(help: "What `muster-engine backup` wrote.", completion: .file())
    var file: String

    @Flag(help: "The data directory need not be empty: what is there is moved into before-restore-TIME in it.")
    var overwrite = false

    @OptionGroup var options: SettingOptions

    func run() throws {
        try reported {
            let serve = try ServeConfiguration(options.resolved())
            let settings = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            let summary = try InstallationBackup.restore(file, to: settings, overwriting: overwrite)
            print(
                "\(serve.dataDirectory): \(summary.hosts) hosts and \(summary.files) files are back. "
                    + "Start it with `muster-engine serve`."
            )
        }
    }
}

private func reported(_ body: () throws -> Void) throws {
    do { try body() } catch let failure as StartFailure { throw failure.report() } catch let error as EngineError {
        throw StartFailure(error).report()
    }
}
