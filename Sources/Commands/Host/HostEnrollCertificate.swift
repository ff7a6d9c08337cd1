import ArgumentParser
import EngineClient
import HostModel

struct HostEnrollCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll-certificate",
        abstract: "Give a host its next certificate.",
        discussion: """
            For the key that was approved, so nobody is asked for a code, and neither networks nor guests notice. The engine does \
            it by itself half a year before a certificate ends; this is for a host that was away so long, or whose address \
            changed. Works with a certificate whose time is over, too. A new key comes with `muster host reinstall`.
            """
    )

    @Argument(help: "Name or id of the host.", completion: .hosts)
    var host: String

    @OptionGroup var options: EngineOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await options.withSession { session in
            let found = try await session.findHost(host)
            try await session.enrolCertificate(found.id)
            let now = try await session.host(found.id)
            output.show(now, as: Sentence(words: "\(found.name) has its next certificate"))
        }
    }
}
