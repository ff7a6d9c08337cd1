import ArgumentParser
import Engine

/// `muster-engine password`: for who lost the password of every SuperUser.
struct PasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Set a user's password on the engine's machine; the engine must not run.",
        discussion: """
            For who lost it: the user may sign in again, and every session of the user ends. With an engine that runs, another \
            SuperUser does it: muster user password NAME.
            """
    )

    @OptionGroup var options: SettingOptions
    @Argument(help: "The user.")
    var user = "admin@internal"
    @Option(help: "A file whose first line is the new password (default: one is made and printed once).")
    var passwordFile: String?

    func run() async throws {
        do {
            let serve = try ServeConfiguration(options.resolved())
            let password = try AdminPassword(file: passwordFile)
            let engine = EngineSettings(dataDirectory: serve.dataDirectory, engineAddress: "")
            try await HostEngine.resetPassword(of: user, to: password.text, engine)
            print("The password of \(user) is set" + (password.isGenerated ? ": \(password.text)" : "."))
        } catch let failure as StartFailure {
            throw failure.report()
        } catch let error as EngineError {
            throw StartFailure(error).report()
        }
    }
}
