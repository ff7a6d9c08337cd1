import ArgumentParser
import HostModel

/// A machine without a system, and the board that switches it on.
struct BareMachineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The MAC address of the card that it boots from the network by.", valueName: "mac"))
    var mac: String?

    @Option(help: ArgumentHelp("With --mac: name or IP address of its board.", valueName: "address"))
    var bmc: String?

    @Option(help: ArgumentHelp("The fence agent of the board without fence_: ipmilan, redfish.", valueName: "type"))
    var bmcType = "ipmilan"

    @Option(help: ArgumentHelp("The port on which the board listens.", valueName: "port"))
    var bmcPort: Int?

    @Option(help: ArgumentHelp("Who signs in at the board.", valueName: "user"))
    var bmcUser: String?

    @Option(
        help: ArgumentHelp("The file with the board's password; - is standard input.", valueName: "file"),
        completion: .file()
    )
    var bmcPasswordFile: String?

    @Option(name: .customLong("bmc-option"), help: ArgumentHelp("Of the fence agent.", valueName: "name=value"))
    var bmcOptions: [String] = []

    @Option(help: ArgumentHelp("What it boots, of mode run.", valueName: "profile"))
    var profile: String?

    @Flag(help: "With --mac: switch a machine that is on off and on.")
    var restart = false

    func validate() throws {
        guard bmcPort.map({ (1...65535).contains($0) }) ?? true else {
            throw ValidationError("--bmc-port takes 1 to 65535.")
        }
        guard let mac else {
            guard bmc == nil, bmcUser == nil, profile == nil, !restart else {
                throw ValidationError("--bmc, --bmc-user, --profile and --restart go with --mac.")
            }
            return
        }
        guard MACAddress(mac) != nil else { throw ValidationError("--mac takes an address as 52:54:00:12:34:56.") }
        guard bmc != nil, bmcUser != nil else {
            throw ValidationError("--mac goes with --bmc and --bmc-user: the board switches the machine on.")
        }
    }

    /// `nil` without `--mac`. Asks for the password where no file has it.
    func arrival() throws -> ServerChoices.Arrival? {
        guard let mac, let bmc, let bmcUser else { return nil }
        var board = FenceAgentResource()
        (board.type, board.address, board.username) = (bmcType, bmc, bmcUser)
        board.port = bmcPort.map { WireNumber($0) }
        board.password = try PasswordSource(file: bmcPasswordFile).password(for: "\(bmcUser) at \(bmc)")
        if !bmcOptions.isEmpty { board.options = FenceAgentResource.Options(words: bmcOptions) }
        var arrival = ServerChoices.Arrival(mac: mac, board: board)
        (arrival.profile, arrival.restart) = (profile, restart)
        return arrival
    }
}
