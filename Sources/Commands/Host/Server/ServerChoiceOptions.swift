import ArgumentParser
import HostConversion
import HostModel

/// What may be chosen about a conversion.
struct ServerChoiceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A package repository beside the server's own.", valueName: "url"))
    var repository: String?

    @Flag(help: "A server without virtualization is all right.")
    var withoutVirtualization = false

    @Flag(help: "Do not reboot the server, even where it needs that.")
    var noReboot = false

    @Flag(
        inversion: .prefixedNo,
        help: """
            Whether the host goes into service at the end, or into maintenance. (default: a new host into service, another one \
            to where it was)
            """
    )
    var activate: Bool?

    @Flag(
        help: """
            Take the conversion back when it fails: a step on the server, an agent that is not heard, or a host that is not \
            operational for five minutes.
            """
    )
    var undoOnFailure = false

    @Flag(help: "Take a server over that is another engine's host; that engine loses it.")
    var takeOver = false

    @Flag(help: "Let kdump tell the engine that a dump is being written (EL).")
    var kdump = false

    func validate() throws {
        guard
            repository.map({ $0.hasPrefix("https://") && ConversionRequest.Repository(url: $0) != nil }) ?? true
        else {
            throw ValidationError(
                "--repository takes an https:// URL: its packages are installed as root, without a signature."
            )
        }
    }

    func resource(_ signIn: ServerSignIn) -> ServerChoices {
        resource(signIn.sudoPassword, signIn.jump, user: signIn.user)
    }

    /// `jump`: the host in front of the server; `user`: who signs in there where it names nobody.
    func resource(_ sudoPassword: String?, _ jump: JumpHost?, user: String?) -> ServerChoices {
        var choices = ServerChoices()
        choices.repository = repository
        choices.without_virtualization = withoutVirtualization ? true : nil
        choices.reboot = noReboot ? false : nil
        choices.activate = activate
        choices.undo_on_failure = undoOnFailure ? true : nil
        choices.take_over = takeOver ? true : nil
        choices.kdump = kdump ? true : nil
        choices.sudo_password = sudoPassword
        choices.jump = jump.map { jump in
            var resource = ServerChoices.Jump(address: jump.host)
            (resource.port, resource.user_name) = (WireNumber(Int(jump.port)), jump.user ?? user)
            resource.fingerprint = jump.fingerprint?.rawValue
            return resource
        }
        return choices
    }
}
