import ArgumentParser
import EngineClient
import HostModel

struct HostReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject",
        abstract: "Refuse the open claims on a host.",
        discussion: """
            A machine that never was approved disappears from the list and is kept away for a day, with this key and with
            any other. `muster host list --rejected` shows it, and --undo takes the rejection back: the machine then
            claims again within five minutes. Of a known host only the key that was rejected is kept away.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @Flag(help: "Take a rejection back; HOST is the name or id that `muster host list --rejected` shows.")
    var undo = false

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            if undo { return try await readmit(session) }
            let found = try await session.findHost(host)
            try await session.reject(found.id)
            output.show(found, as: Sentence(words: "the claims on \(found.name) are rejected"))
        }
    }

    private func readmit(_ session: EngineSession) async throws {
        let wanted = host.lowercased()
        let kept = try await session.rejections()
        let found = kept.filter { [$0.id, $0.name.lowercased(), $0.hardware_id].contains(wanted) }
        guard !found.isEmpty else {
            throw UserError(
                .badData,
                "no rejected machine has the name or id \(terminalEscaped(host))",
                remedy: "muster host list --rejected"
            )
        }
        for rejection in found {
            do throws(CallError) {
                try await session.readmit(rejection.id)
            } catch {
                // One call takes back all rejections of one machine.
                guard case .refused(status: 404, _) = error else { throw error }
            }
        }
        output.show(found, as: Sentence(words: "\(found[0].name) may claim again"))
    }
}
